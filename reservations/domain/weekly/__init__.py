"""What a week came to: who was promised, wanted and got what, whether the floor was kept, who heard no."""

from __future__ import annotations

from collections.abc import Iterator

from reservations.domain.policy import Policy
from reservations.domain.weekly.counts import counts
from reservations.domain.weekly.facts import Facts
from reservations.domain.weekly.floor import cells
from reservations.domain.weekly.line import Line
from reservations.domain.weekly.shares import shares


def lines(facts: Facts, rules: Policy) -> Iterator[Line]:
    """All that /fairness/ publishes of a week, exactly."""
    yield from shares(facts)
    yield from cells(facts, rules)
    yield from counts(facts)
