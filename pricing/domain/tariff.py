"""What a price may be: held against what it costs, capped, and carrying what earlier periods left over."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext

from pricing.domain.cost import Cost, margin, markup, unit_cost
from pricing.domain.exact import EXACT, ONE, ZERO, rounded, total


@dataclass(frozen=True)
class Held:
    """A price against one cost of a device-hour. None: against nothing."""

    cost: Decimal
    markup: Decimal | None
    margin: Decimal | None


@dataclass(frozen=True)
class Comparison:
    """A price against what was delivered, and against hours that are always busy.

    The second pair shows what idle hours do to the price: a low use cannot hide a margin there.
    """

    full: Held
    chargeable: Held
    full_always_busy: Held
    chargeable_always_busy: Held


@dataclass(frozen=True)
class Cap:
    """How much a price may lie above its cost: a dated number of the policy."""

    share: Decimal  # 0 for a public node
    utilisation_floor: Decimal  # below it, an idle hour is the owner's
    since: date

    def __post_init__(self) -> None:
        if self.share < 0 or not ZERO < self.utilisation_floor <= ONE:
            raise ValueError("a cap is not below zero, and its floor lies above 0 and at most at 1")


@dataclass(frozen=True)
class CapCheck:
    """What the cap says of a price, EUR per device-hour."""

    price: Decimal
    reference: Decimal  # the chargeable cost at the floor's use, or at the node's where that is more
    limit: Decimal  # the highest price that would pass, whole millionths
    used_share: Decimal  # that the reference counts with
    cap: Cap

    @property
    def passes(self) -> bool:
        return self.price <= self.limit

    @property
    def excess(self) -> Decimal:
        with localcontext(EXACT):
            return max(self.price - self.limit, ZERO)

    @property
    def is_floored(self) -> bool:
        """The node is used less than the floor, which then counts."""
        return self.used_share == self.cap.utilisation_floor


@dataclass(frozen=True)
class Carried:
    """What a closed period recovered beyond its chargeable cost; negative: what it fell short."""

    period_until: date  # the day after its last
    over_recovered: Decimal  # EUR

    def recover_by(self, window_months: int) -> date:
        """A rate that takes it up must be in force before this day: so many months later, by the policy."""
        return months_later(self.period_until, window_months)


def compare(price: Decimal, cost: Cost) -> Comparison:
    return Comparison(
        full=held(price, cost.full_delivered),
        chargeable=held(price, cost.chargeable_delivered),
        full_always_busy=held(price, cost.full_available),
        chargeable_always_busy=held(price, cost.chargeable_available),
    )


def held(price: Decimal, cost: Decimal) -> Held:
    return Held(cost, markup(price, cost), margin(price, cost))


def cap_of(*, is_public: bool, private_share: Decimal, utilisation_floor: Decimal, since: date) -> Cap:
    """A public node recovers its cost and nothing more; a private one may add what the policy allows."""
    return Cap(ZERO if is_public else private_share, utilisation_floor, since)


def check_cap(price: Decimal, *, cost: Cost, cap: Cap, over_recovered: Decimal = ZERO) -> CapCheck:
    """Whether a price stays within cost x (1 + cap), an earlier period's balance passed on one to one.

    The cost per hour is taken at the floor of utilisation where the node is used less: otherwise an
    owner would earn more on each hour by leaving others idle.
    """
    used_share = max(cost.used_share, cap.utilisation_floor)
    units = cost.available_device_hours
    reference = unit_cost(cost.chargeable_year, units=units, used_share=used_share)
    with localcontext(EXACT):
        due = cost.chargeable_year * (ONE + cap.share) - over_recovered
    # Rounded as the price that follows from the cost is: at a cap of 0 it is the limit itself.
    limit = max(rounded(unit_cost(due, units=units, used_share=used_share)), ZERO)
    return CapCheck(price=price, reference=reference, limit=limit, used_share=used_share, cap=cap)


def review_by(effective_from: date, *, window_months: int) -> date:
    """The day by which a rate must be looked at again."""
    return months_later(effective_from, window_months)


def balance(carried: Iterable[Carried]) -> Decimal:
    """What all periods together recovered too much; negative: too little."""
    return total(one.over_recovered for one in carried)


def left_over(carried: Sequence[Carried], *, given_back: Decimal = ZERO) -> tuple[Carried, ...]:
    """What is still to be carried once rates gave back an amount (negative: made up a deficit).

    Oldest first: what was over-recovered pays for later deficits, and the other way round. The sum of
    what is left is always the balance less what was given back.
    """
    open_: list[Carried] = []
    for one in sorted(carried, key=lambda each: each.period_until):
        open_ = _taken(open_, one)
    if not given_back:
        return tuple(open_)
    last = max((one.period_until for one in carried), default=None)
    if last is None:
        raise ValueError("nothing was carried that could be given back")
    return tuple(_taken(open_, Carried(last, given_back.copy_negate())))


# "Rates must be adjusted at least biennially and must consider any over or under-applied costs of the
# previous period(s)": 2 CFR 200.468(b)(2), https://www.ecfr.gov/current/title-2/section-200.468
# How many months that are, a pricing policy says (`window_months`).
def overdue(carried: Sequence[Carried], *, on: date, window_months: int) -> tuple[Carried, ...]:
    """What no rate took up within the months that the policy gives."""
    return tuple(one for one in left_over(carried) if one.recover_by(window_months) <= on)


def months_later(day: date, months: int) -> date:
    """The same day so many months on, or the month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _taken(open_: list[Carried], new: Carried) -> list[Carried]:
    """The open amounts, the oldest of the other sign met by a new one, and what is left of that."""
    rest, amount = list(open_), new.over_recovered
    while rest and amount and (rest[0].over_recovered > 0) != (amount > 0):
        oldest = rest[0]
        with localcontext(EXACT):
            together = oldest.over_recovered + amount
        if (together > 0) == (oldest.over_recovered > 0) and together:
            rest[0] = Carried(oldest.period_until, together)
            return rest
        rest.pop(0)
        amount = together
    return [*rest, Carried(new.period_until, amount)] if amount else rest
