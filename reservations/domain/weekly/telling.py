"""Which sums of a week are told only together, since too few projects make them up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from reservations.domain.fairness import FEWEST, Group, pooled
from reservations.domain.weekly.facts import Facts

_NOTHING = Fraction(0)
Sums = Mapping[str, Mapping[int, Fraction]]  # hours by key and by project that has a part in them


@dataclass(frozen=True)
class Told:
    """The keys that are told together; whether even these are enough projects for their hours."""

    together: frozenset[str]
    is_enough: bool

    def of(self, key: str, amount: Fraction) -> Fraction | None:
        return None if key in self.together else amount

    def pool(self, amounts: Mapping[str, Fraction]) -> Fraction | None:
        """Of those together, where there are any and they are enough."""
        if not self.together or not self.is_enough:
            return None
        return sum((amounts[key] for key in self.together), _NOTHING)


def told(facts: Facts, sums: Sums) -> Told:
    groups = [
        Group(
            key, sum(its.values(), _NOTHING), frozenset(its),
            is_open=all(facts.projects[project].is_open for project in its),
        )
        for key, its in sums.items()
    ]  # fmt: skip
    together = pooled(groups)
    projects = {project for key in together for project in sums[key]}
    return Told(together, len(projects) >= FEWEST)
