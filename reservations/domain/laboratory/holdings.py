"""What the modelled site knows of each project while it decides: usage, bookings, and shared counters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from reservations.domain import decay, room, rules
from reservations.domain.asking import FloorCell, ModelStock, NodeSize, WeekHeld
from reservations.domain.calendar import Calendar
from reservations.domain.counted import FLOOR, MODEL, Cell
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


@dataclass
class _Project:
    stored: Decimal = Decimal(0)
    committed: int = 0  # device-seconds times weight
    active_at: int | None = None
    live: dict[int, Booking] = field(default_factory=dict)


class Holdings:
    """Everything a snapshot says beside the request; what services and counters keep in the database."""

    def __init__(self, cluster: Cluster, groups: Mapping[str, Group], policy: Policy, zone: str) -> None:
        self._cluster, self._groups, self._policy, self._zone = cluster, groups, policy, zone
        self._projects = {name: _Project() for name in groups}
        self._everybody = _Project()
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
        late = now + self._policy.for_class(self._groups[name].project_class).exempt_hours * HOUR
        held = sum(
            self._weighed(booking.ask, booking.end - max(booking.start, late))
            for booking in project.live.values()
            if booking.end > late
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
        late = now + self._policy.for_class(self._groups[name].project_class).exempt_hours * HOUR
        weekly: defaultdict[int, int] = defaultdict(int)
        for booking in self._projects[name].live.values():
            if booking.ask.pool == pool and booking.end > late:
                for week, seconds in _by_week(max(booking.start, late), booking.end):
                    weekly[week] += booking.ask.devices * seconds
        held = tuple(
            WeekHeld(_week_label(week), Fraction(seconds, HOUR)) for week, seconds in sorted(weekly.items())
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
        weighed = self._weighed(booking.ask, booking.end - booking.start)
        for project in (self._projects[booking.ask.project], self._everybody):
            project.committed += weighed
        self._projects[booking.ask.project].live[booking.ask.number] = booking
        for counted in rules.counted(booking.case):
            self._cells[counted.cell] += counted.hours

    def release(self, booking: Booking, now: int) -> None:
        """The slot is over, or the rest of it is given back: what was kept counts as usage."""
        weight = room.rounded_up(self._cluster.weights[booking.ask.pool]) * booking.ask.devices
        used = decay.counted(weight, moment(booking.start), moment(now), self._policy.half_life)
        weighed = self._weighed(booking.ask, booking.end - booking.start)
        own = self._projects[booking.ask.project]
        for project in (own, self._everybody):
            project.stored = SUM.add(project.stored, used)
            project.committed -= weighed
        own.active_at = now
        del own.live[booking.ask.number]
        for cell, hours in rules.counted_after(booking.case, moment(now)).items():
            self._cells[cell] -= hours

    def _weighed(self, ask: Ask, seconds: int) -> int:
        """Millionths of cost-weighted seconds: whole, so that what is taken off again leaves nothing."""
        return self._millionths[ask.pool] * ask.devices * seconds


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
