"""What an hour on a node costs, from what its owner declares.

The formulas are described, with their sources and worked examples, in docs/cost-model.md.
Money is Decimal, EUR before VAT. A year has 8,760 hours. Nothing here reads a meter, a
database or a clock: callers say from which day the year is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, localcontext
from enum import StrEnum

from pricing.domain.declared import EXACT, ONE, ZERO, Declared, plain

HOURS_A_YEAR = Decimal(8760)  # 365 days, as every published unit cost we compare with counts
MICRO = Decimal("0.000001")  # the grain of a published unit price and of a row of money


class Kind(StrEnum):
    """The components of a statement, in the order they are published."""

    PURCHASE = "purchase"
    ELECTRICITY = "electricity"
    HOSTING = "hosting"
    MAINTENANCE = "maintenance"
    NETWORK = "network"
    LICENCES = "licences"
    STAFF = "staff"
    INSURANCE = "insurance"
    FINANCING = "financing"
    OVERHEAD = "overhead"


@dataclass(frozen=True)
class Component:
    """One line of a cost: EUR a year for the whole node, and the numbers behind it."""

    kind: Kind
    full_year: Decimal
    chargeable_year: Decimal
    detail: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cost:
    """A year of a node, and what it comes to per device-hour.

    "Available" spreads the cost over all hours that can be booked, "delivered" over the hours
    expected to be used; "chargeable" leaves out what public grants paid for.
    """

    components: tuple[Component, ...]
    device_count: int
    available_hours: Decimal  # node-hours a year
    used_share: Decimal

    @property
    def delivered_hours(self) -> Decimal:
        return self.available_hours * self.used_share

    @property
    def full_year(self) -> Decimal:
        return _sum(component.full_year for component in self.components)

    @property
    def chargeable_year(self) -> Decimal:
        return _sum(component.chargeable_year for component in self.components)

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
        return self.available_hours * self.device_count

    @property
    def delivered_device_hours(self) -> Decimal:
        return self.delivered_hours * self.device_count


@dataclass(frozen=True)
class Price:
    """A tariff and where it comes from: chargeable cost + carried + what the owner adds."""

    price: Decimal
    carried: Decimal
    owner_adjustment: Decimal


def cost_of(declared: Declared, *, device_count: int, year_from: date) -> Cost:
    """The cost of the twelve months from `year_from`, component by component."""
    with localcontext(EXACT):
        available = HOURS_A_YEAR * declared.available_share
        direct = _direct(declared, available, year_from)
        return Cost(
            components=(*direct, _overhead(declared, direct)),
            device_count=device_count,
            available_hours=available,
            used_share=declared.used_share,
        )


def straight_line(*, price: Decimal, residual: Decimal, years: Decimal) -> Decimal:
    """Depreciation of one year, straight line with a residual value."""
    with localcontext(EXACT):
        return (price - residual) / years


def share_of_year(year_from: date, *, since: date, until: date | None) -> Decimal:
    """The share of the days of the year from `year_from` that lie in [since, until)."""
    year_until = _years_later(year_from, 1)
    last = min(year_until, until) if until else year_until
    days = (last - max(year_from, since)).days
    with localcontext(EXACT):
        return max(ZERO, Decimal(days)) / (year_until - year_from).days


def energy(declared: Declared, *, available: Decimal) -> Decimal:
    """kWh a year at the machine: active in the delivered hours, idle in the other available ones."""
    delivered = available * declared.used_share
    return declared.active_kilowatts * delivered + declared.idle_kilowatts * (available - delivered)


def electricity_cost(
    *, kilowatt_hours: Sequence[Decimal], pue: Decimal, prices: Sequence[Decimal]
) -> Decimal:
    """The sum over hours of energy x PUE x price, in kWh and EUR per kWh. A price may be negative."""
    with localcontext(EXACT):
        return _sum(used * pue * price for used, price in zip(kilowatt_hours, prices, strict=True))


def unit_cost(cost: Decimal, *, units: Decimal, used_share: Decimal = ONE) -> Decimal:
    """The cost of one delivered unit when `used_share` of `units` is delivered."""
    with localcontext(EXACT):
        return cost / (units * used_share)


def price_of(*, cost: Cost, over_recovered: Decimal = ZERO, owner_adjustment: Decimal = ZERO) -> Price:
    """The price of a device-hour: (chargeable cost - what was over-recovered) / delivered hours.

    A deficit is a negative over-recovery (2 CFR 200.468(d): rates "must consider any over or
    under-applied costs of the previous period(s)"). The price is rounded once; `carried` takes
    the rounding, so that published chargeable cost + carried + adjustment is the price exactly.
    """
    before = rounded(cost.chargeable_delivered)
    with localcontext(EXACT):
        due = cost.chargeable_year - over_recovered
    after = rounded(unit_cost(due, units=cost.available_device_hours, used_share=cost.used_share))
    return Price(price=after + owner_adjustment, carried=after - before, owner_adjustment=owner_adjustment)


def markup(price: Decimal, cost: Decimal) -> Decimal | None:
    """What is asked on top of the cost, as a share of the cost; None for a cost of nothing."""
    with localcontext(EXACT):
        return (price - cost) / cost if cost else None


def margin(price: Decimal, cost: Decimal) -> Decimal | None:
    """What is asked on top of the cost, as a share of the price; None for a price of nothing."""
    with localcontext(EXACT):
        return (price - cost) / price if price else None


def rounded(amount: Decimal) -> Decimal:
    """To the published grain, half to even."""
    return amount.quantize(MICRO, rounding=ROUND_HALF_EVEN)


def split(total: Decimal, bases: Sequence[Decimal], *, grain: Decimal = MICRO) -> list[Decimal]:
    """`total` divided in proportion to `bases`, in whole grains that add up to it exactly.

    What rounding leaves goes to the largest remainders. Used for the lines of a waterfall and for
    devices of different worth (OpenCost specification, appendix A: a node of 35 with bases
    30, 30 and 10 is split 15, 15 and 5).
    """
    with localcontext(EXACT):
        whole = _sum(bases)
        if not whole:
            raise ValueError("nothing to split by")
        wanted = [total * base / whole for base in bases]
        parts = [amount.quantize(grain, rounding=ROUND_FLOOR) for amount in wanted]
        missing = int((total - _sum(parts)) / grain)
        by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - wanted[i], i))
        for index in by_remainder[:missing]:
            parts[index] += grain
        return parts


def _direct(declared: Declared, available: Decimal, year_from: date) -> tuple[Component, ...]:
    purchase = declared.purchase_price
    worn = _worn_out_on(declared)
    depreciation = straight_line(
        price=purchase, residual=declared.residual_value, years=declared.life_years
    ) * share_of_year(year_from, since=declared.purchased_on, until=worn)
    kilowatt_hours = energy(declared, available=available)
    electricity = electricity_cost(
        kilowatt_hours=[kilowatt_hours], pue=declared.pue, prices=[declared.electricity_price]
    )
    under_contract = share_of_year(year_from, since=declared.warranty_until or year_from, until=None)
    maintenance = declared.maintenance_share * purchase * under_contract
    staff = declared.staff_posts * declared.staff_post_year
    insurance = declared.insurance_share * purchase
    yearly = [
        _same(Kind.ELECTRICITY, electricity, kilowatt_hours=kilowatt_hours, pue=declared.pue,
              price=declared.electricity_price),
        _same(Kind.HOSTING, declared.hosting_year),
        _same(Kind.MAINTENANCE, maintenance, share=declared.maintenance_share, of=purchase),
        _same(Kind.NETWORK, declared.network_year),
        _same(Kind.LICENCES, declared.licences_year),
        _same(Kind.STAFF, staff, posts=declared.staff_posts, post_year=declared.staff_post_year),
        _same(Kind.INSURANCE, insurance, share=declared.insurance_share, of=purchase),
        _same(Kind.FINANCING, declared.financing_year),
    ]  # fmt: skip
    return (
        Component(
            Kind.PURCHASE,
            depreciation,
            depreciation * (ONE - declared.granted_share),
            _detail(price=purchase, residual=declared.residual_value, years=declared.life_years,
                    granted=declared.granted) | {"worn_out_on": worn.isoformat()},
        ),
        *yearly,
    )  # fmt: skip


def _overhead(declared: Declared, direct: Sequence[Component]) -> Component:
    return Component(
        Kind.OVERHEAD,
        declared.overhead_share * _sum(component.full_year for component in direct),
        declared.overhead_share * _sum(component.chargeable_year for component in direct),
        _detail(share=declared.overhead_share),
    )


def _same(kind: Kind, amount: Decimal, **numbers: Decimal) -> Component:
    """A component no public grant paid for: it is chargeable in full."""
    return Component(kind, amount, amount, _detail(**numbers))


def _detail(**numbers: Decimal) -> dict[str, str]:
    return {name: plain(number) for name, number in numbers.items()}


def _worn_out_on(declared: Declared) -> date:
    """The day the life ends. A fraction of a year counts in days of a 365-day year."""
    whole = int(declared.life_years)
    rest = int((declared.life_years - whole) * 365)
    return date.fromordinal(_years_later(declared.purchased_on, whole).toordinal() + rest)


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return date(day.year + years, 3, 1)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    with localcontext(EXACT):
        return sum(amounts, ZERO)
