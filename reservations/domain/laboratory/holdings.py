"""What the modelled site knows of each project while it decides: usage, bookings, and shared counters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from reservations.domain import decay, room, rules
from reservations.domain.asking import FloorCell, ModelStock, NodeSize, WeekHeld
from reservations.domain.calendar import Calendar
from reservations.domain.counted import FLOOR, MODEL, Cell, Counted
from reservations.domain.laboratory.placements import Cluster
from reservations.domain.laboratory.requests import HOUR, Ask, Group
from reservations.domain.laboratory.usage import SUM, moment
from reservations.domain.policy import Policy
from reservations.domain.room import Standing, Step
from reservations.domain.rules import Case
from reservations.domain.slots import Slot, Week, weeks_of

WEEK = 7 * 24 * HOUR
_MONDAY = 4 * 24 * HOUR  # 1970-01-05, the first one


@dataclass(frozen=True, slots=True)
class Booking:
    """A granted slot, in seconds, with the case it was granted on."""

    ask: Ask
    start: int
    end: int
    mask: int
    case: Case
    counted: tuple[Counted, ...]  # in the cells that all share


@dataclass
class _Project:
    stored: Decimal = Decimal(0)
    committed: int = 0  # millionths of cost-weighted seconds
    active_at: int | None = None


class _Held:
    """How many devices of a pool one project holds, by mark, and what that comes to by week.

    Only what is to come is asked for, so the mark that runs says what is held in the rest of it.
    """

    def __init__(self, mark: int, since: int) -> None:
        self._mark, self._first = mark, since // mark
        self._devices: list[int] = []
        self._by_week: defaultdict[int, int] = defaultdict(int)

    def add(self, devices: int, start: int, end: int) -> None:
        """`devices` below 0: less than before."""
        first, last = start // self._mark - self._first, end // self._mark - self._first
        self._devices += [0] * (last - len(self._devices))
        self._devices[first:last] = [held + devices for held in self._devices[first:last]]
        for week, seconds in _by_week(start - start % self._mark, end):
            self._by_week[week] += devices * seconds

    def after(self, late: int) -> Iterator[tuple[int, int]]:
        """Device-seconds later than a moment, by week."""
        week = (late - _MONDAY) // WEEK * WEEK + _MONDAY
        at, after = late // self._mark - self._first, (week + WEEK) // self._mark - self._first
        rest = sum(self._devices[at:after]) * self._mark
        if rest:
            yield week, rest - self._devices[at] * (late % self._mark)
        while after < len(self._devices):
            week += WEEK
            after += WEEK // self._mark
            if self._by_week[week]:
                yield week, self._by_week[week]


class Holdings:
    """Everything a snapshot says beside the request; what services and counters keep in the database."""

    def __init__(
        self, cluster: Cluster, groups: Mapping[str, Group], policy: Policy, zone: str, *, since: int
    ) -> None:
        self._cluster, self._groups, self._policy, self._zone = cluster, groups, policy, zone
        self._projects = {name: _Project() for name in groups}
        self._everybody = _Project()
        self._held = {
            (name, pool): _Held(policy.mark_minutes * 60, since)
            for name in groups
            for pool in cluster.devices
        }
        self._shares = sum(group.shares for group in groups.values())
        self._cells: defaultdict[Cell, Fraction] = defaultdict(Fraction)
        per_hour = sum(
            (number * cluster.weights[pool] for pool, number in cluster.devices.items()), Fraction(0)
        )
        self._millionths = {pool: int(weight * 1_000_000) for pool, weight in cluster.weights.items()}
        self._capacity_hours = policy.horizon_days * 24
        self._capacity = room.rounded_down(per_hour * self._capacity_hours)

    # --- what is read ---------------------------------------------------------------------------------
    def standing(self, name: str, now: int) -> Standing:
        project, everybody = self._projects[name], self._everybody
        active_since = now - self._policy.active_days * 24 * HOUR
        of_active = sum(
            self._groups[other].shares
            for other, state in self._projects.items()
            if other == name
            or state.committed
            or (state.active_at is not None and state.active_at >= active_since)
        )
        late = self._late(name, now)
        held = sum(
            self._millionths[pool] * seconds
            for pool in self._cluster.devices
            for _week, seconds in self._held[name, pool].after(late)
        )
        return Standing(
            path=(Step(name, self._groups[name].shares, self._shares, of_active),),
            stored=project.stored, committed=_hours(project.committed),
            stored_by_all=everybody.stored, committed_by_all=_hours(everybody.committed),
            capacity=self._capacity, capacity_hours=Decimal(self._capacity_hours),
            held=Fraction(held, 1_000_000 * HOUR),
        )  # fmt: skip

    def stock(self, name: str, pool: str, now: int) -> ModelStock:
        """What the project holds of a pool in each week, later than the exempt hours."""
        held = tuple(
            WeekHeld(_week_label(week), Fraction(seconds, HOUR))
            for week, seconds in self._held[name, pool].after(self._late(name, now))
        )
        return ModelStock(pool, pool, self._cluster.devices[pool], held)

    def cells(self, pool: str, slot: Slot) -> tuple[FloorCell, ...]:
        """The shared counters of the weeks that a slot touches."""
        peak = self._policy.peak
        if peak is None:
            return ()
        return tuple(
            FloorCell(
                MODEL, pool, pool, str(week), band, hours * self._cluster.devices[pool],
                self._cells[Cell(FLOOR, MODEL, pool, str(week), band)],
            )
            for week in weeks_of(slot)
            for band, hours in _bands(peak, week, self._zone)
        )  # fmt: skip

    # --- what is written ------------------------------------------------------------------------------
    def book(self, booking: Booking) -> None:
        self._commit(booking, 1)
        for counted in booking.counted:
            self._cells[counted.cell] += counted.hours

    def cancel(self, booking: Booking) -> None:
        """Before it begins: as if it had never been."""
        self._commit(booking, -1)
        for counted in booking.counted:
            self._cells[counted.cell] -= counted.hours

    def release(self, booking: Booking, now: int) -> None:
        """The slot is over, or the rest of it is given back: what was kept counts as usage."""
        weight = room.rounded_up(self._cluster.weights[booking.ask.pool]) * booking.ask.devices
        used = decay.counted(weight, moment(booking.start), moment(now), self._policy.half_life)
        own = self._projects[booking.ask.project]
        for project in (own, self._everybody):
            project.stored = SUM.add(project.stored, used)
        own.active_at = now
        self._commit(booking, -1, since=now)
        if booking.counted and now < booking.end:
            rest = Slot(moment(now), moment(booking.end))
            for cell, hours in rules.counted_within(booking.case, rest).items():
                self._cells[cell] -= hours

    def _commit(self, booking: Booking, sign: int, since: int = 0) -> None:
        ask = booking.ask
        weighed = self._millionths[ask.pool] * ask.devices * (booking.end - booking.start)
        for project in (self._projects[ask.project], self._everybody):
            project.committed += sign * weighed
        start = max(booking.start, since)
        if start < booking.end:
            self._held[ask.project, ask.pool].add(sign * ask.devices, start, booking.end)

    def _late(self, name: str, now: int) -> int:
        """From when on hours need room."""
        return now + self._policy.for_class(self._groups[name].project_class).exempt_hours * HOUR


def _hours(weighed: int) -> Decimal:
    return room.rounded_up(Fraction(weighed, 1_000_000 * HOUR))


def _by_week(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Weeks, by the second they begin at, with the seconds of the span in each."""
    while start < end:
        week = (start - _MONDAY) // WEEK * WEEK + _MONDAY
        until = min(end, week + WEEK)
        yield week, until - start
        start = until


@lru_cache(maxsize=4096)
def _week_label(start: int) -> str:
    return str(Week.of(moment(start)))


@lru_cache(maxsize=1024)
def _bands(peak: Calendar, week: Week, zone: str) -> tuple[tuple[str, Fraction], ...]:
    """The peak and off-peak hours of a week at the modelled site, which has no holidays."""
    found = rules.banded(peak, week.slot, NodeSize("", 1, zone))
    return tuple((band, hours) for (_week, band), hours in found.items())
