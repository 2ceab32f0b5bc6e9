"""Sessions: where somebody is signed in, since when, and ending that."""

from __future__ import annotations

from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session

from accounts.models import User

# When a session was last seen is known to this: a write at every click would be too dear.
SEEN_EVERY = timedelta(minutes=10)
_SEEN = "seen_at"


def begin_to_see(session: SessionBase, *, at: datetime) -> None:
    """Mark a session that was begun by signing in."""
    session[_SEEN] = at.timestamp()


def see(session: SessionBase, *, at: datetime) -> None:
    """Note now and then that a session is in use."""
    seen = session.get(_SEEN)
    if seen is None or at.timestamp() - seen < SEEN_EVERY.total_seconds():
        return
    UserSession.objects.filter(session_key=session.session_key).update(last_seen_at=at)
    session[_SEEN] = at.timestamp()


def end_session(*, user: User, session_id: int) -> bool:
    """End one session of this person; answer whether there was one."""
    return _end(list(UserSession.objects.filter(user=user, pk=session_id)))


def end_other_sessions(*, user: User, session_key: str | None) -> bool:
    """End all but the one that asks."""
    return _end(list(UserSession.objects.filter(user=user).exclude(session_key=session_key)))


def end_all_sessions(*, user: User) -> bool:
    return _end(list(UserSession.objects.filter(user=user)))


def _end(found: list[UserSession]) -> bool:
    Session.objects.filter(session_key__in=[one.session_key for one in found]).delete()
    UserSession.objects.filter(pk__in=[one.pk for one in found]).delete()
    return bool(found)
