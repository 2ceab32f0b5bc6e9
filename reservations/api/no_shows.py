"""No-shows: one's own, and the appeals that stewards answer."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import SIGNED_IN, STEWARD, STEWARD_ACTS
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.services.stewarding import LONGEST
from common import clock
from common.api.bodies import Members
from common.api.lists import ListQuery, page_of_rows
from common.api.shapes import Shape, moment
from common.api.text import TextField
from reservations.models import NoShow
from reservations.selectors import appeals as selectors
from reservations.services import no_shows
from reservations.wording import no_shows as wording


class NoShowShape(Shape):
    uid = serializers.UUIDField()
    reservation = serializers.UUIDField()
    project = serializers.SlugField()
    verdict = serializers.BooleanField(
        allow_null=True, help_text="true: nobody came. false: somebody did. null: not judged."
    )
    reason = serializers.ChoiceField(["", *NoShow.Reason.values], help_text="Empty until it is judged.")
    text = serializers.CharField(help_text="The reason in words.")
    evidence = serializers.DictField(help_text="What was looked at, kept as it was then.")
    warned_at = serializers.DateTimeField(allow_null=True)
    judged_at = serializers.DateTimeField(allow_null=True)
    released_at = serializers.DateTimeField(allow_null=True)
    appeal = serializers.CharField(allow_blank=True)
    appealed_at = serializers.DateTimeField(allow_null=True)
    answer = serializers.CharField(allow_blank=True)
    is_upheld = serializers.BooleanField(allow_null=True)
    answered_at = serializers.DateTimeField(allow_null=True)

    example: ClassVar = {
        "uid": "019306b1-2c4e-7c11-b3f8-2a3b0f6d4e77",
        "reservation": "019306a2-0c4e-7d2a-8a53-5c7f0c0e51aa",
        "project": "protein-shapes",
        "verdict": True,
        "reason": "unused",
        "text": "No job ran in it, and nobody said that they use it.",
        "evidence": {"looked_at": "2026-11-24T14:30:02Z", "runs": []},
        "warned_at": "2026-11-24T14:15:04Z",
        "judged_at": "2026-11-24T14:30:02Z",
        "released_at": "2026-11-24T14:30:02Z",
        "appeal": "",
        "appealed_at": None,
        "answer": "",
        "is_upheld": None,
        "answered_at": None,
    }


class AppealAnswerMembers(Members):
    is_upheld = serializers.BooleanField(help_text="true: the no-show counts no longer.")
    reason = TextField(max_length=LONGEST, help_text="The person reads it.")

    example: ClassVar = {"is_upheld": True, "reason": "The node’s log of logins shows it."}


class NoShowsApi(PersonalApiView):
    """Your slots that nobody seemed to use, newest first."""

    access: ClassVar = {"GET": SIGNED_IN}
    scopes: ClassVar = {"GET": scopes.READ}
    queries: ClassVar = {"GET": ListQuery}
    answers: ClassVar = {"GET": [NoShowShape]}

    def get(self, request: Request) -> Response:
        mine = selectors.every().filter(person=self.person)
        page = page_of_rows(request, self.query, mine, shown_no_show)
        return Response(page.data, headers=page.headers)


class AppealQuery(ListQuery):
    state = serializers.ChoiceField(
        ["waiting", "all"], default="waiting",
        help_text="waiting: appealed against, without an answer. all: every slot that was looked at closely.",
    )  # fmt: skip


class AppealsApi(PersonalApiView):
    """No-shows with an appeal that no steward has answered, or all of them."""

    access: ClassVar = {"GET": STEWARD}
    scopes: ClassVar = {"GET": scopes.STEWARD}
    queries: ClassVar = {"GET": AppealQuery}
    answers: ClassVar = {"GET": [NoShowShape]}

    def get(self, request: Request) -> Response:
        rows = selectors.judged() if self.query["state"] == "all" else selectors.waiting()
        page = page_of_rows(request, self.query, rows, shown_no_show)
        return Response(page.data, headers=page.headers)


class AppealAnswerApi(PersonalApiView):
    """Answering an appeal."""

    access: ClassVar = {"POST": STEWARD_ACTS}
    scopes: ClassVar = {"POST": scopes.STEWARD}
    bodies: ClassVar = {"POST": AppealAnswerMembers}
    answers: ClassVar = {"POST": NoShowShape}
    refusals: ClassVar = {"POST": {"appeal_refused": 409}}
    makes: ClassVar = {"POST": False}

    def post(self, request: Request, uid: UUID) -> Response:
        """One that is upheld takes the no-show away from now on, and what followed from it."""
        no_show = get_object_or_404(selectors.every(), uid=uid)
        answered = no_shows.answer(no_show=no_show, by=self.person, at=clock.now(), **self.body)
        return Response(shown_no_show(answered))


def shown_no_show(no_show: NoShow) -> dict[str, Any]:
    return {
        "uid": str(no_show.uid),
        "reservation": str(no_show.reservation.uid),
        "project": no_show.reservation.project.slug,
        "verdict": no_show.verdict,
        "reason": no_show.reason,
        "text": wording.reason(no_show),
        "evidence": no_show.evidence,
        "warned_at": moment(no_show.warned_at),
        "judged_at": moment(no_show.judged_at),
        "released_at": moment(no_show.released_at),
        "appeal": no_show.appeal,
        "appealed_at": moment(no_show.appealed_at),
        "answer": no_show.answer,
        "is_upheld": no_show.is_upheld,
        "answered_at": moment(no_show.answered_at),
    }
