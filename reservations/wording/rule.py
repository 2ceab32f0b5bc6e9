"""One rule in words: its code and numbers in, name, sentence, figures and remedy out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from reservations.domain.rules import PASS, Rule
from reservations.wording import budgets, exceptions, shared, shares, slots
from reservations.wording.told import ExceptionWords, RuleWords

_WORDS: dict[str, Callable[[Rule], RuleWords]] = {
    "grid": slots.grid, "order": slots.order, "past": slots.past, "length": slots.length_of,
    "horizon": slots.horizon, "free": slots.free, "price": slots.price, "room": shares.room,
    "model_half": shares.model_half, "project_standing": shares.project_standing,
    "floor": shared.floor, "commerce": shared.commerce, "member_cap": shares.member_cap,
    "budget": budgets.budget,
}  # fmt: skip


def words(rule: Rule, grants_left: Decimal | None = None) -> RuleWords:
    """One rule in words. `grants_left`: what the grants valid in the slot's hours have left."""
    if rule.code == "budget" and grants_left is not None and rule.verdict == PASS:
        return budgets.budget_kept(rule, grants_left)
    said = _WORDS[rule.code](rule)
    return replace(said, exceptions=tuple(_exceptions(rule))) if "exceptions" in rule.facts else said


def _exceptions(rule: Rule) -> Iterator[ExceptionWords]:
    facts: Any = rule.facts["exceptions"]
    for fact in facts:
        yield ExceptionWords(exceptions.told_by_rule(fact), exceptions.exception_url(fact["exception"]))
