"""Nodes side by side, for other programs."""

from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import ANYONE
from common import clock
from common.api.bodies import Members
from common.api.errors import ParametersInvalid
from common.api.shapes import Shape
from common.api.view import ApiView
from pricing.api.as_of import asked_as_of
from pricing.api.prices import PriceLineShape, PriceListShape
from pricing.forms import comparing
from pricing.selectors.compare import MOST, compare, priced_names
from pricing.selectors.compare_table import comparison_json


class CompareQuery(Members):
    node = serializers.ListField(
        child=serializers.CharField(max_length=90),
        max_length=MOST,
        help_text="Two to six short names of nodes: ?node=a&node=b.",
    )
    as_of = serializers.CharField(
        required=False, max_length=40, help_text="A day (its end, UTC) or a moment: as they stood then."
    )


class CarbonHoursShape(Shape):
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    reported = serializers.IntegerField(help_text="Hours.")
    estimated = serializers.IntegerField(help_text="Hours.")


class ComparedShape(PriceLineShape):
    """All of a price, and of what it is made; EUR per device-hour unless said otherwise."""

    limit = serializers.CharField(allow_null=True, help_text="Highest price by the cap as it was published.")
    is_excepted = serializers.BooleanField()
    not_charged = serializers.CharField(help_text="Of the full cost.")
    electricity_price = serializers.CharField(allow_null=True, help_text="EUR per kWh, as declared.")
    pue = serializers.CharField()
    device_power = serializers.CharField(help_text="kW of a device in use, with its part of the machine.")
    carbon_intensity = serializers.CharField(allow_null=True, help_text="gCO2e per kWh, lifecycle.")
    carbon_of_electricity = serializers.CharField(allow_null=True, help_text="gCO2e per device-hour in use.")
    full_cost_per_fp16_teraflop_hour = serializers.CharField(allow_null=True)
    full_cost_per_fp32_teraflop_hour = serializers.CharField(allow_null=True)
    components = serializers.DictField(child=serializers.CharField(), help_text="Of the full cost.")
    carbon_hours = CarbonHoursShape(allow_null=True)


class ComparisonShape(Shape):
    at = serializers.DateTimeField()
    as_of = serializers.DateTimeField(allow_null=True)
    unit = serializers.CharField()
    currency = serializers.CharField()
    tax = serializers.CharField()
    nodes = ComparedShape(many=True)

    example: ClassVar = {
        **{name: PriceListShape.example[name] for name in ("at", "as_of", "unit", "currency", "tax")},
        "nodes": [
            {
                **PriceListShape.example["prices"][0],
                "devices_free": None,
                "limit": "1.63",
                "is_excepted": False,
                "not_charged": "0.9112",
                "electricity_price": "0.145",
                "pue": "1.25",
                "device_power": "0.775",
                "carbon_intensity": "42.3",
                "carbon_of_electricity": "40.978125",
                "full_cost_per_fp16_teraflop_hour": "0.002569",
                "full_cost_per_fp32_teraflop_hour": "0.037928",
                "components": {"purchase": "1.6412", "electricity": "0.15", "staff": "0.75"},
                "carbon_hours": {
                    "since": "2026-11-15T00:00:00Z",
                    "until": "2026-11-22T00:00:00Z",
                    "reported": 168,
                    "estimated": 0,
                },
            }
        ],
    }


class CompareApi(ApiView):
    """What an hour costs on several nodes: the same figures as /compare.json."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    queries: ClassVar = {"GET": CompareQuery}
    answers: ClassVar = {"GET": ComparisonShape}

    def get(self, request: Request) -> Response:
        now = clock.now()
        as_of = asked_as_of(request, now)
        asked = self.query["node"]
        fault = comparing.fault_of(asked, names=priced_names(at=as_of or now, as_of=as_of))
        if fault:
            raise ParametersInvalid({"node": [fault]})
        return Response(comparison_json(compare(asked, at=now, as_of=as_of)))
