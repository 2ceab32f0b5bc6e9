"""Who carried a cost: users, public money, the owner. And what a closed period leaves over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from pricing.domain.exact import EXACT, ZERO, less, split, total


@dataclass(frozen=True)
class Carriers:
    """The full cost of a period in EUR, by who carried it; the parts add up to it exactly."""

    user_payments: Decimal
    cash_subsidy: Decimal  # a funder's grants, paid as money
    in_kind_subsidy: Decimal  # what public money paid for before: granted assets, free hosting, staff
    owner_shortfall: Decimal
    owner_margin: Decimal  # the owner's gain, which comes off

    @property
    def full(self) -> Decimal:
        carried = (self.user_payments, self.cash_subsidy, self.in_kind_subsidy, self.owner_shortfall)
        return less(total(carried), self.owner_margin)

    @property
    def public(self) -> Decimal:
        return total((self.cash_subsidy, self.in_kind_subsidy))


@dataclass(frozen=True)
class GroupUse:
    """The hours of a group of users and what was paid for them. Every subsidy names whose it is."""

    group: str
    delivered_hours: Decimal
    user_payments: Decimal
    cash_subsidy: Decimal = ZERO
    funder: str = ""
    purpose: str = ""
    budget_line: str = ""

    def __post_init__(self) -> None:
        if self.cash_subsidy and not (self.funder and self.purpose and self.budget_line):
            raise ValueError("a subsidy has a funder, a purpose and a line of a budget")


@dataclass(frozen=True)
class PublicMoney:
    """Public money in the hours of one group, in EUR."""

    group: str
    delivered_hours: Decimal
    cash_subsidy: Decimal
    in_kind_subsidy: Decimal

    @property
    def per_hour(self) -> Decimal | None:
        """None where no hour was delivered."""
        with localcontext(EXACT):
            public = self.cash_subsidy + self.in_kind_subsidy
            return public / self.delivered_hours if self.delivered_hours else None


@dataclass(frozen=True)
class Close:
    """What a period charged against what it may recover, in EUR."""

    billed: Decimal  # what users were asked for
    cash_subsidy: Decimal
    # What nobody pays of hours sold below the tariff. It counts as recovered: else the others would
    # pay for it in the next tariff.
    unbilled: Decimal
    chargeable_cost: Decimal  # as it turned out

    @property
    def over_recovered(self) -> Decimal:
        """To be given back by the next tariff; negative: to be made up."""
        return less(total((self.billed, self.cash_subsidy, self.unbilled)), self.chargeable_cost)


def carriers(
    *,
    full: Decimal,
    chargeable: Decimal,
    public: Decimal,
    user_payments: Decimal,
    cash_subsidy: Decimal = ZERO,
) -> Carriers:
    """Full cost = user payments + cash subsidy + in-kind subsidy + owner's shortfall - owner's margin.

    `public` is the part of full - chargeable that public money carried; the rest of it is the owner's.
    """
    if not ZERO <= public <= less(full, chargeable):
        raise ValueError("public money carries no more than what is not charged")
    open_ = less(full, public, user_payments, cash_subsidy)
    return Carriers(
        user_payments=user_payments,
        cash_subsidy=cash_subsidy,
        in_kind_subsidy=public,
        owner_shortfall=max(open_, ZERO),
        owner_margin=max(open_.copy_negate(), ZERO),
    )


def by_group(uses: Sequence[GroupUse], *, in_kind_subsidy: Decimal) -> list[PublicMoney]:
    """Public money per group: its own cash subsidy, and the in-kind one by delivered hours."""
    hours = [use.delivered_hours for use in uses]
    shares = split(in_kind_subsidy, hours) if any(hours) else [ZERO] * len(uses)
    return [
        PublicMoney(use.group, use.delivered_hours, use.cash_subsidy, share)
        for use, share in zip(uses, shares, strict=True)
    ]


def billable_hours(uses: Iterable[GroupUse]) -> Decimal:
    """The hours a tariff is spread over: subsidised ones too, or the others would pay for them."""
    return total(use.delivered_hours for use in uses)
