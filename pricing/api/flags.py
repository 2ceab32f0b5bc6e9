"""Flags of what owners declare, for other programs."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common import clock
from common.access import ANYONE
from common.api.lists import ListQuery, page_of_lines
from common.api.shapes import Shape
from common.api.view import ApiView
from pricing.domain.flags import Basis, Code
from pricing.selectors.flags import board
from pricing.selectors.flags.data import flag_lines


class FlagQuery(ListQuery):
    node = serializers.SlugField(required=False, help_text="Only those of this node.")
    raised = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="Only those that are raised, or are not."
    )


class FlagShape(Shape):
    flag = serializers.ChoiceField([str(code) for code in Code])
    raised = serializers.BooleanField()
    declared = serializers.JSONField(  # anything, null included: described as nullable it would fit twice
        help_text="Years; share of what was paid; times the price in shops; or true, false, null for related"
        " parties.",
    )
    percentile = serializers.CharField(
        allow_null=True,
        help_text="0 to 100: peers with a smaller value, and half of those with an equal one.",
    )
    peers = serializers.IntegerField(help_text="Statements in force of other owners’ listed nodes.")
    peers_share = serializers.ChoiceField(
        [str(basis) for basis in Basis], allow_null=True, help_text="Null: too few, or nothing to compare."
    )
    limit = serializers.CharField(allow_null=True, help_text="docs/pricing-policy.md")
    retail_day = serializers.DateField(allow_null=True)
    retail_eur = serializers.CharField(allow_null=True)
    sentence = serializers.CharField()
    source = serializers.CharField(allow_blank=True)  # type: ignore[assignment]

    example: ClassVar = {
        "flag": "short_life", "raised": True, "declared": "3", "percentile": "8.33", "peers": 12,
        "peers_share": "model", "limit": "25", "retail_day": None, "retail_eur": None,
        "sentence": "The purchase is spread over 3 years; 11 of 12 peers spread it over more.",
        "source": "Statements in force of other owners",
    }  # fmt: skip


class NodeFlagShape(FlagShape):
    node = serializers.SlugField()
    statement = serializers.IntegerField(help_text="Its number.")

    example: ClassVar = {"node": "lyon-h100", "statement": 2, **FlagShape.example}


class FlagsApi(ApiView):
    """Four flags of every listed node with a statement in force, by the node's address, raised or not."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    queries: ClassVar = {"GET": FlagQuery}
    answers: ClassVar = {"GET": [NodeFlagShape]}

    def get(self, request: Request) -> Response:
        node, raised = self.query.get("node"), self.query["raised"]
        lines = (
            line
            for line in flag_lines(board(at=clock.now()))
            if node in (None, line["node"]) and raised in (None, line["raised"])
        )
        page = page_of_lines(request, self.query, lines, lambda line: line, _key)
        return Response(page.data, headers=page.headers)


def _key(line: dict[str, Any]) -> list[Any]:
    return [line["node"], list(Code).index(Code(line["flag"]))]
