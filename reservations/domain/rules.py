"""Every rule of the policy as one function: request and snapshot in, verdict with its numbers out.

What is shown decides: limits are rounded down and what is asked is rounded up, to the sixth
decimal, before they are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from pricing.domain.grants import Cover, Period, cover
from reservations.domain import room, slots
from reservations.domain.asking import ModelStock, Request, Snapshot
from reservations.domain.exact_json import Json, moment
from reservations.domain.policy import Policy
from reservations.domain.slots import Slot

PASS, REFUSE, IDLE = "pass", "refuse", "idle"


@dataclass(frozen=True)
class Rule:
    """One rule's answer. `facts` and `remedy` hold what its sentences need (reservations.wording)."""

    code: str
    verdict: str
    limit: str | None = None
    actual: str | None = None
    excess: str | None = None
    facts: dict[str, Json] = field(default_factory=dict)
    remedy: dict[str, Json] = field(default_factory=dict)

    @property
    def refuses(self) -> bool:
        return self.verdict == REFUSE


@dataclass(frozen=True)
class Case:
    """All that rules look at."""

    request: Request
    snapshot: Snapshot
    policy: Policy

    def ending(self, end: datetime) -> Case:
        """The same case with another end."""
        asked = self.request
        return Case(
            Request(asked.project, asked.devices, asked.start, end, asked.at), self.snapshot, self.policy
        )

    @property
    def hours(self) -> Fraction:
        return self.request.slot.hours

    @property
    def late_slot(self) -> Slot | None:
        """The part of the slot later than the exempt hours."""
        return self.part_after(self.request.at + self.policy.exempt)

    def part_after(self, moment: datetime) -> Slot | None:
        asked = self.request
        return Slot(max(asked.start, moment), asked.end) if asked.end > max(asked.start, moment) else None

    @property
    def weight(self) -> Fraction:
        """Cost-weighted hours per hour of the whole slot."""
        return sum((Fraction(price.weight) for price in self.snapshot.prices), Fraction(0))

    @property
    def price_per_hour(self) -> Decimal:
        return sum((price.to_pay for price in self.snapshot.prices), Decimal(0))


def grid(case: Case) -> Rule:
    """Starts now or on a mark, and ends on one."""
    asked, mark = case.request, case.policy.mark
    is_start_fine = asked.start == asked.at or slots.is_on_mark(asked.start, mark)
    facts: dict[str, Json] = {"start": is_start_fine, "end": slots.is_on_mark(asked.end, mark)}
    if all(facts.values()):
        return Rule("grid", PASS, limit=str(case.policy.mark_minutes), facts=facts)
    start = asked.start if is_start_fine else slots.nearest_mark(asked.start, mark)
    if start < asked.at:
        start = slots.mark_after(asked.at, mark)
    end = max(slots.nearest_mark(asked.end, mark), slots.mark_after(start + case.policy.shortest, mark))
    return Rule(
        "grid",
        REFUSE,
        limit=str(case.policy.mark_minutes),
        facts=facts,
        remedy={"start": moment(start), "end": moment(end)},
    )


def order(case: Case) -> Rule:
    """Ends after it starts."""
    if case.request.has_length:
        return Rule("order", PASS)
    end = slots.mark_after(case.request.start + case.policy.shortest, case.policy.mark)
    return Rule("order", REFUSE, remedy={"end": moment(end)})


def past(case: Case) -> Rule:
    """Does not start before it is asked for."""
    asked = case.request
    late = asked.at - asked.start
    if late <= timedelta(0):
        return Rule("past", PASS)
    return Rule(
        "past",
        REFUSE,
        actual=_hours(late),
        remedy={"start": moment(slots.mark_after(asked.at, case.policy.mark))},
    )


def length(case: Case) -> Rule:
    """Not shorter and not longer than the policy says."""
    if not case.request.has_length:
        return Rule("length", IDLE)
    policy, asked = case.policy, case.request.end - case.request.start
    if asked < policy.shortest:
        bound, limit = "shortest", policy.shortest
        end = slots.mark_after(case.request.start + limit, policy.mark)
    else:
        bound, limit = "longest", policy.longest
        end = slots.mark_before(case.request.start + limit, policy.mark)
    facts: dict[str, Json] = {"bound": bound, "shortest": _hours(policy.shortest)}
    if policy.shortest <= asked <= policy.longest:
        return Rule("length", PASS, limit=_hours(limit), actual=_hours(asked), facts=facts)
    return Rule(
        "length", REFUSE, limit=_hours(limit), actual=_hours(asked), excess=_hours(abs(asked - limit)),
        facts=facts, remedy={"end": moment(end)},
    )  # fmt: skip


def horizon(case: Case) -> Rule:
    """Over within the horizon."""
    asked, policy = case.request, case.policy
    latest = asked.at + policy.horizon
    beyond = asked.end - latest
    facts: dict[str, Json] = {"latest": moment(slots.mark_before(latest, policy.mark))}
    limit, actual = _days(policy.horizon), _days(asked.end - asked.at)
    if beyond <= timedelta(0):
        return Rule("horizon", PASS, limit=limit, actual=actual, facts=facts)
    return Rule(
        "horizon", REFUSE, limit=limit, actual=actual, excess=_days(beyond),
        facts=facts, remedy={"end": facts["latest"]},
    )  # fmt: skip


def project_standing(case: Case) -> Rule | None:
    """The project is not suspended, and not over before the slot is."""
    project, asked = case.snapshot.project, case.request
    if project is None:
        return None
    facts: dict[str, Json] = {"suspended": project.is_suspended}
    if project.is_suspended:
        return Rule("project_standing", REFUSE, facts=facts)
    if project.expires_at is None:
        return Rule("project_standing", PASS, facts=facts)
    limit, actual = moment(project.expires_at), moment(asked.end)
    if asked.end <= project.expires_at:
        return Rule("project_standing", PASS, limit=limit, actual=actual, facts=facts)
    over = _days(asked.end - project.expires_at)
    return Rule("project_standing", REFUSE, limit=limit, actual=actual, excess=over, facts=facts)


def free(case: Case) -> Rule:
    """Nobody else holds a wanted device in that time."""
    if not case.request.has_length:
        return Rule("free", IDLE)
    wanted, taken = len(case.request.devices), case.snapshot.taken
    missing = len({hold.device for hold in taken})
    if not taken:
        return Rule("free", PASS, limit=str(wanted), actual=str(wanted))
    holders: list[Json] = [
        {"device": hold.device, "holder": hold.holder, "kind": hold.kind,
         "start": moment(hold.start), "until": moment(hold.end)}
        for hold in taken
    ]  # fmt: skip
    next_free = case.snapshot.next_free
    return Rule(
        "free", REFUSE, limit=str(wanted), actual=str(wanted - missing), excess=str(missing),
        facts={"holders": holders, "until": moment(max(hold.end for hold in taken))},
        remedy={"next_free": moment(next_free)} if next_free else {},
    )  # fmt: skip


def price(case: Case) -> Rule:
    """No published cost and price, no booking."""
    wanted = len(case.request.devices)
    without = [device for device in case.snapshot.devices if device.price is None]
    if not without:
        return Rule("price", PASS, limit=str(wanted), actual=str(wanted))
    facts: dict[str, Json] = {
        "devices": [device.uid for device in without],
        "nodes": [*sorted({device.node for device in without})],
    }
    priced = wanted - len(without)
    return Rule("price", REFUSE, limit=str(wanted), actual=str(priced), excess=str(len(without)), facts=facts)


def room_left(case: Case) -> Rule:
    """Held and wanted cost-weighted hours later than the exempt ones stay under the project's room."""
    late = case.late_slot
    if late is None or not case.snapshot.is_priced:
        return Rule("room", IDLE, facts=_exempt(case))
    standing, policy = case.snapshot.standing, case.policy
    minimum = whole_node(case) * policy.least_node_hours
    its_room = room.room_of(standing, minimum=minimum, policy=policy, at=case.request.at)
    wanted = case.weight * late.hours
    actual = room.rounded_up(standing.held + wanted)
    facts: dict[str, Json] = {
        "held": _shown(standing.held), "wanted": _shown(wanted), "capacity": str(standing.capacity),
        "share": str(its_room.share), "factor": _shown(its_room.factor), "usage": _shown(its_room.usage),
        "entitled": _shown(its_room.entitled), "minimum": _shown(minimum),
        "exempt_hours": policy.exempt_hours,
    }  # fmt: skip
    return _compared("room", its_room.limit, actual, facts)


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
        return Rule("model_half", IDLE, facts=_exempt(case))
    cells = [cell for stock in case.snapshot.models for cell in _model_weeks(case, stock, late)]
    # The rule's own numbers are those of the week in which least is left.
    tightest = max(cells, key=lambda cell: (cell.actual - cell.limit, cell.week))
    shown: list[Json] = [
        {"model": cell.model, "week": cell.week, "limit": str(cell.limit), "actual": str(cell.actual)}
        for cell in cells
    ]
    facts: dict[str, Json] = {"model": tightest.model, "week": tightest.week, "cells": shown}
    return _compared("model_half", tightest.limit, tightest.actual, facts)


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


def member_cap(case: Case) -> Rule | None:
    """Device-hours of whoever asks, in slots that begin in the same month, stay under their cap."""
    cap = case.snapshot.member
    if cap is None:
        return None
    month = slots.month_of(case.request.start)
    facts: dict[str, Json] = {"month": month}
    if not case.request.has_length:
        return Rule("member_cap", IDLE, facts=facts)
    held, wanted = cap.held_in(month), case.hours * len(case.request.devices)
    facts |= {"held": _shown(held), "wanted": _shown(wanted)}
    return _compared("member_cap", cap.limit, room.rounded_up(held + wanted), facts)


def budget(case: Case) -> Rule:
    """The price fits in grants that are valid over the slot's hours."""
    if not case.request.has_length or not case.snapshot.is_priced:
        return Rule("budget", IDLE)
    paid = covered(case)
    facts: dict[str, Json] = {"grants": [grant.name for grant in case.snapshot.grants]}
    if paid.short_from:
        facts["short_from"] = moment(paid.short_from)
    if paid.short_hours and any(grant.hours_left is not None for grant in case.snapshot.grants):
        facts["short_hours"] = format(paid.short_hours, "f")
    if paid.short and case.snapshot.allowance:
        facts["allowance"] = case.snapshot.allowance
    return _compared("budget", paid.total - paid.short, paid.total, facts)


def covered(case: Case) -> Cover:
    """Which grants pay what."""
    return cover(
        [grant.funds for grant in case.snapshot.grants],
        hours=Period(case.request.start, case.request.end),
        price_per_hour=case.price_per_hour,
        devices=len(case.snapshot.devices),
    )


# None: the snapshot says nothing of it, so neither does the answer.
Asks = Callable[[Case], Rule | None]

ALL: tuple[Asks, ...] = (
    grid, order, past, length, horizon, project_standing, free, price, room_left, model_half, member_cap,
    budget,
)  # fmt: skip

# What a shorter slot makes easier, never harder.
EASED_BY_SHORTENING: tuple[Asks, ...] = (project_standing, room_left, model_half, member_cap, budget)


def refuses(rule: Asks, case: Case) -> bool:
    answer = rule(case)
    return answer is not None and answer.refuses


def _compared(code: str, limit: Decimal, actual: Decimal, facts: dict[str, Json]) -> Rule:
    excess = format(actual - limit, "f") if actual > limit else None
    verdict = REFUSE if excess else PASS
    return Rule(
        code, verdict, limit=format(limit, "f"), actual=format(actual, "f"), excess=excess, facts=facts
    )


def _exempt(case: Case) -> dict[str, Json]:
    return {"exempt_hours": case.policy.exempt_hours}


def _shown(number: Fraction) -> str:
    return format(room.rounded_up(number), "f")


def _hours(length: timedelta) -> str:
    return _shown(slots.hours(length))


def _days(length: timedelta) -> str:
    return _shown(slots.hours(length) / 24)
