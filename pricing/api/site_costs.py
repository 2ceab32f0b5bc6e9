"""What the site itself costs, and its fee: everybody reads them, stewards publish."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import STEWARD_ACTS
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from accounts.services.stewarding import LONGEST
from common import clock
from common.access import ANYONE
from common.api.bodies import Members
from common.api.lists import ListQuery, page_of_rows
from common.api.shapes import MomentField, Shape
from common.lines import require_one_line
from pricing.domain.site_costs import LONGEST_SENTENCE, LONGEST_SOURCE, Costs, Item, Kind
from pricing.models import SiteCosts
from pricing.selectors import site_costs as selectors
from pricing.selectors.cap_pages import IN_FORCE, OVER, TO_COME
from pricing.services.fees import set_site_fee
from pricing.services.site_costs import publish_site_costs

_STATES = [IN_FORCE, TO_COME, OVER]
_KINDS = [str(kind) for kind in Kind]


def _amount(**said: Any) -> serializers.DecimalField:
    return serializers.DecimalField(max_digits=18, decimal_places=6, **said)


def _reason() -> serializers.CharField:
    return serializers.CharField(
        max_length=LONGEST, validators=[require_one_line], help_text="Public for good. Name no person."
    )


class ItemMembers(Members):
    kind = serializers.ChoiceField(_KINDS, help_text="Each at most once.")
    amount_year = _amount(help_text="EUR.")
    sentence = serializers.CharField(
        max_length=LONGEST_SENTENCE, validators=[require_one_line], help_text="What it is."
    )
    source = serializers.CharField(  # type: ignore[assignment]
        max_length=LONGEST_SOURCE, validators=[require_one_line],
        help_text="A contract, a price list, an address: where the amount comes from.",
    )  # fmt: skip


class SiteCostsMembers(Members):
    items = serializers.ListField(child=ItemMembers(), max_length=len(_KINDS))
    device_hours = serializers.DecimalField(
        max_digits=14, decimal_places=4, help_text="Expected to be delivered through the site in a year."
    )
    subsidy_year = _amount(required=False, default=Decimal(0), help_text="EUR that somebody else pays.")
    subsidy_source = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=LONGEST_SOURCE,
        validators=[require_one_line],
    )  # fmt: skip
    fee = _amount(
        required=False, allow_null=True, default=None,
        help_text="From then on, EUR per device-hour. Null: what it is now.",
    )  # fmt: skip
    effective_from = MomentField(required=False, allow_null=True, default=None, help_text="Null: at once.")
    corrects = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=2**31 - 1,
        help_text="The number of the statement that was wrong.",
    )  # fmt: skip
    reason = _reason()

    example: ClassVar = {
        "items": [
            {"kind": "hosting", "amount_year": "4200", "sentence": "Two virtual servers with backups.",
             "source": "Contract EX-2026-07, 350 EUR a month"},
            {"kind": "people", "amount_year": "19800", "sentence": "A third of a post.",
             "source": "Salary scale of 2026"},
        ],
        "device_hours": "1000000", "subsidy_year": "8000", "subsidy_source": "A grant of the region",
        "fee": "0.015", "effective_from": "2027-01-01T00:00:00Z", "reason": "The new contract for servers.",
    }  # fmt: skip


class SiteCostsShape(Shape):
    statement = serializers.UUIDField()
    number = serializers.IntegerField()
    effective_from = serializers.DateTimeField()
    effective_until = serializers.DateTimeField(allow_null=True)
    state = serializers.ChoiceField(_STATES)
    items = serializers.ListField(
        child=serializers.DictField(), help_text="`kind`, `amount_year`, `sentence`, `source` of each."
    )
    device_hours = serializers.CharField(help_text="A year.")
    subsidy_year = serializers.CharField()
    subsidy_source = serializers.CharField(allow_blank=True)
    total_year = serializers.CharField()
    highest_fee = serializers.CharField(help_text="EUR per device-hour: (total - subsidy) / device-hours.")
    corrects = serializers.UUIDField(allow_null=True)
    reason = serializers.CharField()
    published_at = serializers.DateTimeField()
    sha256 = serializers.CharField()
    ledger_entry = serializers.IntegerField(allow_null=True)

    example: ClassVar = {
        "statement": "019306a2-0c4e-7c11-b3f8-2a3b0f6d4e79", "number": 1,
        "effective_from": "2026-11-22T15:00:00Z", "effective_until": None, "state": "in_force",
        "items": [{"kind": "hosting", "amount_year": "4200", "sentence": "Two virtual servers with backups.",
                   "source": "Contract EX-2026-07, 350 EUR a month"}],
        "device_hours": "200000", "subsidy_year": "0", "subsidy_source": "", "total_year": "4200",
        "highest_fee": "0.021", "corrects": None, "reason": "What this site begins with.",
        "published_at": "2026-11-22T15:00:00Z", "sha256": "9f2c" * 16, "ledger_entry": 7,
    }  # fmt: skip


class SiteFeeMembers(Members):
    amount = _amount(help_text="EUR per device-hour, before VAT: at most `highest_fee`.")
    effective_from = MomentField(required=False, allow_null=True, default=None, help_text="Null: at once.")
    reason = _reason()

    example: ClassVar = {
        "amount": "0.015", "effective_from": "2027-01-01T00:00:00Z", "reason": "The grant pays more of it.",
    }  # fmt: skip


class SiteFeeShape(Shape):
    amount = serializers.CharField(help_text="EUR per device-hour.")
    statement = serializers.IntegerField(
        allow_null=True,
        help_text="The number of what it follows from; null: nothing, or older than the first.",
    )
    effective_from = serializers.DateTimeField()
    effective_until = serializers.DateTimeField(allow_null=True)
    state = serializers.ChoiceField(_STATES)
    reason = serializers.CharField()
    published_at = serializers.DateTimeField()
    ledger_entry = serializers.IntegerField(allow_null=True)

    example: ClassVar = {
        "amount": "0.015", "statement": 1, "effective_from": "2027-01-01T00:00:00Z", "effective_until": None,
        "state": "to_come", "reason": "The grant pays more of it.", "published_at": "2026-11-22T15:00:00Z",
        "ledger_entry": 8,
    }  # fmt: skip


class SiteCostsApi(PersonalApiView):
    """Everything that the site ever said it costs, newest first."""

    access: ClassVar = {"GET": ANYONE, "POST": STEWARD_ACTS}
    scopes: ClassVar = {"GET": "", "POST": scopes.STEWARD}
    queries: ClassVar = {"GET": ListQuery}
    bodies: ClassVar = {"POST": SiteCostsMembers}
    answers: ClassVar = {"GET": [SiteCostsShape], "POST": SiteCostsShape}
    refusals: ClassVar = {
        "POST": {"site_costs_refused": 400, "fee_refused": 400, "fee_above_costs": 400, "period_taken": 409}
    }

    def get(self, request: Request) -> Response:
        at = clock.now()
        page = page_of_rows(
            request, self.query, selectors.every_statement(),
            lambda one: selectors.statement_json(selectors.statement_row(one, at)), ("-number",),
        )  # fmt: skip
        return Response(page.data, headers=page.headers)

    def post(self, request: Request) -> Response:
        """Publish the next statement, and with it the fee that follows from it."""
        given, at = dict(self.body), clock.now()
        costs = Costs(
            items=tuple(Item(Kind(item.pop("kind")), **item) for item in given.pop("items")),
            **{name: given.pop(name) for name in ("device_hours", "subsidy_year", "subsidy_source")},
        )
        number = given.pop("corrects")
        corrects = get_object_or_404(SiteCosts, number=number) if number else None
        made = publish_site_costs(costs=costs, corrects=corrects, by=self.person, at=at, **given)
        return Response(selectors.statement_json(selectors.statement_row(made, at)), status=201)


class SiteFeesApi(PersonalApiView):
    """Every fee that the site ever charged, newest first."""

    access: ClassVar = {"GET": ANYONE, "POST": STEWARD_ACTS}
    scopes: ClassVar = {"GET": "", "POST": scopes.STEWARD}
    queries: ClassVar = {"GET": ListQuery}
    bodies: ClassVar = {"POST": SiteFeeMembers}
    answers: ClassVar = {"GET": [SiteFeeShape], "POST": SiteFeeShape}
    refusals: ClassVar = {"POST": {"fee_refused": 400, "fee_above_costs": 400, "period_taken": 409}}

    def get(self, request: Request) -> Response:
        at = clock.now()
        page = page_of_rows(
            request, self.query, selectors.every_fee(),
            lambda one: selectors.fee_json(selectors.fee_row(one, at)), ("-id",),
        )  # fmt: skip
        return Response(page.data, headers=page.headers)

    def post(self, request: Request) -> Response:
        """Charge another fee, at most what follows from the costs in force on that day."""
        at = clock.now()
        made = set_site_fee(by=self.person, at=at, **self.body)
        return Response(selectors.fee_json(selectors.fee_row(made, at)), status=201)
