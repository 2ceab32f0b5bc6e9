"""List prices of a device: each offer as it was last seen, and what the offers of one kind come to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from django.db.models import Exists, OuterRef, QuerySet

from common import formats
from pricing.domain.market.comparing import Dated, Quote, Summary, is_old, summary
from pricing.models import ListPrice, MarketImport
from pricing.selectors.market.rates import rates_for

Kind = ListPrice.Kind
# What a provider says of the same offer on several days is one offer, as it was last seen.
_OFFER = ("provider", "offer", "region", "device", "kind")


@dataclass(frozen=True)
class OfferRow:
    """One offer with its price as the source has it, and in euros."""

    price: ListPrice
    quote: Quote
    is_old: bool  # seen more than twelve months before the moment asked

    @property
    def origin(self) -> MarketImport:
        return self.price.came_with

    @property
    def eur(self) -> Decimal | None:
        return self.quote.eur

    @property
    def rate(self) -> Dated | None:
        return self.quote.rate

    @property
    def is_part(self) -> bool:
        """Less than a whole device is sold."""
        return self.price.devices < 1


@dataclass(frozen=True)
class Beside:
    """What the same device costs elsewhere: of on-demand prices, or where none is known of the listings."""

    model_key: str
    kind: str
    found: Summary

    @property
    def is_list_price(self) -> bool:
        return self.kind == Kind.ON_DEMAND

    @property
    def rates_named(self) -> str:
        """`1 EUR = 1.1648 USD, ECB reference rate, 18 May 2026`, for each rate that was used."""
        return "; ".join(rate_named(rate) for rate in self.found.rates)


def rate_named(rate: Dated) -> str:
    worth = formats.number(rate.per_eur.normalize())
    return f"1 EUR = {worth} {rate.currency}, {rate.source}, {formats.long_day(rate.on)}"


def known_prices(at: datetime) -> QuerySet[ListPrice]:
    """As of a moment: imported by then, seen by then, and not said otherwise by a later import of then."""
    later = ListPrice.objects.filter(
        provider=OuterRef("provider"), offer=OuterRef("offer"), region=OuterRef("region"),
        device=OuterRef("device"), kind=OuterRef("kind"), observed_on=OuterRef("observed_on"),
        pk__gt=OuterRef("pk"), came_with__at__lte=at,
    )  # fmt: skip
    seen = ListPrice.objects.filter(came_with__at__lte=at, observed_on__lte=_day(at))
    return seen.filter(~Exists(later))


def beside(model_keys: Collection[str], *, at: datetime) -> Mapping[str, Beside]:
    """By key, for those that anything is known of. Two queries, whatever is asked."""
    asked = sorted({key for key in model_keys if key})
    if not asked:
        return {}
    shown = (Kind.ON_DEMAND, Kind.CHEAPEST)
    rows = latest(known_prices(at).filter(model_key__in=asked, kind__in=shown))
    quotes = _by_kind(offer_rows(list(rows), at=at))
    found = {}
    for key in asked:
        for kind in shown:
            summed = summary(quotes.get((key, kind), ()), today=_day(at))
            if summed is not None:
                found[key] = Beside(key, kind, summed)
                break
    return found


def offers(model_key: str, *, at: datetime) -> list[OfferRow]:
    """All kinds of one device, each kind by its price in euros; what cannot be converted stands last."""
    prices = latest(known_prices(at).filter(model_key=model_key)).select_related("came_with__entry")
    kinds = list(Kind.values)
    return sorted(
        offer_rows(list(prices), at=at),
        key=lambda row: (
            kinds.index(row.price.kind),
            row.is_old,
            row.eur is None,
            row.eur or row.price.per_device_hour,
            row.price.provider,
            row.price.offer,
            row.price.region,
        ),
    )


def summaries(rows: Iterable[OfferRow], *, at: datetime) -> list[tuple[str, Summary]]:
    """What the offers of each kind come to; kinds are never put together."""
    by_kind: dict[str, list[Quote]] = {}
    for row in rows:
        by_kind.setdefault(row.price.kind, []).append(row.quote)
    found = ((kind, summary(by_kind.get(kind, ()), today=_day(at))) for kind in Kind.values)
    return [(kind, one) for kind, one in found if one is not None]


def latest(prices: QuerySet[ListPrice]) -> QuerySet[ListPrice]:
    """Each offer as it was last seen."""
    return prices.order_by(*_OFFER, "-observed_on", "-pk").distinct(*_OFFER)


def offer_rows(prices: Sequence[ListPrice], *, at: datetime) -> list[OfferRow]:
    rates = rates_for({(row.currency, row.observed_on) for row in prices}, at=at)
    return [
        OfferRow(
            row,
            Quote(
                row.per_device_hour,
                row.currency,
                row.observed_on,
                rates.get((row.currency, row.observed_on)),
            ),
            is_old(row.observed_on, today=_day(at)),
        )
        for row in prices
    ]


def _by_kind(rows: Iterable[OfferRow]) -> dict[tuple[str, str], list[Quote]]:
    found: dict[tuple[str, str], list[Quote]] = {}
    for row in rows:
        found.setdefault((row.price.model_key, row.price.kind), []).append(row.quote)
    return found


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()
