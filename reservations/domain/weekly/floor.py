"""The public-interest floor by device model and by node: promised, demanded, delivered, lent to others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from fractions import Fraction

from reservations.domain.fairness import FloorWeek, Span, demanded
from reservations.domain.policy import Policy
from reservations.domain.weekly.facts import Facts, RefusedPart, Stock, Use
from reservations.domain.weekly.line import MODEL, NODE, Line

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
        weeks = _weeks(facts, stock_of, key, kept_for, rules.floor_share, by_purchase=of == NODE)
        for cell, week in weeks:
            if week.bookable or week.delivered or week.others:
                yield Line(of, cell, name(stock_of[cell][0]), _amounts(week))


def _weeks(
    facts: Facts,
    stock_of: dict[str, list[Stock]],
    key: Key,
    kept_for: set[int],
    share: Fraction,
    *,
    by_purchase: bool,
) -> Iterator[tuple[str, FloorWeek]]:
    had, refused = _had(facts, key), _refused(facts, key)
    everybody: dict[str, Fraction] = defaultdict(Fraction)
    theirs: dict[str, Fraction] = defaultdict(Fraction)
    for (project, cell), spans in had.items():
        hours = sum((span.hours for span in spans), _NOTHING)
        everybody[cell] += hours
        theirs[cell] += hours if project in kept_for else 0
    demand: dict[str, Fraction] = defaultdict(Fraction)
    for project, cell in {*had, *refused}:
        if project in kept_for:
            demand[cell] += demanded(had.get((project, cell), ()), refused.get((project, cell), ()))
    for cell, stock in stock_of.items():
        bookable = sum((Fraction(one.bookable_seconds) for one in stock), _NOTHING) / 3600
        part = max(share, *(Fraction(one.funded) for one in stock)) if by_purchase else share
        yield (
            cell,
            FloorWeek(bookable, part * bookable, demand[cell], theirs[cell], everybody[cell] - theirs[cell]),
        )


def _had(facts: Facts, key: Key) -> Spans:
    found: Spans = defaultdict(list)
    for use in facts.use:
        found[use.project, key(use)].append(Span(use.start, use.end, _ONE))
    return found


def _refused(facts: Facts, key: Key) -> Spans:
    """One request may ask for devices of a model on several nodes, and for several models of a node."""
    amounts: dict[tuple[int, str, int, datetime, datetime], Fraction] = defaultdict(Fraction)
    for part in facts.refused:
        amounts[part.project, key(part), part.decision, part.start, part.end] += part.devices
    found: Spans = defaultdict(list)
    for (project, cell, _, start, end), amount in amounts.items():
        found[project, cell].append(Span(start, end, amount))
    return found


def _amounts(week: FloorWeek) -> dict[str, Fraction | None]:
    return {
        "bookable": week.bookable, "promised": week.promised, "demanded": week.demanded,
        "delivered": week.delivered, "others": week.others,
    }  # fmt: skip


def _model(one: Use | RefusedPart | Stock) -> str:
    return one.model


def _model_name(stock: Stock) -> str:
    return stock.model_name


def _node(one: Use | RefusedPart | Stock) -> str:
    return one.node


def _node_name(stock: Stock) -> str:
    return stock.node_name
