"""Carbon of compute by the Software Carbon Intensity specification: SCI = (O + M) per R.

Specification 1.1 (ISO/IEC 21031): https://github.com/Green-Software-Foundation/sci/blob/main/SPEC.md
Intensity is that of the place and the hour; no offsets, no certificates. For a reservation all of the
reserved hardware counts, used or not. Grams of CO2 equivalent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext

from pricing.domain.cost.depreciation import worn_out_on
from pricing.domain.declared.shape import Asset
from pricing.domain.exact import EXACT, ONE, ZERO, total

GRAMS_A_KILOGRAM = 1000
HOURS_A_DAY = 24


@dataclass(frozen=True)
class CarbonHour:
    """Energy at the machine in one hour, and what a kWh from the grid emits there and then."""

    kilowatt_hours: Decimal
    grams_a_kilowatt_hour: Decimal
    pue: Decimal = ONE

    @property
    def grams(self) -> Decimal:
        with localcontext(EXACT):
            return self.kilowatt_hours * self.pue * self.grams_a_kilowatt_hour


@dataclass(frozen=True)
class Range:
    """A figure with the bounds that its source gives; all the same where it gives none."""

    grams: Decimal
    lowest: Decimal
    highest: Decimal


@dataclass(frozen=True)
class Carbon:
    operational: Decimal
    embodied: Range

    @property
    def grams(self) -> Decimal:
        return total((self.operational, self.embodied.grams))

    def per(self, functional_units: Decimal) -> Decimal:
        """The score: grams per unit of R, as a device-hour or a job."""
        with localcontext(EXACT):
            return self.grams / functional_units


def operational(hours: Iterable[CarbonHour]) -> Decimal:
    """O = E x I, hour by hour."""
    return total(hour.grams for hour in hours)


def reserved_energy(
    *, active_kilowatts: Decimal, idle_kilowatts: Decimal, reserved_hours: Decimal, used_hours: Decimal
) -> Decimal:
    """kWh of what was reserved: it draws power in the hours nobody computed in, too."""
    if not ZERO <= used_hours <= reserved_hours:
        raise ValueError("more hours used than reserved")
    with localcontext(EXACT):
        return active_kilowatts * used_hours + idle_kilowatts * (reserved_hours - used_hours)


def embodied(
    *,
    kilograms: Decimal,
    life_hours: Decimal,
    reserved_hours: Decimal,
    reserved_share: Decimal = ONE,
) -> Decimal:
    """M = TE x (TiR / EL) x (RR / ToR): of making it, by time reserved and by share reserved."""
    with localcontext(EXACT):
        return kilograms * GRAMS_A_KILOGRAM * reserved_hours * reserved_share / life_hours


def embodied_of(
    assets: Sequence[Asset], *, on: date, reserved_hours: Decimal, reserved_share: Decimal = ONE
) -> Range | None:
    """What making a node's assets weighs in a reservation; None where no asset says.

    Spread over the life that is declared for the money too; after it, nothing is left to spread.
    """
    known = [asset for asset in assets if asset.embodied_kilograms is not None]
    if not known:
        return None
    parts = [
        _of_asset(asset, reserved_hours, reserved_share)
        for asset in known
        if asset.purchased_on <= on < worn_out_on(asset)
    ]
    return Range(
        total(part.grams for part in parts),
        total(part.lowest for part in parts),
        total(part.highest for part in parts),
    )


def _of_asset(asset: Asset, reserved_hours: Decimal, reserved_share: Decimal) -> Range:
    life = Decimal((worn_out_on(asset) - asset.purchased_on).days * HOURS_A_DAY)
    grams = asset.embodied_kilograms or ZERO
    lowest = grams if asset.embodied_lowest is None else asset.embodied_lowest
    highest = grams if asset.embodied_highest is None else asset.embodied_highest
    spread = [
        embodied(
            kilograms=weight, life_hours=life, reserved_hours=reserved_hours, reserved_share=reserved_share
        )
        for weight in (grams, lowest, highest)
    ]
    return Range(*spread)
