"""An account of the share tree, for stewards: where it stands, what it is promised, another place for it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import STEWARD, STEWARD_ACTS
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from common import clock
from common.api.bodies import Members
from common.api.shapes import Shape, moment
from common.lines import require_one_line
from reservations.models import Vertex
from reservations.selectors.share_accounts import MoveRow, account_page
from reservations.services import moving, moving_accounts


class AccountMoveMembers(Members):
    below = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, allow_null=True,
        help_text="The number of the account that it is to stand below; null: the whole tree.",
    )  # fmt: skip
    shares = serializers.IntegerField(
        min_value=0, max_value=moving.MOST_SHARES, help_text="Among its siblings there."
    )
    reason = serializers.CharField(
        max_length=moving.LONGEST_REASON, validators=[require_one_line],
        help_text="Public for good, in the ledger too.",
    )  # fmt: skip

    example: ClassVar = {"below": 4, "shares": 3, "reason": "The institute is part of the university now."}


class AccountMoveShape(Shape):
    from_below = serializers.CharField(help_text="The account that it stood below, by its name.")
    below = serializers.CharField()
    shares_before = serializers.IntegerField(allow_null=True)
    shares = serializers.IntegerField()
    reason = serializers.CharField()
    moved_at = serializers.DateTimeField()
    ledger_entry = serializers.IntegerField(allow_null=True)

    example: ClassVar = {
        "from_below": "Everybody",
        "below": "Universities",
        "shares_before": 2,
        "shares": 3,
        "reason": "The institute is part of the university now.",
        "moved_at": "2026-11-23T10:12:00Z",
        "ledger_entry": 41,
    }


class AccountPlaceShape(Shape):
    account = serializers.IntegerField(help_text="Its number.")
    path = serializers.CharField()
    below = serializers.IntegerField(allow_null=True, help_text="The account it stands in; null: the root.")
    shares = serializers.IntegerField(allow_null=True, help_text="Null: it uses its account's.")
    of_account = serializers.FloatField(allow_null=True, help_text="Its part of the account it stands in.")
    of_all = serializers.FloatField(help_text="Its part of everything, as promised.")
    accounts = serializers.IntegerField(help_text="That stand right below it.")
    projects = serializers.IntegerField(help_text="That stand right below it.")
    moves = AccountMoveShape(many=True, help_text="Where stewards put it, the latest first.")

    example: ClassVar = {
        "account": 12,
        "path": "Universities / Lyon",
        "below": 4,
        "shares": 3,
        "of_account": 0.5,
        "of_all": 0.125,
        "accounts": 0,
        "projects": 2,
        "moves": [AccountMoveShape.example],
    }


class AccountPlaceApi(PersonalApiView):
    """Where an account of the share tree stands, and what it is promised."""

    access: ClassVar = {"GET": STEWARD, "POST": STEWARD_ACTS}
    scopes: ClassVar = dict.fromkeys(("GET", "POST"), scopes.STEWARD)
    bodies: ClassVar = {"POST": AccountMoveMembers}
    answers: ClassVar = {"GET": AccountPlaceShape, "POST": AccountPlaceShape}
    makes: ClassVar = {"POST": False}
    pointers: ClassVar = {"account": "#/below"}

    def get(self, request: Request, pk: int) -> Response:
        return Response(self._shown(_account(pk)))

    def post(self, request: Request, pk: int) -> Response:
        """Put it below another account, with all below it, or give it other shares; the ledger says so."""
        account, below = _account(pk), self.body["below"]
        place = (
            get_object_or_404(Vertex, parent=None) if below is None else get_object_or_404(Vertex, pk=below)
        )
        moving_accounts.move_account(
            account=account, below=place, count=self.body["shares"], reason=self.body["reason"],
            by=self.person, at=clock.now(),
        )  # fmt: skip
        return Response(self._shown(_account(pk)))

    def _shown(self, account: Vertex) -> dict[str, Any]:
        page = account_page(account=account, reader=self.person)
        return {
            "account": page.row.pk,
            "path": page.row.path,
            "below": page.below,
            "shares": page.row.shares,
            "of_account": page.row.of_account,
            "of_all": page.row.of_all,
            "accounts": page.row.accounts,
            "projects": page.row.projects,
            "moves": [_moved(one) for one in page.moves],
        }


def _account(pk: int) -> Vertex:
    return get_object_or_404(Vertex, pk=pk, project=None)


def _moved(one: MoveRow) -> dict[str, Any]:
    return {
        "from_below": one.from_below,
        "below": one.below,
        "shares_before": one.shares_before,
        "shares": one.shares,
        "reason": one.reason,
        "moved_at": moment(one.at),
        "ledger_entry": one.entry,
    }
