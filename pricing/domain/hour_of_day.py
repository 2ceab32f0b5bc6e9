"""What an hour of use costs and emits by the hour of the day: power x PUE x what a kWh costs or emits then.

Power and PUE are one number all day, so that the mean over many days is that of the hours' own values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext

from pricing.domain.exact import EXACT, ZERO, total

HOURS_OF_DAY = range(24)


@dataclass(frozen=True)
class Mean:
    """Of the known hours that begin at one o'clock of the day."""

    sum: Decimal
    hours: int

    @property
    def value(self) -> Decimal:
        with localcontext(EXACT):
            return self.sum / self.hours


@dataclass(frozen=True)
class HourOfDay:
    """EUR and grams of CO2 equivalent per device-hour in use; None where nothing is known of that hour."""

    hour: int  # on the clock of the place
    cost: Decimal | None
    operational: Decimal | None
    embodied: Decimal | None
    known_prices: int
    known_intensities: int

    @property
    def carbon(self) -> Decimal | None:
        """SCI: O + M; without M where the owner does not say what making the node emitted."""
        return None if self.operational is None else total((self.operational, self.embodied or ZERO))


def by_hour_of_day(
    *,
    kilowatts: Decimal,
    pue: Decimal,
    devices: int,
    eur_per_mwh: Mapping[int, Mean],
    g_per_kwh: Mapping[int, Mean],
    stand_in: Decimal | None = None,
    embodied: Decimal | None = None,
) -> list[HourOfDay]:
    """`kilowatts` of the whole node in use; `stand_in` is taken, in g/kWh, where no hour is known at all."""
    with localcontext(EXACT):
        energy = kilowatts * pue / devices  # kWh at the meter of the place, in an hour of one device
        rows = []
        for hour in HOURS_OF_DAY:
            price, intensity = eur_per_mwh.get(hour), g_per_kwh.get(hour)
            grams = intensity.value if intensity else (None if g_per_kwh else stand_in)
            rows.append(
                HourOfDay(
                    hour=hour,
                    cost=energy * price.value / 1000 if price else None,
                    operational=None if grams is None else energy * grams,
                    embodied=embodied,
                    known_prices=price.hours if price else 0,
                    known_intensities=intensity.hours if intensity else 0,
                )
            )
        return rows


def mean_of(means: Mapping[int, Mean]) -> Decimal | None:
    """Over all known hours, not over the 24: an hour that is known more often counts more."""
    hours = sum(one.hours for one in means.values())
    with localcontext(EXACT):
        return total(one.sum for one in means.values()) / hours if hours else None
