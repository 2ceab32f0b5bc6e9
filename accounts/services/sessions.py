"""Ending sessions: whoever holds one is signed out at their next click."""

from __future__ import annotations

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session

from accounts.models import User


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
