"""Stewards hold the last 90 days against another policy."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import STEWARD, STEWARD_ACTS
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from common import clock
from common.api.bodies import Members
from common.api.lists import ListQuery, page_of_rows
from common.api.shapes import Shape
from reservations import tasks
from reservations.models import Policy, PolicyDraft, PolicyReplay
from reservations.selectors.replays import without_outcomes
from reservations.selectors.replays.files import replay_json
from reservations.services import replays


class ReplayMembers(Members):
    draft = serializers.UUIDField(required=False, help_text="A draft of a policy. Or:")
    version = serializers.IntegerField(required=False, min_value=1, help_text="A published version.")

    example: ClassVar = {"version": 2}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError({"draft": "Name a draft or a version."})
        return attrs


class ReplayShape(Shape):
    replay = serializers.UUIDField()
    version = serializers.IntegerField(allow_null=True)
    draft = serializers.UUIDField(allow_null=True)
    policy = serializers.DictField(help_text="Every number of it.")
    engine = serializers.CharField(help_text="By which rules each was decided again.")
    since = serializers.DateTimeField()
    asked_at = serializers.DateTimeField()
    done = serializers.IntegerField(help_text="Decisions, so far.")
    total = serializers.IntegerField()
    is_over = serializers.BooleanField()
    digest = serializers.CharField(
        allow_blank=True, help_text="SHA-256 of the RFC 8785 form of `outcome`; empty while it is worked on."
    )
    outcome = serializers.DictField(
        allow_null=True,
        help_text="Not in lists. What flips, all in all, by rule, class and week, and each decision with "
        "both answers. It depends on nothing but the policy, the engine and the decisions.",
    )

    example: ClassVar = {
        "replay": "019306a2-0c4e-7c11-b3f8-2a3b0f6d4e77",
        "version": 2,
        "draft": None,
        "policy": {"half_life_hours": 336},
        "engine": "2",
        "since": "2026-08-25T00:00:00Z",
        "asked_at": "2026-11-23T07:03:11.120000Z",
        "done": 200,
        "total": 1412,
        "is_over": False,
        "digest": "",
        "outcome": None,
    }


class ReplaysApi(PersonalApiView):
    """Replays of the last 90 days, newest first."""

    access: ClassVar = {"GET": STEWARD, "POST": STEWARD_ACTS}
    scopes: ClassVar = {"GET": scopes.STEWARD, "POST": scopes.STEWARD}
    queries: ClassVar = {"GET": ListQuery}
    bodies: ClassVar = {"POST": ReplayMembers}
    answers: ClassVar = {"GET": [ReplayShape], "POST": ReplayShape}
    refusals: ClassVar = {"POST": {"policy_refused": 400, "not_found": 404}}

    def get(self, request: Request) -> Response:
        """Each without its outcome, which is at its own address."""
        page = page_of_rows(
            request, self.query, without_outcomes(), lambda one: replay_json(one, is_whole=False)
        )
        return Response(page.data, headers=page.headers)

    def post(self, request: Request) -> Response:
        """Decide them all again under a draft or a version. Asked again, it is the one there is."""
        asked = self.body
        of: Policy | PolicyDraft
        if "draft" in asked:
            of = get_object_or_404(PolicyDraft, uid=asked["draft"])
        else:
            of = get_object_or_404(Policy, version=asked["version"])
        replay = replays.ask_replay(of=of, by=self.person, at=clock.now())
        tasks.hurry_replays()
        location = {"Location": f"{request.path}/{replay.uid}"}
        return Response(replay_json(replay), status=201, headers=location)


class ReplayApi(PersonalApiView):
    """One replay: how far it is, and what came of it."""

    access: ClassVar = {"GET": STEWARD}
    scopes: ClassVar = {"GET": scopes.STEWARD}
    answers: ClassVar = {"GET": ReplayShape}

    def get(self, request: Request, uid: UUID) -> Response:
        replay = get_object_or_404(PolicyReplay.objects.select_related("version"), uid=uid)
        return Response(replay_json(replay))
