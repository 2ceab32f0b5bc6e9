"""The mail of an invitation: it goes to an address, whether or not anybody here has it.

Its link holds a secret that nothing stores: it is made from the site's key and the invitation's uid,
when the invitation is written and again when its mail is.
"""

from __future__ import annotations

import base64
import hashlib
from zoneinfo import ZoneInfo

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.crypto import salted_hmac

from accounts.models import Invitation, Project, User
from common.lines import on_one_line

_SALT = "accounts.services.invitation_mail"


def secret_of(invitation: Invitation) -> str:
    """43 letters that only this site can tell from the uid."""
    digest = salted_hmac(_SALT, str(invitation.uid), algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def message_of(invitation: Invitation) -> EmailMultiAlternatives:
    """In the language and time zone of whoever has the address, else of whoever invites."""
    group, reader = invitation.project or invitation.organisation, _reader(invitation)
    secret = secret_of(invitation)
    if digest_of(secret) != invitation.token_hash:
        # The site's key was changed since it was written: what is mailed must open it.
        Invitation.objects.filter(pk=invitation.pk).update(token_hash=digest_of(secret))
    url = settings.SITE_ORIGIN + reverse("invitation", args=[secret])
    context = {
        "invitation": invitation, "group": group, "is_project": isinstance(group, Project),
        "by": invitation.invited_by, "url": url,
    }  # fmt: skip
    with translation.override(reader.language), timezone.override(ZoneInfo(reader.time_zone)):
        subject = on_one_line(render_to_string("accounts/mail/invitation_subject.txt", context))
        text = render_to_string("accounts/mail/invitation.txt", context)
        html = render_to_string("accounts/mail/invitation.html", context)
    message = EmailMultiAlternatives(subject, text, to=[invitation.email])
    message.attach_alternative(html, "text/html")
    return message


def _reader(invitation: Invitation) -> User:
    known = EmailAddress.objects.filter(email__iexact=invitation.email, verified=True)
    found = known.select_related("user").first()
    return found.user if found else invitation.invited_by
