"""What devices alone were sold for in shops, in dollars as the source has it and in euros of that day."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from pricing.domain.market.comparing import Dated, in_eur
from pricing.models import RetailPrice
from pricing.selectors.market.offers import rate_named
from pricing.selectors.market.rates import rates_for


@dataclass(frozen=True)
class RetailQuote:
    """One dated price of a device."""

    day: date
    usd: Decimal
    eur: Decimal | None  # None where no rate of that day or the seven days before is known
    rate: Dated | None
    source: str

    @property
    def rate_text(self) -> str:
        return rate_named(self.rate) if self.rate else ""


def retail_prices(keys: Collection[str], *, at: datetime) -> Mapping[str, tuple[RetailQuote, ...]]:
    """By key, the oldest first, as known at a moment. Two queries.

    `keys` are as pricing.domain.market.matching.market_key gives them.
    """
    rows = (
        RetailPrice.objects.filter(
            model_key__in=sorted({key for key in keys if key}),
            currency="USD",
            came_with__at__lte=at,
            on__lte=at.astimezone(UTC).date(),
        )
        .order_by("on", "pk")
        .values_list("model_key", "device", "on", "price", "came_with__source")
    )
    # Of one day the later import's row holds.
    known = {(key, device, on): (price, source) for key, device, on, price, source in rows}
    rates = rates_for({("USD", on) for _key, _device, on in known}, at=at)
    found: dict[str, list[RetailQuote]] = {}
    for (key, _device, on), (price, source) in known.items():
        rate = rates.get(("USD", on))
        eur = in_eur(price, currency="USD", on=on, rate=rate)
        found.setdefault(key, []).append(RetailQuote(on, price, eur, rate, source))
    return {key: tuple(sorted(quotes, key=lambda one: one.day)) for key, quotes in found.items()}
