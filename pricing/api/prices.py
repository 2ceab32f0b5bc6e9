"""Prices for other programs."""

from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import ANYONE
from common import clock
from common.api.bodies import Members
from common.api.shapes import Shape
from common.api.view import ApiView
from pricing.api.as_of import asked_as_of
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
    free_today = serializers.BooleanField(
        required=False, help_text="Only nodes with a device free now or from a moment of your day."
    )
    as_of = serializers.CharField(
        required=False, max_length=40, help_text="A day (its end, UTC) or a moment: as they stood then."
    )
    sort = serializers.ChoiceField([*SORTS, *(f"-{name}" for name in SORTS)], required=False)


class PublishedShape(Shape):
    number = serializers.IntegerField()
    effective_from = serializers.DateTimeField()
    sha256 = serializers.CharField()


class RateShape(Shape):
    currency = serializers.CharField()
    per_eur = serializers.CharField(help_text="What one euro was worth.")
    on = serializers.DateField()
    source = serializers.CharField()  # type: ignore[assignment]


class ListPriceShape(Shape):
    """What others ask for the same device; EUR per device-hour."""

    kind = serializers.ChoiceField(["on_demand", "cheapest"], help_text="docs/list-prices.md")
    lowest = serializers.CharField()
    median = serializers.CharField()
    offers = serializers.IntegerField()
    without_rate = serializers.IntegerField(help_text="Offers left out for want of an exchange rate.")
    first_seen = serializers.DateField()
    last_seen = serializers.DateField()
    is_old = serializers.BooleanField(help_text="None was seen in the twelve months before.")
    rates = RateShape(many=True)

    example: ClassVar = {
        "kind": "on_demand",
        "lowest": "5.916753",
        "median": "8.599931",
        "offers": 4,
        "without_rate": 0,
        "first_seen": "2026-05-17",
        "last_seen": "2026-05-17",
        "is_old": False,
        "rates": [
            {"currency": "USD", "per_eur": "1.1628", "on": "2026-05-15", "source": "ECB reference rates"}
        ],
    }


class PriceLineShape(Shape):
    slug = serializers.SlugField()
    node = serializers.CharField()
    device = serializers.CharField()
    device_kind = serializers.CharField()
    owner = serializers.CharField()
    site = serializers.CharField()
    country = serializers.CharField()
    zone = serializers.CharField()
    url = serializers.CharField()
    owner_is_public = serializers.BooleanField()
    devices = serializers.IntegerField()
    devices_free = serializers.IntegerField(
        allow_null=True, help_text="Now, for half an hour at least; null as of a moment of the past."
    )
    free_from = serializers.DateTimeField(
        allow_null=True, help_text="Where none is: the first moment in the next 24 hours when one will be."
    )
    memory_bytes = serializers.IntegerField()
    price = serializers.CharField()
    fee = serializers.CharField()
    to_pay = serializers.CharField()
    full_delivered = serializers.CharField()
    full_available = serializers.CharField()
    chargeable_delivered = serializers.CharField()
    chargeable_available = serializers.CharField()
    markup_on_full_cost = serializers.CharField(allow_null=True, help_text="A ratio: 0.1 is 10 %.")
    markup_on_chargeable_cost = serializers.CharField(allow_null=True)
    publicly_funded_share = serializers.CharField(help_text="Of the purchase.")
    statement = PublishedShape()
    tariff = PublishedShape()
    is_withdrawn = serializers.BooleanField(
        help_text="Since; only as of a moment of the past, when it had this price."
    )
    market_key = serializers.CharField(help_text="By which list prices of the same device are found.")
    list_price = ListPriceShape(allow_null=True)


class PriceListShape(Shape):
    at = serializers.DateTimeField()
    as_of = serializers.DateTimeField(allow_null=True, help_text="The moment of the past that was asked for.")
    unit = serializers.CharField()
    currency = serializers.CharField()
    tax = serializers.CharField()
    count = serializers.IntegerField()
    prices = PriceLineShape(many=True)

    example: ClassVar = {
        "at": "2026-11-22T18:03:11.120000Z",
        "as_of": None,
        "unit": "EUR per device-hour",
        "currency": "EUR",
        "tax": "before VAT",
        "count": 1,
        "prices": [
            {
                "slug": "gemini-1", "node": "Gemini 1", "device": "H100 SXM5", "device_kind": "gpu",
                "owner": "Lab Lyon", "site": "Lyon", "country": "FR", "zone": "FR",
                "url": "/nodes/gemini-1/", "owner_is_public": True, "devices": 8,
                "devices_free": 6, "free_from": None,
                "memory_bytes": 85899345920, "price": "1.63", "fee": "0.048", "to_pay": "1.678",
                "full_delivered": "2.5412", "full_available": "1.8296", "chargeable_delivered": "1.63",
                "chargeable_available": "1.1736", "markup_on_full_cost": "-0.358571",
                "markup_on_chargeable_cost": "0", "publicly_funded_share": "0.6",
                "statement": {"number": 1, "effective_from": "2026-10-01T00:00:00Z", "sha256": "9f86…"},
                "tariff": {"number": 1, "effective_from": "2026-10-01T00:00:00Z", "sha256": "60303…"},
                "is_withdrawn": False, "market_key": "h100-sxm5-80", "list_price": ListPriceShape.example,
            }
        ],
    }  # fmt: skip


class PricesApi(ApiView):
    """Price, full and chargeable cost of every node: the same figures as /prices.json."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    queries: ClassVar = {"GET": PriceQuery}
    answers: ClassVar = {"GET": PriceListShape}

    def get(self, request: Request) -> Response:
        now = clock.now()
        wanted = PriceFilterForm(request.query_params).wanted()
        as_of = asked_as_of(request, now)
        return Response(open_data.prices_json(prices(wanted=wanted, at=now, as_of=as_of)))
