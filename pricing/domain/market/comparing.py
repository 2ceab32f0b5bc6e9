"""From prices of several currencies and days to figures in euros that can be held against each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from statistics import median

from pricing.domain.exact import EXACT
from pricing.domain.market.values import PLACES
from pricing.domain.tariff import months_later

RATE_DAYS = 7  # a rate is published on working days; the longest pause is Easter's, of four days
FRESH_MONTHS = 12


@dataclass(frozen=True)
class Dated:
    """An exchange rate with its name: what one euro was worth on a day, by whom."""

    currency: str
    per_eur: Decimal
    on: date
    source: str


@dataclass(frozen=True)
class Quote:
    """A price of a device-hour in its own currency, and in euros where a rate is known."""

    amount: Decimal
    currency: str
    on: date
    rate: Dated | None  # None for euros, and where none is known

    @property
    def eur(self) -> Decimal | None:
        return in_eur(self.amount, currency=self.currency, on=self.on, rate=self.rate)


@dataclass(frozen=True)
class Summary:
    """What several offers of one kind come to; EUR per device-hour."""

    lowest: Decimal
    median: Decimal
    offers: int
    first: date  # the days of the prices that count
    last: date
    rates: tuple[Dated, ...]
    is_old: bool  # none was seen within the last twelve months
    without_rate: int = 0  # offers that could not be converted, and do not count


def applies(rate: Dated, on: date) -> bool:
    """A rate of the day or of at most seven days before; never one of later."""
    return timedelta() <= on - rate.on <= timedelta(days=RATE_DAYS)


def in_eur(amount: Decimal, *, currency: str, on: date, rate: Dated | None) -> Decimal | None:
    """To the millionth of a euro; None where no rate of those days is known: nothing is guessed."""
    if currency == "EUR":
        return amount
    if rate is None or rate.currency != currency or not applies(rate, on):
        return None
    with localcontext(EXACT):
        return (amount / rate.per_eur).quantize(PLACES, ROUND_HALF_EVEN)


def is_old(on: date, *, today: date) -> bool:
    """Seen more than twelve months before."""
    return on < months_later(today, -FRESH_MONTHS)


def summary(quotes: Iterable[Quote], *, today: date) -> Summary | None:
    """Of those seen within twelve months; of the older ones only where there are no others."""
    every = list(quotes)
    converted = [(quote, eur) for quote in every if (eur := quote.eur) is not None]
    fresh = [(quote, eur) for quote, eur in converted if not is_old(quote.on, today=today)]
    counted = fresh or converted
    if not counted:
        return None
    amounts = [eur for _quote, eur in counted]
    days = [quote.on for quote, _eur in counted]
    return Summary(
        lowest=min(amounts),
        median=_median(amounts),
        offers=len(counted),
        first=min(days),
        last=max(days),
        rates=_rates([quote for quote, _eur in counted]),
        is_old=not fresh,
        without_rate=len(every) - len(converted),
    )


def _median(amounts: Sequence[Decimal]) -> Decimal:
    """The middle one, or the mean of the two in the middle, to the millionth."""
    with localcontext(EXACT):
        return median(amounts).quantize(PLACES, ROUND_HALF_EVEN)


def _rates(quotes: Iterable[Quote]) -> tuple[Dated, ...]:
    """Each once, the newest first."""
    named = {quote.rate for quote in quotes if quote.rate is not None}
    return tuple(sorted(named, key=lambda rate: (rate.on, rate.currency), reverse=True))
