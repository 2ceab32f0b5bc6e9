"""Half-open intervals of time: the earliest gap in what is taken, and what events leave of a hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

MARK = timedelta(minutes=15)  # bookings start and end on a 15-minute mark
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Interval:
    start: datetime  # included
    end: datetime  # excluded


def common(one: Interval, other: Interval) -> Interval | None:
    """The time that lies in both."""
    start, end = max(one.start, other.start), min(one.end, other.end)
    return Interval(start, end) if start < end else None


def without(one: Interval, taken: Interval) -> list[Interval]:
    """What of the first lies before and after the second."""
    before = Interval(one.start, min(one.end, taken.start))
    after = Interval(max(one.start, taken.end), one.end)
    return [part for part in (before, after) if part.start < part.end]


def next_mark(moment: datetime) -> datetime:
    """The 15-minute mark at or after `moment`. Every time zone in use keeps to quarters of an hour."""
    return moment + (_EPOCH - moment) % MARK


def earliest_gap(
    taken: Iterable[Interval], *, length: timedelta, after: datetime, until: datetime
) -> datetime | None:
    """The first mark from `after` on from which `length` is free and over by `until`."""
    start = next_mark(after)
    for interval in sorted(taken):
        if start + length <= interval.start:
            break
        start = max(start, next_mark(interval.end))
    return start if start + length <= until else None


def point_ranges(numbers: Iterable[int]) -> str:
    """`{[1,4),[7,8)}` for 1, 2, 3, 7: how PostgreSQL writes an int8multirange."""
    ranges: list[list[int]] = []
    for number in sorted(set(numbers)):
        if ranges and ranges[-1][1] == number:
            ranges[-1][1] = number + 1
        else:
            ranges.append([number, number + 1])
    return "{" + ",".join(f"[{first},{end})" for first, end in ranges) + "}"


@dataclass(frozen=True)
class HoldFact:
    """One row of a hold's history, or the hold itself as it stands."""

    uid: UUID
    device_id: int
    reference: str
    kind: str
    during: Interval


def rebuild_holds(events: Sequence[tuple[str, HoldFact]]) -> dict[UUID, HoldFact]:
    """The holds that a history leaves, oldest event first."""
    holds: dict[UUID, HoldFact] = {}
    for event, fact in events:
        if event == "granted":
            holds[fact.uid] = fact
        elif event in ("cancelled", "released", "withdrawn"):
            _give_back(holds, fact)
    return holds


def _give_back(holds: dict[UUID, HoldFact], fact: HoldFact) -> None:
    """Take the tail that was given back off a hold; a hold without time left is gone."""
    hold = holds.pop(fact.uid)
    end = min(hold.during.end, fact.during.start)
    if hold.during.start < end:
        holds[fact.uid] = HoldFact(
            hold.uid, hold.device_id, hold.reference, hold.kind, Interval(hold.during.start, end)
        )
