"""Where you are signed in, and ending that. Signing in itself is the browser's."""

from __future__ import annotations

from typing import ClassVar

from allauth.usersessions.models import UserSession
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import SESSION_HOLDER, SIGNED_IN
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.selectors.security import SessionLine, sessions as lines
from accounts.services import sessions
from common.api.shapes import Shape, moment


class SessionShape(Shape):
    session = serializers.IntegerField(help_text="Its number.")
    browser = serializers.CharField()
    address = serializers.CharField(help_text="The network address that it was seen from last.")
    begun_at = serializers.DateTimeField()
    seen_at = serializers.DateTimeField()
    is_this_one = serializers.BooleanField(help_text="The one that asks; none where a token asks.")

    example: ClassVar = {
        "session": 71,
        "browser": "Firefox on Linux",
        "address": "192.0.2.7",
        "begun_at": "2026-11-22T08:00:00Z",
        "seen_at": "2026-11-22T18:30:00Z",
        "is_this_one": False,
    }


class SessionsShape(Shape):
    items = SessionShape(many=True)

    example: ClassVar = {"items": [SessionShape.example]}


class SessionsApi(PersonalApiView):
    """Where you are signed in, whole: the session that asks first, then the one seen last."""

    access: ClassVar = {"GET": SIGNED_IN, "DELETE": SIGNED_IN}
    scopes: ClassVar = dict.fromkeys(("GET", "DELETE"), scopes.ME)
    answers: ClassVar = {"GET": SessionsShape, "DELETE": None}

    def get(self, request: Request) -> Response:
        return Response({"items": [_shown(one) for one in lines(self.person, _own(request))]})

    def delete(self, request: Request) -> Response:
        """End all sessions but the one that asks; with a token, all of them."""
        sessions.end_other_sessions(user=self.person, session_key=_own(request))
        return Response(status=204)


class SessionApi(PersonalApiView):
    """One of your sessions."""

    access: ClassVar = {"DELETE": SESSION_HOLDER}
    scopes: ClassVar = {"DELETE": scopes.ME}
    answers: ClassVar = {"DELETE": None}

    def delete(self, request: Request, session: UserSession) -> Response:
        """End it: whoever sits there has to sign in again."""
        sessions.end_session(user=self.person, session_id=session.pk)
        return Response(status=204)


def _own(request: Request) -> str | None:
    """A token has no session, whatever cookies a program sends along."""
    return None if request.auth is not None else request._request.session.session_key


def _shown(line: SessionLine) -> dict[str, object]:
    return {
        "session": line.id,
        "browser": line.browser,
        "address": line.ip,
        "begun_at": moment(line.begun_at),
        "seen_at": moment(line.seen_at),
        "is_this_one": line.is_current,
    }
