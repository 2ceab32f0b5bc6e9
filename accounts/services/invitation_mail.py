"""The mail of an invitation: it goes to an address, whether or not anybody here has it."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from accounts.models import Invitation, Project
from common.lines import on_one_line


def send(*, invitation: Invitation, secret: str) -> None:
    """In the language of whoever has the address, else in that of whoever invites."""
    group = invitation.project or invitation.organisation
    context = {
        "invitation": invitation, "group": group, "is_project": isinstance(group, Project),
        "by": invitation.invited_by, "url": settings.SITE_ORIGIN + reverse("invitation", args=[secret]),
    }  # fmt: skip
    with translation.override(_language(invitation)):
        subject = on_one_line(render_to_string("accounts/mail/invitation_subject.txt", context))
        text = render_to_string("accounts/mail/invitation.txt", context)
        html = render_to_string("accounts/mail/invitation.html", context)
    message = EmailMultiAlternatives(subject, text, to=[invitation.email])
    message.attach_alternative(html, "text/html")
    message.send()


def _language(invitation: Invitation) -> str:
    known = EmailAddress.objects.filter(email__iexact=invitation.email, verified=True)
    return known.values_list("user__language", flat=True).first() or invitation.invited_by.language
