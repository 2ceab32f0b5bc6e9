"""The policy for prices: its numbers, what is wrong with them, and a price judged by them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from pricing.domain.cost import Cost
from pricing.domain.exact import ONE, ZERO, plain
from pricing.domain.tariff import Cap, CapCheck, cap_of, check_cap

# A cap above the cost itself is a typing error: 10 for 10 %.
HIGHEST_CAP = ONE
LONGEST_WINDOW = 60  # months


@dataclass(frozen=True)
class Rules:
    """The numbers of a pricing policy, every one published."""

    private_cap: Decimal  # how far a private node's price may lie above its chargeable cost
    public_cap: Decimal  # the same of a node that a public body owns
    utilisation_floor: Decimal
    window_months: int

    def to_json(self) -> dict[str, str | int]:
        return {
            "private_cap": plain(self.private_cap),
            "public_cap": plain(self.public_cap),
            "utilisation_floor": plain(self.utilisation_floor),
            "window_months": self.window_months,
        }


@dataclass(frozen=True)
class Unsound:
    """Why a policy cannot be published. `code` chooses the sentence in pricing.wording."""

    code: str
    field: str
    limit: Decimal
    actual: Decimal


def lint(rules: Rules) -> list[Unsound]:
    """Every fault at once, in the order of the fields."""
    return list(_faults(rules))


def _faults(rules: Rules) -> Iterator[Unsound]:
    for field in ("private_cap", "public_cap"):
        cap: Decimal = getattr(rules, field)
        if not cap.is_finite() or cap < 0:
            yield Unsound("below_zero", field, ZERO, cap)
        elif cap > HIGHEST_CAP:
            yield Unsound("cap_too_high", field, HIGHEST_CAP, cap)
    if ZERO <= rules.private_cap < rules.public_cap <= HIGHEST_CAP:
        yield Unsound("public_above_private", "public_cap", rules.private_cap, rules.public_cap)
    floor = rules.utilisation_floor
    if not floor.is_finite() or not ZERO < floor <= ONE:
        yield Unsound("not_a_use", "utilisation_floor", ONE, floor)
    if not 1 <= rules.window_months <= LONGEST_WINDOW:
        yield Unsound("not_a_window", "window_months", Decimal(LONGEST_WINDOW), Decimal(rules.window_months))


def cap_under(rules: Rules | None, *, is_public: bool, cost: Cost, since: date) -> Cap:
    """The cap for a node. Without rules in force a price follows from its own cost and adds nothing."""
    if rules is None:
        return Cap(share=ZERO, utilisation_floor=cost.used_share, since=since)
    if is_public:
        return Cap(rules.public_cap, rules.utilisation_floor, since)
    return cap_of(
        is_public=False,
        private_share=rules.private_cap,
        utilisation_floor=rules.utilisation_floor,
        since=since,
    )


def judge(
    price: Decimal,
    *,
    cost: Cost,
    rules: Rules | None,
    is_public: bool,
    since: date,
    over_recovered: Decimal = ZERO,
) -> CapCheck:
    cap = cap_under(rules, is_public=is_public, cost=cost, since=since)
    return check_cap(price, cost=cost, cap=cap, over_recovered=over_recovered)
