"""Tokens: made and shown once, listed without their secret, revoked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import SIGNED_IN, TOKEN_HOLDER, agreed
from accounts.authentication import require_shown
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.models import ApiToken, Project
from accounts.services import tokens
from common import clock
from common.access import Rule
from common.api.bodies import Members
from common.api.lists import ListQuery, page_of_rows
from common.api.shapes import MomentField, Shape, moment
from common.ids import global_id
from common.lines import require_one_line


class TokenMembers(Members):
    name = serializers.CharField(
        max_length=80, validators=[require_one_line], help_text="To tell it from your others."
    )
    scopes = serializers.ListField(
        child=serializers.ChoiceField(scopes.ALL), allow_empty=False, max_length=len(scopes.ALL),
        help_text="What it may do.",
    )  # fmt: skip
    project = serializers.SlugField(
        required=False, allow_null=True, default=None, help_text="The one project that it reaches."
    )
    expires_at = MomentField(help_text="Within a year.")

    example: ClassVar = {
        "name": "laptop",
        "scopes": ["read", "book", "run"],
        "expires_at": "2027-05-22T00:00:00Z",
    }


class TokenShape(Shape):
    id = serializers.URLField()
    uid = serializers.UUIDField()
    name = serializers.CharField()
    hint = serializers.CharField(help_text="How it begins.")
    scopes = serializers.ListField(child=serializers.CharField())
    project = serializers.SlugField(allow_null=True)
    state = serializers.ChoiceField(["live", "expired", "revoked"])
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="To the minute.")
    revoked_at = serializers.DateTimeField(allow_null=True)

    example: ClassVar = {
        "id": "https://equinode.example/019306b0-9d10-7f7e-8e0b-4c1d2e3f4a5b",
        "uid": "019306b0-9d10-7f7e-8e0b-4c1d2e3f4a5b",
        "name": "laptop",
        "hint": "eqn_Zk3x",
        "scopes": ["read", "book", "run"],
        "project": None,
        "state": "live",
        "created_at": "2026-11-22T18:20:00Z",
        "expires_at": "2027-05-22T00:00:00Z",
        "last_used_at": None,
        "revoked_at": None,
    }


class NewTokenShape(TokenShape):
    token = serializers.CharField(
        allow_null=True,
        help_text="Shown this once; null where the answer is repeated for an Idempotency-Key.",
    )

    example: ClassVar = {**TokenShape.example, "token": "eqn_Zk3x…"}


class TokenQuery(ListQuery):
    state = serializers.ChoiceField(["live", "all"], default="live")


class TokensApi(PersonalApiView):
    """Your tokens."""

    access: ClassVar[dict[str, Rule]] = {"GET": SIGNED_IN, "POST": agreed(SIGNED_IN)}
    scopes: ClassVar = {"GET": scopes.TOKENS, "POST": scopes.TOKENS}
    queries: ClassVar = {"GET": TokenQuery}
    bodies: ClassVar = {"POST": TokenMembers}
    answers: ClassVar = {"GET": [TokenShape], "POST": NewTokenShape}
    refusals: ClassVar = {"POST": {"not_found": 404, "reauthentication_required": 403}}
    cache_control = "no-store"

    def handled(
        self, handler: Callable[..., HttpResponseBase], request: Request, admitted: Mapping[str, Any]
    ) -> HttpResponseBase:
        """A token makes less than itself; a session makes what reaches beyond projects once its person showed
        again who they are, as on the page. Not kept as an answer: after it the same call is good."""
        if request.method == "POST" and self.token is None:
            asked = self.body
            if asked["project"] is None and scopes.outside_a_project(asked["scopes"]):
                require_shown(request, page=reverse("tokens"))
        return super().handled(handler, request, admitted)

    def get(self, request: Request) -> Response:
        mine, at = ApiToken.objects.of(self.person).select_related("project"), clock.now()
        if self.query["state"] == "live":
            mine = mine.live(at)
        page = page_of_rows(request, self.query, mine, lambda token: shown(token, at))
        return Response(page.data, headers=page.headers)

    def post(self, request: Request) -> Response:
        """Make a token. Its secret is in this answer and nowhere else."""
        asked, at = self.body, clock.now()
        project = None
        if asked["project"] is not None:
            project = get_object_or_404(Project.objects.of(self.person), slug=asked["project"])
        token, secret = tokens.create(
            user=self.person, name=asked["name"], scopes=asked["scopes"], project=project,
            expires_at=asked["expires_at"], at=at, by_token=self.token,
        )  # fmt: skip
        address = f"/api/v1/me/tokens/{token.uid}"
        return Response({**shown(token, at), "token": secret}, status=201, headers={"Location": address})

    def kept(self, data: Any) -> Any:
        return {**data, "token": None} if "token" in data else data


class TokenApi(PersonalApiView):
    """One of your tokens."""

    access: ClassVar = {"GET": TOKEN_HOLDER, "DELETE": TOKEN_HOLDER}
    scopes: ClassVar = {"GET": scopes.TOKENS, "DELETE": scopes.TOKENS}
    answers: ClassVar = {"GET": TokenShape, "DELETE": TokenShape}

    def get(self, request: Request, token: ApiToken) -> Response:
        return Response(shown(token, clock.now()))

    def delete(self, request: Request, token: ApiToken) -> Response:
        """Revoke it: from now on it opens nothing."""
        at = clock.now()
        return Response(shown(tokens.revoke(token=token, at=at), at))


def shown(token: ApiToken, at: Any) -> dict[str, Any]:
    state = "revoked" if token.revoked_at else "live" if at < token.expires_at else "expired"
    return {
        "id": global_id(token.uid),
        "uid": str(token.uid),
        "name": token.name,
        "hint": token.hint,
        "scopes": list(token.scopes),
        "project": token.project.slug if token.project else None,
        "state": state,
        "created_at": moment(token.created_at),
        "expires_at": moment(token.expires_at),
        "last_used_at": moment(token.last_used_at),
        "revoked_at": moment(token.revoked_at),
    }
