"""The public-interest floor by device model and by node: promised, demanded, delivered, lent to others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from fractions import Fraction

from reservations.domain.fairness import Span, demanded
from reservations.domain.policy import Policy
from reservations.domain.weekly.facts import Facts, RefusedPart, Stock, Use
from reservations.domain.weekly.line import MODEL, NODE, Line
from reservations.domain.weekly.telling import told

_NOTHING = Fraction(0)
_ONE = Fraction(1)
Key = Callable[[Use | RefusedPart | Stock], str]
Spans = dict[tuple[int, str], list[Span]]  # by project and cell: devices


def cells(facts: Facts, rules: Policy) -> Iterator[Line]:
    """Nothing where the policy keeps no floor."""
    if rules.floor_share is None:
        return
    kept_for = {
        project for project, known in facts.projects.items() if rules.is_public_interest(known.project_class)
    }
    for of, key, name in ((MODEL, _model, _model_name), (NODE, _node, _node_name)):
        stock_of: dict[str, list[Stock]] = defaultdict(list)
        for stock in facts.stock:
            stock_of[key(stock)].append(stock)
        yield from _cells(facts, of, stock_of, key, name, kept_for, rules.floor_share, by_purchase=of == NODE)


def _cells(
    facts: Facts,
    of: str,
    stock_of: Mapping[str, list[Stock]],
    key: Key,
    name: Callable[[Stock], str],
    kept_for: set[int],
    share: Fraction,
    *,
    by_purchase: bool,
) -> Iterator[Line]:
    """What could be booked and was promised of each; what was had and wanted, told by the rule for groups.

    Public interest and all others are two sums of different projects, each told or not by itself.
    """
    had, refused = _had(facts, key), _refused(facts, key)
    theirs, others, wanted = _by_cell(stock_of), _by_cell(stock_of), _by_cell(stock_of)
    for project, cell in {*had, *refused}:
        hours = sum((span.hours for span in had.get((project, cell), ())), _NOTHING)
        if project in kept_for:
            theirs[cell][project] = hours
            wanted[cell][project] = demanded(had.get((project, cell), ()), refused.get((project, cell), ()))
        elif hours:
            others[cell][project] = hours
    of_theirs, of_others = told(facts, theirs), told(facts, others)
    delivered, lent_from, demand = _sums(theirs), _sums(others), _sums(wanted)
    for cell, stock in stock_of.items():
        bookable = sum((Fraction(one.bookable_seconds) for one in stock), _NOTHING) / 3600
        part = max(share, *(Fraction(one.funded) for one in stock)) if by_purchase else share
        if bookable or theirs[cell] or others[cell]:
            yield Line(
                of, cell, name(stock[0]),
                {"bookable": bookable, "promised": part * bookable,
                 "demanded": of_theirs.of(cell, demand[cell]),
                 "delivered": of_theirs.of(cell, delivered[cell]),
                 "others": of_others.of(cell, lent_from[cell])},
            )  # fmt: skip
    if of_theirs.together or of_others.together:
        yield Line(
            of, "", "",
            {"demanded": of_theirs.pool(demand), "delivered": of_theirs.pool(delivered),
             "others": of_others.pool(lent_from)},
        )  # fmt: skip


def _by_cell(stock_of: Mapping[str, list[Stock]]) -> dict[str, dict[int, Fraction]]:
    return {cell: {} for cell in stock_of}


def _sums(hours: Mapping[str, Mapping[int, Fraction]]) -> dict[str, Fraction]:
    return {cell: sum(its.values(), _NOTHING) for cell, its in hours.items()}


def _had(facts: Facts, key: Key) -> Spans:
    found: Spans = defaultdict(list)
    for use in facts.use:
        found[use.project, key(use)].append(Span(use.start, use.end, _ONE))
    return found


def _refused(facts: Facts, key: Key) -> Spans:
    """Where others were in the way alone: the floor refuses public interest nothing, and what its own limits
    refuse it is no broken promise. One request may ask for devices of a model on several nodes, and for
    several models of a node.
    """
    amounts: dict[tuple[int, str, int, datetime, datetime], Fraction] = defaultdict(Fraction)
    for part in facts.refused:
        if part.was_taken:
            amounts[part.project, key(part), part.decision, part.start, part.end] += part.devices
    found: Spans = defaultdict(list)
    for (project, cell, _, start, end), amount in amounts.items():
        found[project, cell].append(Span(start, end, amount))
    return found


def _model(one: Use | RefusedPart | Stock) -> str:
    return one.model


def _model_name(stock: Stock) -> str:
    return stock.model_name


def _node(one: Use | RefusedPart | Stock) -> str:
    return one.node


def _node_name(stock: Stock) -> str:
    return stock.node_name
