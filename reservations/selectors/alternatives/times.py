"""Which other times are tried: the nearest, and those at which a rule begins to count otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from common.holidays import holidays_within
from reservations.domain import calendar
from reservations.domain.asking import Candidate
from reservations.domain.rules import Case
from reservations.domain.slots import Slot, Week, mark_after, mark_before
from reservations.domain.together import Pool, Starts, starts
from reservations.selectors.alternatives.groups import MOST_DEVICES, Group

_READING = timedelta(minutes=5)
_TIMES = 8  # earlier, and as many later


def soonest(case: Case) -> datetime:
    """The first other start that is offered: who reads of it needs a moment before they press."""
    return mark_after(case.request.at + _READING, case.policy.mark)


def other_times(case: Case, asked: Sequence[Group], pools: Sequence[Pool]) -> Iterator[Candidate]:
    slot, policy = case.request.slot, case.policy
    possible = starts(pools, length=slot.length, mark=policy.mark)
    for kind, moments in (
        ("earlier", _earlier(case, asked, possible)),
        ("later", _later(case, asked, possible)),
    ):
        for start in moments:
            its = Slot(start, start + slot.length)
            devices = tuple(uid for pool in pools for uid in pool.free_in(its)[: pool.wanted])
            yield Candidate(kind, devices, its.start, its.end)


def _earlier(case: Case, asked: Sequence[Group], possible: Starts) -> list[datetime]:
    """The latest ones first: right before, and where a rule looks at other hours than those asked for."""
    slot, mark = case.request.slot, case.policy.mark
    begins = (slot.start - mark, *(edge - part for edge in _edges(case, asked) for part in _parts(slot)))
    found = {possible.before(moment) for moment in begins if moment < slot.start}
    kept = [start for start in found if start is not None and start >= soonest(case)]
    return sorted(kept, reverse=True)[: _times(case)]


def _later(case: Case, asked: Sequence[Group], possible: Starts) -> list[datetime]:
    slot, mark = case.request.slot, case.policy.mark
    begins = (slot.start + mark, *(edge - part for edge in _edges(case, asked) for part in _parts(slot)))
    found = {possible.after(moment) for moment in begins if moment > slot.start}
    kept = [start for start in found if start is not None and start >= soonest(case)]
    return sorted(kept)[: _times(case)]


def _times(case: Case) -> int:
    return max(2, min(_TIMES, MOST_DEVICES // len(case.request.devices)))


def _parts(slot: Slot) -> tuple[timedelta, timedelta]:
    """A slot that begins at an edge, and one that is over by it."""
    return timedelta(0), slot.length


def _edges(case: Case, asked: Sequence[Group]) -> list[datetime]:
    """Where a rule begins to count otherwise: within the exempt hours, in another week, band or month,
    while another grant is valid, by the end of the project."""
    at, policy = case.request.at, case.policy
    until = at + policy.horizon
    edges = {mark_before(at + policy.exempt, policy.mark)}
    if policy.floor_ahead_hours is not None:
        edges.add(mark_before(at + timedelta(hours=policy.floor_ahead_hours), policy.mark))
    week = Week.of(at)
    while (week := week.next).start < until:
        edges.add(week.start)
    edges |= {edge for grant in case.snapshot.grants for edge in (grant.start, grant.end) if edge}
    if policy.peak is not None:
        for zone, country in {(group.zone, group.country) for group in asked}:
            edges |= _bands(policy.peak, Slot(at, until), zone, country)
    project = case.snapshot.project
    if project is not None and project.expires_at is not None:
        edges.add(mark_before(project.expires_at, policy.mark))
    first = (at.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=32)).replace(day=1)
    edges.add(first)  # members' caps are counted by the month
    return [edge for edge in edges if at < edge < until]


def _bands(peak: calendar.Calendar, whole: Slot, zone: str, country: str) -> set[datetime]:
    there = ZoneInfo(zone)
    holidays = holidays_within(country, there, whole.start, whole.end)
    pieces = calendar.cut(peak, whole, there, holidays)
    return {
        one.start
        for (one, kind), (_before, other) in zip(pieces[1:], pieces[:-1], strict=True)
        if kind != other
    }
