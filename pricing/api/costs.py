"""What an hour on one node costs, for other programs: as of now, or as it stood."""

from __future__ import annotations

from typing import ClassVar

from django.http import Http404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common import clock
from common.access import ANYONE
from common.api.bodies import Members
from common.api.shapes import Shape
from common.api.view import ApiView
from pricing.api.as_of import asked_as_of
from pricing.selectors.costs import costs_page
from pricing.selectors.costs.data import costs_json


class CostsQuery(Members):
    as_of = serializers.CharField(
        required=False,
        help_text="A day (its end, UTC) or a moment with its zone; what was published later is left out.",
    )


class TermShape(Shape):
    formula = serializers.CharField(help_text="Written out in the language that was asked for.")
    year = serializers.CharField()


class WorkedLineShape(Shape):
    code = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    year = serializers.CharField(help_text="EUR a year for the whole node, to the cent.")
    hour = serializers.CharField(help_text="EUR per delivered device-hour.")
    source = serializers.CharField(allow_null=True)  # type: ignore[assignment]
    terms = TermShape(many=True)


class WorkedShape(Shape):
    hours = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))
    delivered_device_hours = serializers.CharField(help_text="A year.")
    components = WorkedLineShape(many=True)
    not_charged = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))
    sums = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))


class PublicSourceShape(Shape):
    name = serializers.CharField()
    hour = serializers.CharField()
    share_of_hour = serializers.CharField()


class PublicMoneyShape(Shape):
    hour = serializers.CharField(help_text="EUR of a delivered device-hour that public money carries.")
    share_of_hour = serializers.CharField(help_text="Of the full cost.")
    share_of_purchase = serializers.CharField()
    sources = PublicSourceShape(many=True)


class ChangeShape(Shape):
    from_statement = serializers.IntegerField()
    to_statement = serializers.IntegerField()
    effective_from = serializers.DateTimeField()
    published_at = serializers.DateTimeField()
    corrects = serializers.IntegerField(allow_null=True, help_text="The number of a statement.")
    reason = serializers.CharField(allow_null=True)
    ledger_entry = serializers.DictField()
    rows = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))


class RepricingShape(Shape):
    from_tariff = serializers.IntegerField()
    to_tariff = serializers.IntegerField()
    effective_from = serializers.DateTimeField()
    published_at = serializers.DateTimeField()
    old = serializers.CharField(help_text="EUR per device-hour, before VAT and the site’s fee.")
    new = serializers.CharField()
    difference = serializers.CharField()
    reason = serializers.CharField(allow_null=True, help_text="As it was published.")
    exception = serializers.UUIDField(allow_null=True, help_text="To the cap, where one was needed.")
    told = serializers.ListField(
        child=serializers.CharField(), help_text="Why, in words: with the exception and what went into it."
    )
    ledger_entry = serializers.DictField()


class HourOfDayShape(Shape):
    hour = serializers.IntegerField(help_text="On the clock of the place, 0 to 23.")
    cost = serializers.CharField(allow_null=True, help_text="EUR of electricity per device-hour in use.")
    operational = serializers.CharField(allow_null=True, help_text="gCO2e per device-hour in use.")
    embodied = serializers.CharField(allow_null=True)
    carbon = serializers.CharField(allow_null=True)
    known_prices = serializers.IntegerField()
    known_intensities = serializers.IntegerField()


class ByHourShape(Shape):
    zone = serializers.CharField()
    time_zone = serializers.CharField()
    unit_of_cost = serializers.CharField()
    unit_of_carbon = serializers.CharField()
    kilowatts = serializers.CharField()
    pue = serializers.CharField()
    devices = serializers.IntegerField()
    price = serializers.DictField(allow_null=True, help_text="The hours that were looked at; null: none.")
    intensity = serializers.DictField(allow_null=True)
    intensity_stand_in = serializers.DictField(
        allow_null=True, help_text="The country’s mean of a year, where no hour of the zone is known."
    )
    embodied = serializers.DictField(allow_null=True)
    rows = HourOfDayShape(many=True)


class NodeCostsShape(Shape):
    at = serializers.DateTimeField()
    as_of = serializers.DateTimeField(allow_null=True, help_text="What was asked for; null: now.")
    unit = serializers.CharField()
    currency = serializers.CharField()
    tax = serializers.CharField()
    node = serializers.DictField()
    devices = serializers.ListField(child=serializers.DictField())
    price = serializers.CharField(allow_null=True)
    fee = serializers.CharField()
    to_pay = serializers.CharField(allow_null=True)
    cap = serializers.DictField(
        allow_null=True,
        help_text="`is_above`: than the cap; `is_above_highest`: than an exception allows, too.",
    )
    in_words = serializers.ListField(child=serializers.CharField())
    waterfall = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))
    worked = WorkedShape(allow_null=True)
    public_money = PublicMoneyShape(allow_null=True)
    changes = ChangeShape(many=True)
    price_changes = RepricingShape(many=True)
    statements = serializers.ListField(child=serializers.DictField())
    tariffs = serializers.ListField(child=serializers.DictField())
    withdrawals = serializers.ListField(child=serializers.DictField())
    evidence = serializers.ListField(child=serializers.DictField())
    shared_costs = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))
    by_hour_of_day = ByHourShape(allow_null=True)
    flags = serializers.ListField(
        child=serializers.DictField(),
        allow_null=True,
        help_text="Unusual figures, among nodes that are listed now; null as of another moment.",
    )
    citation = serializers.CharField(allow_null=True)
    address = serializers.CharField(help_text="The page, as of this moment: the same for good.")

    example: ClassVar = {
        "at": "2026-11-22T18:03:11Z",
        "as_of": "2026-11-22T18:03:11Z",
        "unit": "EUR per device-hour",
        "currency": "EUR",
        "tax": "before VAT",
        "node": {"slug": "gemini-1", "name": "Gemini 1", "owner": "Lab Lyon"},
        "devices": [{"index": 0, "model": "H100 SXM5"}],
        "price": "1.502027", "fee": "0.02", "to_pay": "1.522027", "cap": None,
        "in_words": ["An hour on one device costs EUR 2.2012 in all."],
        "waterfall": [
            {"code": "purchase", "label": "Purchase", "amount": "1.040478", "kind": "plus"}
        ],
        "worked": {
            "hours": [{"formula": "8,760 h − 350.4 h", "result": "8,409.6 h available"}],
            "delivered_device_hours": "48439.296",
            "components": [
                {
                    "code": "purchase", "label": "Purchase", "year": "50400", "hour": "1.040478",
                    "source": "Offer of the maker",
                    "terms": [
                        {"formula": "DGX H100: (280,000 − 28,000) EUR ÷ 5 years of life", "year": "50400"}
                    ],
                }
            ],
            "not_charged": [{"label": "Purchase", "year": "30240"}],
            "sums": [
                {"code": "chargeable", "label": "Chargeable cost", "formula": "2.201228 − 0.699201",
                 "hour": "1.502027"}
            ],
        },
        "public_money": {
            "hour": "0.699201", "share_of_hour": "0.317642", "share_of_purchase": "0.6",
            "sources": [{"name": "National programme", "hour": "0.699201", "share_of_hour": "0.317642"}],
        },
        "changes": [
            {
                "from_statement": 1, "to_statement": 2, "effective_from": "2026-10-01T00:00:00Z",
                "published_at": "2026-09-20T09:00:00Z", "corrects": 1, "reason": "Rent rose",
                "ledger_entry": {"id": "0190c2f4-7b3e-7c11-9d2a-5e8f6a1b2c3d", "index": 41},
                "rows": [
                    {"code": "hosting", "label": "Hosting", "unit": "EUR per device-hour",
                     "old": "0.185799", "new": "0.196121", "difference": "0.010322"}
                ],
            }
        ],
        "price_changes": [
            {
                "from_tariff": 1, "to_tariff": 2, "effective_from": "2026-11-02T00:00:00Z",
                "published_at": "2026-11-01T09:00:00Z", "old": "1.502027", "new": "1.402027",
                "difference": "-0.1", "reason": None, "exception": None,
                "told": ["The owner leaves off EUR 0.100000."],
                "ledger_entry": {"id": "0190c2f4-7b3e-7c11-9d2a-5e8f6a1b2c3e", "index": 42},
            }
        ],
        "statements": [], "tariffs": [], "withdrawals": [], "evidence": [],
        "shared_costs": [
            {"url": "/pools/…/", "name": "Rack 7", "share": "0.190476", "amount_year": "1714.29"}
        ],
        "by_hour_of_day": {
            "zone": "FR", "time_zone": "Europe/Paris", "unit_of_cost": "EUR per device-hour",
            "unit_of_carbon": "gCO2e per device-hour", "kilowatts": "6.2", "pue": "1.25", "devices": 8,
            "price": {"hours": 8760, "hours_known": 8736}, "intensity": None, "intensity_stand_in": None,
            "embodied": None,
            "rows": [
                {"hour": 0, "cost": "0.0863", "operational": None, "embodied": None, "carbon": None,
                 "known_prices": 364, "known_intensities": 0}
            ],
        },
        "flags": None,
        "citation": "Lab Lyon, Gemini 1: what a device-hour costs. …",
        "address": "https://equinode.example/nodes/gemini-1/costs/?as_of=2026-11-22T18:03:11Z",
    }  # fmt: skip


class NodeCostsApi(ApiView):
    """Waterfall, formulas, changes, evidence, hours of the day: the same figures as the node's costs page."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    queries: ClassVar = {"GET": CostsQuery}
    answers: ClassVar = {"GET": NodeCostsShape}

    def get(self, request: Request, slug: str) -> Response:
        now = clock.now()
        page = costs_page(slug=slug, now=now, asked=asked_as_of(request, now), reader=request.user)
        if page is None:
            raise Http404
        return Response(costs_json(page))
