"""A year of a node: every component, and what an hour comes to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext

from pricing.domain.cost import depreciation, electricity as power, running_costs as costs
from pricing.domain.cost.component import Component, running
from pricing.domain.cost.units import unit_cost
from pricing.domain.declared.faults import LARGEST, Fault
from pricing.domain.declared.shape import Declared, Kind
from pricing.domain.exact import EXACT, ONE, ZERO, less, plain, rounded, total

# EUR per device-hour: beyond it hardly an hour is left to spread a cost over.
DEAREST_HOUR = Decimal(1_000_000)


@dataclass(frozen=True)
class Cost:
    """A year of a node, and what it comes to per device-hour.

    "Available" spreads the cost over all hours that can be booked, "delivered" over the hours
    expected to be used; "chargeable" leaves out what public money paid for.
    """

    components: tuple[Component, ...]
    device_count: int
    available_hours: Decimal  # node-hours a year
    used_share: Decimal

    @property
    def delivered_hours(self) -> Decimal:
        with localcontext(EXACT):
            return self.available_hours * self.used_share

    @property
    def full_year(self) -> Decimal:
        return total(component.full_year for component in self.components)

    @property
    def chargeable_year(self) -> Decimal:
        return total(component.chargeable_year for component in self.components)

    @property
    def public_year(self) -> Decimal:
        """What public money carries: granted purchases, support of running costs, and their overhead."""
        return total(component.public_year for component in self.components)

    @property
    def owner_year(self) -> Decimal:
        """What the owner carries without charging it."""
        return less(self.full_year, self.chargeable_year, self.public_year)

    @property
    def idle_year(self) -> Decimal:
        """What the hours cost that are available and not delivered.

        With the delivered ones they are the whole cost: OpenCost's identity
        "total = workload + idle + overhead", here with overhead spread over both.
        """
        with localcontext(EXACT):
            return self.full_year * (ONE - self.used_share)

    @property
    def full_available(self) -> Decimal:
        return unit_cost(self.full_year, units=self.available_device_hours)

    @property
    def full_delivered(self) -> Decimal:
        return unit_cost(self.full_year, units=self.available_device_hours, used_share=self.used_share)

    @property
    def chargeable_available(self) -> Decimal:
        return unit_cost(self.chargeable_year, units=self.available_device_hours)

    @property
    def chargeable_delivered(self) -> Decimal:
        return unit_cost(self.chargeable_year, units=self.available_device_hours, used_share=self.used_share)

    @property
    def available_device_hours(self) -> Decimal:
        with localcontext(EXACT):
            return self.available_hours * self.device_count

    @property
    def delivered_device_hours(self) -> Decimal:
        with localcontext(EXACT):
            return self.delivered_hours * self.device_count

    @property
    def faults(self) -> list[Fault]:
        """What only the amounts show: support above its component, and sums that nothing costs."""
        return [*self._of_support(), *self._of_sums()]

    def _of_support(self) -> Iterator[Fault]:
        for line in self.components:
            if line.chargeable_year < ZERO <= line.full_year:
                most = total((line.chargeable_year, line.public_year))
                yield Fault(f"support.{line.kind}", "above_component", plain(most), plain(line.public_year))

    def _of_sums(self) -> Iterator[Fault]:
        year, hour = rounded(self.full_year, ONE), rounded(self.full_delivered, ONE)
        if year > LARGEST:
            yield Fault("assets", "year_at_most", plain(LARGEST), plain(year))
        elif hour > DEAREST_HOUR:
            yield Fault("used_share", "hour_at_most", plain(DEAREST_HOUR), plain(hour))


def cost_of(declared: Declared, *, device_count: int, year_from: date) -> Cost:
    """The cost of the twelve months from `year_from`, component by component."""
    available = declared.available_hours
    direct = (
        depreciation.purchase(declared, year_from),
        power.electricity(declared, available),
        costs.hosting(declared),
        costs.maintenance(declared, year_from),
        running(Kind.NETWORK, declared, declared.network_year),
        running(Kind.LICENCES, declared, declared.licences_year),
        costs.staff(declared),
        costs.insurance(declared),
        costs.financing(declared, year_from),
        depreciation.vat(declared, year_from),
    )
    return Cost(
        components=(*direct, costs.overhead(declared, direct)),
        device_count=device_count,
        available_hours=available,
        used_share=declared.used_share,
    )
