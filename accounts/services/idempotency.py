"""A write that a program sends twice is done once: its answer is kept beside what it wrote.

All happens in the caller's transaction, so an answer is kept if and only if the write is.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from django.db import connection
from django.utils.translation import gettext as _

from accounts.errors import IdempotencyKeyInUse, IdempotencyKeyReused
from accounts.models import IdempotentAnswer, User

KEPT = timedelta(hours=24)


def digest_of(*, method: str, path: str, body: bytes, project_id: int | None) -> str:
    """Of the call and of its reach: a token for one project is not told what another one was answered."""
    reach = "" if project_id is None else str(project_id)
    return hashlib.sha256(b"\0".join((reach.encode(), method.encode(), path.encode(), body))).hexdigest()


def claim(*, user: User, key: str, digest: str, at: datetime) -> IdempotentAnswer | None:
    """The answer that was given to this key before, or None to who may write now.

    The lock lives as long as the transaction: of two at once one writes, and the other is told so
    instead of waiting. Without it the unique constraint would undo the second, after all its work.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_lock_number(user, key)])
        (is_ours,) = cursor.fetchone()
    if not is_ours:
        raise IdempotencyKeyInUse(
            _("A call with this Idempotency-Key is being answered. Ask again in a moment.")
        )
    kept = IdempotentAnswer.objects.filter(user=user, key=key).first()
    if kept is None:
        return None
    if at - kept.created_at >= KEPT:
        kept.delete()
        return None
    if kept.request_digest != digest:
        raise IdempotencyKeyReused(
            _("This Idempotency-Key was used for another call. Every write has a key of its own.")
        )
    return kept


def keep(
    *, user: User, key: str, digest: str, status: int, headers: dict[str, str], body: bytes, at: datetime
) -> None:
    with connection.cursor() as cursor:
        # What the database would check at the end of the transaction: the answer must still hold then.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    IdempotentAnswer.objects.create(
        user=user, key=key, request_digest=digest, status=status, headers=headers, body=body, created_at=at
    )


def forget(*, at: datetime) -> int:
    """Delete what is older than a day; answer how many."""
    return IdempotentAnswer.objects.filter(created_at__lte=at - KEPT).delete()[0]


def _lock_number(user: User, key: str) -> int:
    digest = hashlib.sha256(f"idempotency {user.pk} {key}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
