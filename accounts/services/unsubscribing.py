"""What people want mailed, and the link in every mail that ends it without signing in."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.core import signing
from django.db import transaction
from django.urls import reverse

from accounts.domain.notices import KINDS
from accounts.models import MailPreference, Notice, User

_SALT = "equinode.unsubscribe"


def path_for(*, user: User, kind: str) -> str:
    """A signed link that ends mail of this kind for this person, for ever: mails are kept for years."""
    return reverse("unsubscribe", args=[signing.dumps([str(user.uid), kind], salt=_SALT)])


def read(token: str) -> tuple[User, str] | None:
    """Whose mail of which kind a link is about; None where it is not one of ours."""
    try:
        uid, kind = signing.loads(token, salt=_SALT)
    except (signing.BadSignature, ValueError):
        return None
    user = User.objects.filter(uid=UUID(uid), is_active=True).first()
    return (user, kind) if user is not None and kind in KINDS else None


@transaction.atomic
def set_preferences(*, user: User, by_mail: Mapping[str, bool]) -> None:
    """From now on; what waits to be mailed is not mailed any more, what was not mailed stays so."""
    MailPreference.objects.bulk_create(
        [MailPreference(user=user, kind=kind, by_mail=wanted) for kind, wanted in by_mail.items()],
        update_conflicts=True, unique_fields=["user", "kind"], update_fields=["by_mail"],
    )  # fmt: skip
    ended = [kind for kind, wanted in by_mail.items() if not wanted]
    waiting = Notice.objects.filter(user=user, kind__in=ended, mail=Notice.Mail.WAITING)
    waiting.update(mail=Notice.Mail.NONE)
