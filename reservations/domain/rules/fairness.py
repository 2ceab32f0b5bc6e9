"""What one project may hold of everything, and of a device model in a week."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from reservations.domain import room, slots
from reservations.domain.asking import ModelStock, NoShows
from reservations.domain.exact_json import Json, moment
from reservations.domain.rules.case import IDLE, Case, Rule, compared, exempt, shown
from reservations.domain.slots import Slot


def room_left(case: Case) -> Rule:
    """Held and wanted cost-weighted hours later than the exempt ones stay under the project's room.

    While whoever asks is sanctioned for not having come, no hours are exempt.
    """
    sanction = sanction_of(case)
    late = case.part_after(case.request.at) if sanction else case.late_slot
    if late is None or not case.snapshot.is_priced:
        return Rule("room", IDLE, facts=exempt(case))
    standing, policy = case.snapshot.standing, case.policy
    held = standing.held + (sanction.near if sanction else 0)
    minimum = whole_node(case) * policy.least_node_hours
    its_room = room.room_of(standing, minimum=minimum, policy=policy, at=case.request.at)
    wanted = case.weight * late.hours
    actual = room.rounded_up(held + wanted)
    facts: dict[str, Json] = {
        "held": shown(held), "wanted": shown(wanted), "capacity": str(standing.capacity),
        "share": str(its_room.share), "factor": shown(its_room.factor), "usage": shown(its_room.usage),
        "entitled": shown(its_room.entitled), "minimum": shown(minimum),
        "exempt_hours": policy.exempt_hours,
    }  # fmt: skip
    if sanction and sanction.until:
        facts |= {"no_shows": sanction.count, "sanction_until": moment(sanction.until)}
    return compared("room", its_room.limit, actual, facts)


def sanction_of(case: Case) -> NoShows | None:
    """Who did not come too often has no hours that need no room, for some days."""
    found = case.snapshot.no_shows
    if case.policy.no_shows_most is None or found is None or found.until is None:
        return None
    return found if case.request.at < found.until else None


def whole_node(case: Case) -> Fraction:
    """The largest of the wanted nodes, in cost-weighted hours per hour."""
    sizes = {node.slug: node.devices for node in case.snapshot.nodes}
    return max(
        (
            Fraction(device.price.weight) * sizes[device.node]
            for device in case.snapshot.devices
            if device.price
        ),
        default=Fraction(0),
    )


def model_half(case: Case) -> Rule:
    """One project leaves others their part of a device model's hours in every week."""
    late = case.late_slot
    if late is None:
        return Rule("model_half", IDLE, facts=exempt(case))
    cells = [cell for stock in case.snapshot.models for cell in _model_weeks(case, stock, late)]
    # The rule's own numbers are those of the week in which least is left.
    tightest = max(cells, key=lambda cell: (cell.actual - cell.limit, cell.week))
    shown: list[Json] = [
        {"model": cell.model, "week": cell.week, "limit": str(cell.limit), "actual": str(cell.actual)}
        for cell in cells
    ]
    facts: dict[str, Json] = {"model": tightest.model, "week": tightest.week, "cells": shown}
    return compared("model_half", tightest.limit, tightest.actual, facts)


@dataclass(frozen=True)
class _Cell:
    model: str
    week: str
    limit: Decimal
    actual: Decimal


def _model_weeks(case: Case, stock: ModelStock, late: Slot) -> Iterator[_Cell]:
    wanted = sum(device.model == stock.key for device in case.snapshot.devices)
    for week in slots.weeks_of(late):
        limit = case.policy.model_share * stock.devices * week.slot.hours
        actual = stock.held_in(str(week)) + wanted * slots.hours_within(late, week.slot)
        yield _Cell(stock.name, str(week), room.rounded_down(limit), room.rounded_up(actual))
