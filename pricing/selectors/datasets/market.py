"""What others ask, as open data: list prices, shop prices and exchange rates that may be passed on."""

from __future__ import annotations

from typing import Any

from django.db.models import BooleanField, Case, Exists, Model, OuterRef, QuerySet, When
from django.utils.translation import gettext_lazy as _

from common.open_data.columns import Column, day, digest, flag, integer, moment, number, text, words
from common.open_data.datasets import CC_BY, Dataset, Reference, of_sources
from pricing.domain.licences import may_be_passed_on
from pricing.models import ExchangeRate, ListPrice, MarketImport, RetailPrice
from pricing.selectors.datasets.shared import ledger_index

_LICENCE = of_sources("market-imports")
_IMPORT = Reference("import", "market-imports", "id")


def _open_imports() -> list[int]:
    said = MarketImport.objects.values_list("pk", "licence")
    return [pk for pk, licence in said if may_be_passed_on(licence)]


def _imports() -> QuerySet[MarketImport]:
    is_open = Case(When(pk__in=_open_imports(), then=True), default=False, output_field=BooleanField())
    return MarketImport.objects.annotate(may_be_passed_on=is_open).order_by("pk")


def _that_hold(model: type[Model], *same: str) -> QuerySet[Any]:
    """Of two rows about the same, the later import's; those alone that may be passed on."""
    return _later(model._default_manager.filter(came_with__in=_open_imports()), *same)


def _later(rows: QuerySet[Any], *same: str) -> QuerySet[Any]:
    later = rows.filter(came_with__gt=OuterRef("came_with"), **{name: OuterRef(name) for name in same})
    return rows.filter(~Exists(later)).order_by(*same)


def _from() -> tuple[Column, ...]:
    return (
        words("source", _("Who says so."), "came_with__source"),
        words("licence", _("Under which licence the source publishes it."), "came_with__licence"),
        text("import", _("The import that it came with."), "came_with__uid"),
    )


_OFFER = ("provider", "offer", "region", "device", "kind", "observed_on")
_CURRENCY = "^[A-Z]{3}$"

LIST_PRICES = Dataset(
    name="list-prices",
    title=_("List prices of clouds"),
    says=_("What others ask for an hour of their devices, each on a day, as its source has it."),
    licence=_LICENCE,
    columns=(
        words("provider", _("Who asks it.")),
        words("offer", _("What the provider calls it."), is_required=False),
        words("region", _("Where it is offered."), is_required=False),
        words("device", _("The device, as the source names it.")),
        text("model_key", _("The same device here; empty: none is known to be."), is_required=False),
        number("memory_gib", _("Memory of one device."), unit="GiB", is_required=False, least="0"),
        number("devices", _("How many devices are in the offer."), least="0"),
        text("kind", _("On which terms."), one_of=ListPrice.Kind.values),
        text("currency", _("ISO 4217, three letters."), pattern=_CURRENCY),
        number("price_hour", _("Of the whole offer, in that currency."), least="0"),
        number("per_device_hour", _("Of one device, in that currency."), least="0"),
        day("observed_on", _("The day on which it was asked.")),
        *_from(),
    ),
    rows=lambda: _that_hold(ListPrice, *_OFFER),
    every=lambda: _later(ListPrice.objects.all(), *_OFFER),
    changed=("came_with__at",),
    key=_OFFER,
    refers=(_IMPORT,),
    page="prices",
)

RETAIL_PRICES = Dataset(
    name="retail-prices",
    title=_("Prices of devices in shops"),
    says=_("What a device alone was sold for on a day, as its source has it."),
    licence=_LICENCE,
    columns=(
        words("device", _("The device, as the source names it.")),
        text("model_key", _("The same device here; empty: none is known to be."), is_required=False),
        text("currency", _("ISO 4217, three letters."), pattern=_CURRENCY),
        number("price", _("Of one device, in that currency."), least="0"),
        day("on", _("The day on which it was sold for that.")),
        *_from(),
    ),
    rows=lambda: _that_hold(RetailPrice, "device", "currency", "on"),
    every=lambda: _later(RetailPrice.objects.all(), "device", "currency", "on"),
    changed=("came_with__at",),
    key=("device", "currency", "on"),
    refers=(_IMPORT,),
    page="prices",
)

RATES = Dataset(
    name="exchange-rates",
    title=_("Exchange rates"),
    says=_("How much of another currency one euro was worth on a day, as its source has it."),
    licence=_LICENCE,
    columns=(
        text("currency", _("ISO 4217, three letters."), pattern=_CURRENCY),
        day("on", _("The day of the rate.")),
        number("per_eur", _("Of that currency for one euro."), least="0"),
        *_from(),
    ),
    rows=lambda: _that_hold(ExchangeRate, "currency", "on"),
    every=lambda: _later(ExchangeRate.objects.all(), "currency", "on"),
    changed=("came_with__at",),
    key=("currency", "on"),
    refers=(_IMPORT,),
    page="prices",
)

IMPORTS = Dataset(
    name="market-imports",
    title=_("Imports of market data"),
    says=_("The files that list prices, shop prices and exchange rates came from, each with its licence."),
    licence=CC_BY,
    columns=(
        text("id", _("The import’s identifier."), "uid", is_unique=True),
        text("content", _("What the file holds."), one_of=MarketImport.Content.values),
        words("file_name", _("What the file was called."), is_required=False),
        digest("sha256", _("Of the file as it was handed in.")),
        words("source", _("Who published it.")),
        words("licence", _("Under which licence; empty: nobody said."), is_required=False),
        flag(
            "may_be_passed_on",
            _("Whether that licence lets this site pass it on: then its values are in here."),
        ),
        words("address", _("Where its source publishes it."), is_required=False),
        integer("rows", _("Values that the file holds."), least="0"),
        integer("added", _("Values that were new."), least="0"),
        integer("changed", _("Values that it changed."), least="0"),
        moment("imported_at", _("When it was imported."), "at"),
        ledger_index(),
    ),
    rows=_imports,
    changed=("at",),
    page="prices",
)
