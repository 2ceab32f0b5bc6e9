"""How much energy was drawn: by the best measurement there is, and by whose job on a shared node."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext

from pricing.domain.declared.shape import EnergySource
from pricing.domain.exact import EXACT, ONE, ZERO, total

RANKED = tuple(EnergySource)  # best first: wall, BMC, RAPL and NVML, model


@dataclass(frozen=True)
class Reading:
    """Energy of one period at the machine, as one source saw it."""

    source: EnergySource
    kilowatt_hours: Decimal
    covered_share: Decimal = ONE  # of the period's time in which the source was there


@dataclass(frozen=True)
class Energy:
    """Energy of one period, by the sources it was put together from, best first."""

    parts: tuple[Reading, ...]

    @property
    def kilowatt_hours(self) -> Decimal:
        return total(part.kilowatt_hours for part in self.parts)

    @property
    def covered_share(self) -> Decimal:
        return total(part.covered_share for part in self.parts)

    @property
    def measured_share(self) -> Decimal:
        """Of the period's time: what was not worked out from published figures."""
        return total(part.covered_share for part in self.parts if part.source is not EnergySource.MODEL)


@dataclass(frozen=True)
class JobEnergy:
    """kWh of one job at the machine: of waiting for it and of its work."""

    idle: Decimal
    active: Decimal

    @property
    def kilowatt_hours(self) -> Decimal:
        return total((self.idle, self.active))


def ranked(readings: Iterable[Reading]) -> Energy:
    """The best source for the time it was there, the next for what it missed, and so on.

    A source that stands in counts with its mean power over the time that it saw.
    """
    parts: list[Reading] = []
    missed = ONE
    for reading in sorted(readings, key=lambda one: RANKED.index(one.source)):
        share = min(missed, reading.covered_share)
        if not share:
            continue
        with localcontext(EXACT):
            used = reading.kilowatt_hours * share / reading.covered_share
            missed -= share
        parts.append(Reading(reading.source, used, share))
    return Energy(tuple(parts))


def gap(better: Decimal, other: Decimal) -> Decimal | None:
    """How far another source lies off the better one, as a share of it; None where that saw nothing."""
    with localcontext(EXACT):
        return (other - better) / better if better else None


def from_counters(*, processors: Decimal, accelerators: Decimal, supply_factor: Decimal) -> Reading:
    """RAPL and NVML in kWh: what they cannot see of the machine is in the factor of the power supply."""
    with localcontext(EXACT):
        return Reading(EnergySource.RAPL_NVML, (processors + accelerators) * supply_factor)


def job_energy(
    *, node_idle: Decimal, node_active: Decimal, reserved_share: Decimal, measured_share: Decimal
) -> JobEnergy:
    """A job's part of the kWh of a node that it shares.

    What the node draws while it waits goes by what is reserved, what work adds goes by the measured
    time of processors and accelerators. Parting the sum by its ratio of use instead lets the idle part
    fall to nothing on a busy node: https://github.com/sustainable-computing-io/kepler/issues/2465
    """
    with localcontext(EXACT):
        return JobEnergy(idle=node_idle * reserved_share, active=node_active * measured_share)


def node_energy(*, idle_kilowatts: Decimal, drawn: Decimal, hours: Decimal) -> tuple[Decimal, Decimal]:
    """The kWh drawn in some hours, as what waiting would have taken and what work added to it."""
    with localcontext(EXACT):
        idle = min(idle_kilowatts * hours, drawn)
        return idle, max(drawn - idle, ZERO)
