"""How a refused slot could be on the same devices: how short, and the nearest slot that passes every rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from reservations.domain import rules, slots
from reservations.domain.decision import Alternative
from reservations.domain.policy import Policy
from reservations.domain.rules import Asks, Case


def longest_end(case: Case, wanted: tuple[Asks, ...]) -> datetime | None:
    """The latest mark up to the asked end with which none of these rules refuses: a binary search,
    since each of them only eases as the slot gets shorter."""
    policy = case.policy
    earliest = slots.mark_after(case.request.start + policy.shortest, policy.mark)
    latest = slots.mark_before(case.request.end, policy.mark)
    fits, fails = -1, (latest - earliest) // policy.mark + 1
    while fails - fits > 1:
        middle = (fits + fails) // 2
        shorter = case.ending(earliest + middle * policy.mark)
        if any(rules.refuses(rule, shorter) for rule in wanted):
            fails = middle
        else:
            fits = middle
    return earliest + fits * policy.mark if fits >= 0 else None


def nearest(case: Case, refused: set[str], eased_by_shortening: tuple[Asks, ...]) -> Alternative | None:
    """The same devices, as soon and for as long as every rule allows."""
    if not case.snapshot.is_priced:
        return None
    start = _nearest_start(case, refused)
    if start is None:
        return None
    request, policy = case.request, case.policy
    asked = max(request.end - request.start, policy.shortest) if request.has_length else policy.shortest
    latest = slots.mark_before(request.at + policy.horizon, policy.mark)
    end = min(_end_on_mark(start, min(asked, policy.longest), policy), latest)
    # `free` speaks of the asked slot; the start found above is free as far as it is known.
    moved = Case(replace(request, start=start, end=end), replace(case.snapshot, taken=()), policy)
    fitting = longest_end(moved, eased_by_shortening)
    if fitting is None:
        return None
    shorter = moved.ending(fitting)
    return Alternative(start, fitting, rules.covered(shorter).total)


def _nearest_start(case: Case, refused: set[str]) -> datetime | None:
    request, policy = case.request, case.policy
    if "free" in refused:
        return case.snapshot.next_free
    if not refused & {"grid", "past"}:
        return request.start
    if request.start == request.at or (
        slots.is_on_mark(request.start, policy.mark) and "past" not in refused
    ):
        return request.start
    nearest = slots.nearest_mark(request.start, policy.mark)
    return nearest if nearest >= request.at else slots.mark_after(request.at, policy.mark)


def _end_on_mark(start: datetime, length: timedelta, policy: Policy) -> datetime:
    """The mark nearest to the wanted length, within the policy's bounds."""
    end = slots.nearest_mark(start + length, policy.mark)
    if end - start > policy.longest:
        end -= policy.mark
    return max(end, slots.mark_after(start + policy.shortest, policy.mark))
