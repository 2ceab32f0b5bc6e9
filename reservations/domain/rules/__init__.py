"""Every rule of the policy as one function: request and snapshot in, verdict with its numbers out.

What is shown decides: limits are rounded down and what is asked is rounded up, to the sixth
decimal, before they are compared.
"""

from __future__ import annotations

from reservations.domain.rules.budget import budget, covered
from reservations.domain.rules.case import IDLE, PASS, REFUSE, Asks, Case, Rule
from reservations.domain.rules.commerce import commerce
from reservations.domain.rules.counting import compared_within, counted, counted_after, counted_within
from reservations.domain.rules.devices import free, price
from reservations.domain.rules.fairness import model_half, room_left
from reservations.domain.rules.floor import banded, floor, kept_of
from reservations.domain.rules.membership import member_cap, project_standing
from reservations.domain.rules.timing import grid, horizon, length, order, past

__all__ = [
    "ALL",
    "EASED_BY_SHORTENING",
    "IDLE",
    "PASS",
    "REFUSE",
    "Asks",
    "Case",
    "Rule",
    "banded",
    "compared_within",
    "counted",
    "counted_after",
    "counted_within",
    "covered",
    "kept_of",
    "refuses",
]

ALL: tuple[Asks, ...] = (
    grid, order, past, length, horizon, project_standing, free, price, room_left, model_half, floor, commerce,
    member_cap, budget,
)  # fmt: skip

# What a shorter slot makes easier, never harder.
EASED_BY_SHORTENING: tuple[Asks, ...] = (
    project_standing, room_left, model_half, floor, commerce, member_cap, budget,
)  # fmt: skip


def refuses(rule: Asks, case: Case) -> bool:
    answer = rule(case)
    return answer is not None and answer.refuses
