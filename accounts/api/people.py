"""People as stewards see them, and what stewards do to an account. Each act is kept with its reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import STEWARD, STEWARD_ACTS
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.models import StewardAct, User
from accounts.selectors.people import ActRow, named, person_page
from accounts.services import stewarding
from common import clock
from common.api.bodies import Members
from common.api.lists import ListQuery, page_of_rows
from common.api.shapes import Shape, moment
from common.lines import require_one_line

Act = Callable[..., StewardAct]


class PeopleQuery(ListQuery):
    q = serializers.CharField(
        max_length=100, required=False, default="", allow_blank=True,
        help_text="Letters of the name or of the address.",
    )  # fmt: skip


class WhyMembers(Members):
    reason = serializers.CharField(
        max_length=stewarding.LONGEST, validators=[require_one_line], help_text="Kept; stewards read it."
    )

    example: ClassVar = {"reason": "The laptop was stolen on Friday."}


class RegisteredPersonShape(Shape):
    uid = serializers.UUIDField()
    name = serializers.CharField(allow_blank=True)
    email = serializers.CharField()
    joined_at = serializers.DateTimeField()
    is_open = serializers.BooleanField(help_text="May sign in.")
    is_steward = serializers.BooleanField()

    example: ClassVar = {
        "uid": "019301a0-2b3c-7d4e-8f5a-6b7c8d9e0f1a",
        "name": "Grace Hopper",
        "email": "grace@example.org",
        "joined_at": "2026-09-01T09:00:00Z",
        "is_open": True,
        "is_steward": False,
    }


class ActShape(Shape):
    act = serializers.CharField(help_text="In words.")
    by = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()

    example: ClassVar = {
        "act": "Ended all sessions",
        "by": "Ada Lovelace",
        "reason": "The laptop was stolen on Friday.",
        "at": "2026-11-20T16:00:00Z",
    }


class RegisteredPersonDetailShape(RegisteredPersonShape):
    sessions = serializers.IntegerField()
    tokens = serializers.IntegerField()
    has_second_factor = serializers.BooleanField()
    projects = serializers.ListField(child=serializers.CharField())
    organisations = serializers.ListField(child=serializers.CharField())
    acts = ActShape(many=True, help_text="What stewards did, the latest first.")

    example: ClassVar = {
        **RegisteredPersonShape.example,
        "sessions": 0,
        "tokens": 1,
        "has_second_factor": True,
        "projects": ["Protein shapes"],
        "organisations": ["Lab Lyon"],
        "acts": [ActShape.example],
    }


class PeopleApi(PersonalApiView):
    """People, who joined last first: for stewards."""

    access: ClassVar = {"GET": STEWARD}
    scopes: ClassVar = {"GET": scopes.STEWARD}
    queries: ClassVar = {"GET": PeopleQuery}
    answers: ClassVar = {"GET": [RegisteredPersonShape]}

    def get(self, request: Request) -> Response:
        page = page_of_rows(request, self.query, named(self.query["q"].strip()), _shown)
        return Response(page.data, headers=page.headers)


class PersonApi(PersonalApiView):
    """One person, with what stewards did to the account."""

    access: ClassVar = {"GET": STEWARD}
    scopes: ClassVar = {"GET": scopes.STEWARD}
    answers: ClassVar = {"GET": RegisteredPersonDetailShape}

    def get(self, request: Request, uid: UUID) -> Response:
        return Response(_detail(self, uid))


class _ActApi(PersonalApiView):
    """What a steward does to an account, with the reason."""

    act: ClassVar[Act]
    access: ClassVar = {"POST": STEWARD_ACTS}
    scopes: ClassVar = {"POST": scopes.STEWARD}
    bodies: ClassVar = {"POST": WhyMembers}
    answers: ClassVar = {"POST": RegisteredPersonDetailShape}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, uid: UUID) -> Response:
        at = clock.now()
        self.act(person=get_object_or_404(User, uid=uid), reason=self.body["reason"], by=self.person, at=at)
        return Response(_detail(self, uid, at))


class ClosePersonApi(_ActApi):
    """Keep somebody out: sessions and tokens end at once; projects and slots stay as they are."""

    act = staticmethod(stewarding.close_person)


class ReopenPersonApi(_ActApi):
    """Let somebody in again. Tokens stay revoked."""

    act = staticmethod(stewarding.reopen_person)


class EndSessionsApi(_ActApi):
    """Sign somebody out everywhere."""

    act = staticmethod(stewarding.end_sessions)


class TriedAgainShape(Shape):
    mails = serializers.IntegerField(help_text="How many are tried anew.")

    example: ClassVar = {"mails": 3}


class MailAgainApi(PersonalApiView):
    """Let all mail that was given up be tried anew."""

    access: ClassVar = {"POST": STEWARD_ACTS}
    scopes: ClassVar = {"POST": scopes.STEWARD}
    answers: ClassVar = {"POST": TriedAgainShape}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request) -> Response:
        return Response({"mails": stewarding.try_mail_again(by=self.person, at=clock.now())})


def _detail(view: PersonalApiView, uid: UUID, at: datetime | None = None) -> dict[str, Any]:
    page = person_page(uid=uid, reader=view.person, at=at or clock.now())
    return _shown(page.person) | {
        "sessions": page.sessions,
        "tokens": page.tokens,
        "has_second_factor": page.has_second_factor,
        "projects": [one.name for one in page.projects],
        "organisations": [one.name for one in page.organisations],
        "acts": [act_shown(one) for one in page.acts],
    }


def act_shown(act: ActRow) -> dict[str, Any]:
    return {"act": act.name, "by": act.by, "reason": act.reason, "at": moment(act.at)}


def _shown(user: User) -> dict[str, Any]:
    return {
        "uid": str(user.uid),
        "name": user.name,
        "email": user.email,
        "joined_at": moment(user.date_joined),
        "is_open": user.is_active,
        "is_steward": user.is_steward,
    }
