"""Whose devices the hours were on, how long new projects waited for a first slot, who heard no and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from fractions import Fraction

from reservations.domain.fairness import FEWEST, Span, quantile_with_waiting
from reservations.domain.weekly.facts import Facts, Use
from reservations.domain.weekly.line import COUNTRY, FIRST, OWNER, RULE, Line
from reservations.domain.weekly.telling import told

_NOTHING = Fraction(0)
_MEDIAN, _NINETIETH = Fraction(1, 2), Fraction(9, 10)


def counts(facts: Facts) -> Iterator[Line]:
    yield from _holders(facts)
    yield from _first_slots(facts)
    for code, number in facts.refusals.items():
        yield Line(RULE, code, numbers={"refused": number})


def _holders(facts: Facts) -> Iterator[Line]:
    owner = {stock.node: (stock.owner, stock.owner_name) for stock in facts.stock}
    country = {stock.node: (stock.country, "") for stock in facts.stock}
    for of, holder_of in ((OWNER, owner), (COUNTRY, country)):
        hours: dict[str, dict[int, Fraction]] = {key: {} for key, _name in holder_of.values()}
        for use in facts.use:
            its = hours[holder_of[use.node][0]]
            its[use.project] = its.get(use.project, _NOTHING) + _hours(use)
        found = told(facts, hours)
        sums = {key: sum(its.values(), _NOTHING) for key, its in hours.items()}
        for key, name in dict.fromkeys(holder_of.values()):
            if key not in found.together and sums[key]:
                yield Line(of, key, name, {"delivered": sums[key]})
        if found.together:
            yield Line(of, "", "", {"delivered": found.pool(sums)})


def _hours(use: Use) -> Fraction:
    return Span(use.start, use.end, Fraction(use.weight)).hours


def _first_slots(facts: Facts) -> Iterator[Line]:
    """Of all new projects under the empty key, and by class."""
    waits: Mapping[str, list[Fraction | None]] = defaultdict(list)
    for project, hours in facts.first.items():
        for key in ("", facts.projects[project].project_class):
            waits[key].append(None if hours is None else Fraction(hours))
    for key, those in waits.items():
        known = [wait for wait in those if wait is not None]
        waiting = len(those) - len(known)
        is_told = len(those) >= FEWEST
        yield Line(
            FIRST, key,
            amounts={
                "median_hours": quantile_with_waiting(known, waiting, _MEDIAN) if is_told else None,
                "ninetieth_hours": quantile_with_waiting(known, waiting, _NINETIETH) if is_told else None,
            },
            numbers={"projects": len(known), "waiting": waiting},
        )  # fmt: skip
