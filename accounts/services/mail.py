"""Mailing notices: each at most once, however many workers try, and whatever one of them dies of.

A notice is claimed (waiting -> sending) and committed before anything is said to the mail server.
What certainly did not go out waits for another try. A worker that dies in between, or a connection
that breaks before the server has said yes or no, leaves it at `sending`: perhaps it went out, so nobody
sends it again; stewards see it.
"""

from __future__ import annotations

import logging
import smtplib
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import connection
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from accounts.domain.notices import next_try
from accounts.models import Notice
from accounts.services import unsubscribing
from accounts.wording import notices as wording

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 100  # in one sweep; the next is seconds away
CLAIM = """
UPDATE accounts_notice SET mail = 'sending', mail_attempts = mail_attempts + 1
WHERE id = (
    SELECT id FROM accounts_notice WHERE mail = 'waiting' AND mail_due_at <= %s
    ORDER BY mail_due_at LIMIT 1 FOR UPDATE SKIP LOCKED
) AND mail = 'waiting'
RETURNING id
"""
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
            notice = claim(at=at)
            if notice is None:
                break
            sent += _send(notice, outgoing, at)
    except ServerAway as exc:
        logger.warning("mail waits: %s", exc)
    finally:
        outgoing.close()
    return sent


def claim(*, at: datetime) -> Notice | None:
    """Take one due notice for this worker alone; committed at once, as the sweep has no transaction."""
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [at])
        found = cursor.fetchone()
    return Notice.objects.select_related("user").get(pk=found[0]) if found else None


def message_of(notice: Notice) -> EmailMultiAlternatives:
    """The mail in the reader's language and time zone. Its Message-ID is the notice's own."""
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
            "Message-ID": f"<notice-{notice.uid}@{urlsplit(settings.SITE_ORIGIN).hostname}>",
            "Auto-Submitted": "auto-generated",
            "List-Unsubscribe": f"<{unsubscribe_url}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )  # fmt: skip
    message.attach_alternative(html, "text/html")
    return message


def _send(notice: Notice, outgoing: Any, at: datetime) -> bool:
    if not notice.user.is_active:  # closed since it was told
        _becomes(notice, mail=Notice.Mail.NONE)
        return False
    try:
        _hand_over(_written(notice), outgoing)
    except NotSent as exc:
        logger.warning("notice %s was not mailed: %s", notice.uid, exc)
        _wait_or_give_up(notice, at)
        if isinstance(exc, ServerAway):
            raise
        return False
    except Exception:
        # Whether it went out nobody knows: it stays `sending`, which stewards see.
        logger.exception("notice %s was perhaps mailed", notice.uid)
        outgoing.close()
        return False
    return _becomes(notice, mail=Notice.Mail.SENT, mailed_at=at)


def _written(notice: Notice) -> EmailMultiAlternatives:
    try:
        return message_of(notice)
    except Exception as exc:
        logger.exception("notice %s could not be written", notice.uid)
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


def _wait_or_give_up(notice: Notice, at: datetime) -> None:
    again_at = next_try(notice.mail_attempts, at)
    if again_at is None:
        _becomes(notice, mail=Notice.Mail.FAILED)
    else:
        _becomes(notice, mail=Notice.Mail.WAITING, mail_due_at=again_at)


def _becomes(notice: Notice, **changes: Any) -> bool:
    """Only from `sending`: nobody takes back what somebody else has decided meanwhile."""
    mine = Notice.objects.filter(pk=notice.pk, mail=Notice.Mail.SENDING)
    return bool(mine.update(**changes))
