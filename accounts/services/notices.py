"""Telling people: in their inbox at once, by mail a little later where they want it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import connection
from django.db.models import Case, F, Value, When

from accounts.domain import notices
from accounts.models import Notice, User
from accounts.models.notices import NoticeQuerySet
from common.ids import uuid7

# A change that is told again before anybody has seen it takes the place of what was told before; its
# mail stays due when it was, so that steady changes cannot put it off for ever.
TELL = """
INSERT INTO accounts_notice
    (uid, user_id, kind, params, named_id, url, dedupe, created_at, mail, mail_due_at, mail_attempts)
SELECT told.uid, person.id, %(kind)s, %(params)s, %(named)s, %(url)s, %(dedupe)s, %(at)s,
       CASE WHEN coalesce(wish.by_mail, %(by_mail)s) THEN 'waiting' ELSE 'none' END, %(due)s, 0
FROM unnest(%(ids)s::bigint[], %(uids)s::uuid[]) AS told (user_id, uid)
JOIN accounts_user person ON person.id = told.user_id AND person.is_active AND person.erased_at IS NULL
LEFT JOIN accounts_mailpreference wish ON wish.user_id = person.id AND wish.kind = %(kind)s
ORDER BY person.id
ON CONFLICT (user_id, dedupe) DO UPDATE
SET params = EXCLUDED.params, named_id = EXCLUDED.named_id, url = EXCLUDED.url
WHERE accounts_notice.read_at IS NULL AND accounts_notice.mail IN ('none', 'waiting')
  AND accounts_notice.params IS DISTINCT FROM EXCLUDED.params
"""


def notify(
    *, users: Iterable[User], kind: str, params: Mapping[str, object], url: str, dedupe: str, at: datetime
) -> None:
    """Tell these people of one change, in the transaction that makes it: a change undone is not told.

    `dedupe` names the change ("grant:<uid>:80"), not only the thing: what was read or mailed already
    under that name is not told again. `params` are the facts that the kind names, `by` among them a
    person and not a name; `url` is a path of this site. Who is closed or erased is not told.
    """
    named = params.get("by")
    if not isinstance(named, User | None):
        raise TypeError(f"{kind} is told with who did it as `by`, not {named!r}")
    facts = json.dumps(notices.encoded(kind, params))
    ids = sorted({user.pk for user in users})
    if not ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            TELL,
            {
                "kind": kind, "params": facts, "named": named.pk if named else None, "url": url,
                "dedupe": dedupe, "at": at, "by_mail": notices.KINDS[kind].by_mail,
                "due": at + notices.SETTLING, "ids": ids, "uids": [uuid7() for _id in ids],
            },
        )  # fmt: skip


def stewards() -> Iterable[User]:
    return User.objects.filter(is_steward=True, is_active=True)


def mark_read(*, notice: Notice, at: datetime) -> None:
    """Read once is read."""
    _read(Notice.objects.filter(pk=notice.pk), at)


def mark_all_read(*, user: User, at: datetime) -> int:
    return _read(Notice.objects.of(user), at)


def _read(found: NoticeQuerySet, at: datetime) -> int:
    """What somebody has read on the site is not mailed to them afterwards."""
    waiting = Case(When(mail=Notice.Mail.WAITING, then=Value(Notice.Mail.NONE)), default=F("mail"))
    return found.unread().update(read_at=at, mail=waiting)
