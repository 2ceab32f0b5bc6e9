"""Mailing notices and invitations: each at most once, however many workers try, whatever one dies of.

It is claimed (waiting -> sending) and committed before anything is said to the mail server.
What certainly did not go out waits for another try. A worker that dies in between, or a connection
that breaks before the server has said yes or no, leaves it at `sending`: perhaps it went out, so nobody
sends it again; stewards see it.
"""

from __future__ import annotations

import logging
import smtplib
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import connection
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from accounts.domain.notices import next_try
from accounts.models import Invitation, Notice
from accounts.services import invitation_mail, unsubscribing
from accounts.wording import notices as wording

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 100  # in one sweep; the next is seconds away
CLAIM = """
UPDATE {table} SET mail = 'sending', mail_attempts = mail_attempts + 1
WHERE id = (
    SELECT id FROM {table} WHERE mail = 'waiting' AND mail_due_at <= %s
    ORDER BY mail_due_at LIMIT 1 FOR UPDATE SKIP LOCKED
) AND mail = 'waiting'
RETURNING id
"""
Letter = Notice | Invitation
_READ_WITH: dict[type[Letter], tuple[str, ...]] = {
    Notice: ("user",),
    Invitation: ("invited_by", "project", "organisation"),
}
# The server has said no, so nothing went out. A connection that breaks is not among them.
REFUSALS = (
    smtplib.SMTPSenderRefused,
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPDataError,
    smtplib.SMTPNotSupportedError,
)


class NotSent(Exception):
    """Certainly not."""


class ServerAway(NotSent):
    """Nor would any other mail be."""


def send_due(*, at: datetime) -> int:
    """Send what is due; answer how many mails went out.

    While the server cannot be reached, one try is enough for a sweep.
    """
    sent, outgoing = 0, get_connection()
    try:
        for _number in range(MOST_AT_ONCE):
            letter = claim(at=at)
            if letter is None:
                break
            sent += _send(letter, outgoing, at)
    except ServerAway as exc:
        logger.warning("mail waits: %s", exc)
    finally:
        outgoing.close()
    return sent


def claim(*, at: datetime) -> Letter | None:
    """Take one that is due for this worker alone; committed at once, as the sweep has no transaction.

    Invitations first: who sends one may be sitting beside who waits for it.
    """
    return _claimed(Invitation, at) or _claimed(Notice, at)


def message_of(letter: Letter) -> EmailMultiAlternatives:
    """The mail in its reader's language and time zone, with a Message-ID of its own."""
    message = invitation_mail.message_of(letter) if isinstance(letter, Invitation) else _notice(letter)
    kind = letter._meta.model_name
    message.extra_headers |= {
        "Message-ID": f"<{kind}-{letter.uid}@{urlsplit(settings.SITE_ORIGIN).hostname}>",
        "Auto-Submitted": "auto-generated",
    }
    return message


def _claimed(model: type[Letter], at: datetime) -> Letter | None:
    with connection.cursor() as cursor:
        cursor.execute(CLAIM.format(table=model._meta.db_table), [at])
        found = cursor.fetchone()
    if not found:
        return None
    letters: QuerySet[Any] = model._default_manager.select_related(*_READ_WITH[model])
    return cast("Letter", letters.get(pk=found[0]))


def _notice(notice: Notice) -> EmailMultiAlternatives:
    user = notice.user
    with translation.override(user.language), timezone.override(ZoneInfo(user.time_zone)):
        title = wording.title(notice.kind, notice.params)
        unsubscribe_url = settings.SITE_ORIGIN + unsubscribing.path_for(user=user, kind=notice.kind)
        context = {
            "title": title,
            "body": wording.body(notice.kind, notice.params),
            "url": settings.SITE_ORIGIN + notice.url if notice.url else "",
            "why": wording.SENTENCES[notice.kind],
            "unsubscribe_url": unsubscribe_url,
            "preferences_url": settings.SITE_ORIGIN + reverse("notice_preferences"),
        }
        text = render_to_string("notices/mail.txt", context).strip() + "\n"
        html = render_to_string("notices/mail.html", context)
    message = EmailMultiAlternatives(
        title, text, to=[user.email],
        headers={
            "List-Unsubscribe": f"<{unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )  # fmt: skip
    message.attach_alternative(html, "text/html")
    return message


def _send(letter: Letter, outgoing: Any, at: datetime) -> bool:
    if not _is_wanted(letter, at):
        _becomes(letter, mail=Notice.Mail.NONE)
        return False
    try:
        _hand_over(_written(letter), outgoing)
    except NotSent as exc:
        logger.warning("%s %s was not mailed: %s", letter._meta.model_name, letter.uid, exc)
        _wait_or_give_up(letter, at)
        if isinstance(exc, ServerAway):
            raise
        return False
    except Exception:
        # Whether it went out nobody knows: it stays `sending`, which stewards see.
        logger.exception("%s %s was perhaps mailed", letter._meta.model_name, letter.uid)
        outgoing.close()
        return False
    return _becomes(letter, mail=Notice.Mail.SENT, mailed_at=at)


def _is_wanted(letter: Letter, at: datetime) -> bool:
    """Neither an account that was closed since, nor an invitation that ended before it went out."""
    if isinstance(letter, Notice):
        return letter.user.is_active
    return letter.accepted_at is None and letter.revoked_at is None and at < letter.expires_at


def _written(letter: Letter) -> EmailMultiAlternatives:
    try:
        return message_of(letter)
    except Exception as exc:
        logger.exception("%s %s could not be written", letter._meta.model_name, letter.uid)
        raise NotSent("it could not be written") from exc


def _hand_over(message: EmailMultiAlternatives, outgoing: Any) -> None:
    try:
        outgoing.open()  # does nothing where it is open already
    except (OSError, smtplib.SMTPException) as exc:
        raise ServerAway(str(exc) or type(exc).__name__) from exc
    try:
        outgoing.send_messages([message])
    except REFUSALS as exc:
        outgoing.close()  # some servers hang up after a refusal
        raise NotSent(type(exc).__name__) from exc


def _wait_or_give_up(letter: Letter, at: datetime) -> None:
    again_at = next_try(letter.mail_attempts, at)
    if again_at is None:
        _becomes(letter, mail=Notice.Mail.FAILED)
    else:
        _becomes(letter, mail=Notice.Mail.WAITING, mail_due_at=again_at)


def _becomes(letter: Letter, **changes: Any) -> bool:
    """Only from `sending`: nobody takes back what somebody else has decided meanwhile."""
    mine = type(letter)._default_manager.filter(pk=letter.pk, mail=letter.Mail.SENDING)
    return bool(mine.update(**changes))
