"""Prices for other programs."""

from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import ANYONE
from common import clock
from common.api.bodies import Members
from common.api.view import ApiView
from pricing.forms import PriceFilterForm
from pricing.selectors import open_data
from pricing.selectors.prices import SORTS, prices


class PriceQuery(Members):
    device = serializers.CharField(required=False, help_text="A device’s key, such as h100-sxm5-80.")
    country = serializers.RegexField("[A-Z]{2}", required=False, help_text="ISO 3166-1, such as FR.")
    max_price = serializers.DecimalField(
        max_digits=12, decimal_places=6, min_value=0, required=False, help_text="EUR per device-hour."
    )
    owner = serializers.ChoiceField(["public", "private"], required=False)
    sort = serializers.ChoiceField([*SORTS, *(f"-{name}" for name in SORTS)], required=False)


class PricesApi(ApiView):
    """Price, full and chargeable cost of every node: the same figures as /prices.json."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    queries: ClassVar = {"GET": PriceQuery}

    def get(self, request: Request) -> Response:
        wanted = PriceFilterForm(request.query_params).wanted()
        return Response(open_data.prices_json(prices(wanted=wanted, at=clock.now())))
