"""What electricity costs: the sum over hours of energy x PUE x price."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext

from pricing.domain.cost.component import Component, running
from pricing.domain.declared.shape import DayAheadMean, Declared, Kind
from pricing.domain.exact import EXACT, ONE, total


@dataclass(frozen=True)
class EnergyHour:
    """One hour at the machine."""

    kilowatt_hours: Decimal
    eur_per_kwh: Decimal  # may be negative
    pue: Decimal = ONE

    @property
    def drawn(self) -> Decimal:
        """kWh at the meter of the place, cooling and losses included."""
        with localcontext(EXACT):
            return self.kilowatt_hours * self.pue

    @property
    def cost(self) -> Decimal:
        with localcontext(EXACT):
            return self.drawn * self.eur_per_kwh


class NoHours(ValueError):
    """No hour of the period has a price."""


def electricity_of(hours: Iterable[EnergyHour]) -> Decimal:
    """The sum over hours of energy x PUE x price. A price may be negative, and so may the sum."""
    return total(hour.cost for hour in hours)


def electricity_cost(
    *, kilowatt_hours: Sequence[Decimal], pue: Decimal, prices: Sequence[Decimal]
) -> Decimal:
    """The same of hours with one PUE, in kWh and EUR per kWh."""
    return electricity_of(
        EnergyHour(used, price, pue) for used, price in zip(kilowatt_hours, prices, strict=True)
    )


def day_ahead_mean(
    zone: str, *, since: date, until: date, eur_per_mwh: Sequence[Decimal | None]
) -> DayAheadMean:
    """The mean of the hours that have a price; None is an hour without one, counted and left out.

    Which hours may be filled, and with what, is decided where they are read.
    """
    known = [price for price in eur_per_mwh if price is not None]
    if not known:
        raise NoHours(zone)
    with localcontext(EXACT):
        # Finer than the cents that hours have: a year of a kilowatt differs by less than a millicent.
        mean = (total(known) / len(known)).quantize(Decimal("0.0001"))
    return DayAheadMean(zone, since, until, mean, len(known), len(eur_per_mwh) - len(known))


def energy(declared: Declared, *, available: Decimal) -> Decimal:
    """kWh a year at the machine: active in the delivered hours, idle in the other available ones."""
    with localcontext(EXACT):
        delivered = available * declared.used_share
        return declared.active_kilowatts * delivered + declared.idle_kilowatts * (available - delivered)


def electricity(declared: Declared, available: Decimal) -> Component:
    """A year at one price: a contract's, or the mean of the zone's day-ahead prices."""
    used = energy(declared, available=available)
    year = EnergyHour(used, declared.electricity_price, declared.pue)
    line = running(
        Kind.ELECTRICITY, declared, year.cost, kilowatt_hours=used, pue=declared.pue,
        price=declared.electricity_price,
    )  # fmt: skip
    if declared.day_ahead:
        line.detail["zone"] = declared.day_ahead.zone
    return line
