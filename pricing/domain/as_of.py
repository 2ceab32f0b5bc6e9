"""What was published and in force at a moment, as the figure stood then.

A question "as of T" knows only what was published by T. Rows that were published later, even for a time
that was past, do not answer; corrections, withdrawals and ends that came later are not known yet. Nothing
published can be ended in the past, so a row that answered at T holds for T in the database ever after:
`answering` needs no history of changes. What does change is the end of a row; `known` says the one that was
known at T.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from itertools import pairwise

_WRITTEN = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})(?:[T ](?P<time>\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)"
    r"(?P<zone>Z|[+\- ]\d{2}:?\d{2})?)?",
    re.ASCII | re.IGNORECASE,
)
# Before it nobody published anything; years further back cannot be told in every zone.
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)


class Unreadable(StrEnum):
    """Why a moment that was asked for says nothing."""

    NONSENSE = "nonsense"
    NO_ZONE = "no_zone"
    FUTURE = "future"


class AsOfUnreadable(ValueError):
    """The text is no moment of the past."""

    def __init__(self, why: Unreadable) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(frozen=True)
class Cut:
    """An end that was set after a row was published."""

    said_at: datetime
    ends: datetime


@dataclass(frozen=True)
class Row:
    """A published row as the rule sees it; half-open in time. No two of them hold at one moment."""

    key: int
    published_at: datetime
    begins: datetime
    ends: datetime | None  # as it is known now; None: until further notice
    first_ends: datetime | None = None  # as it was published
    cuts: tuple[Cut, ...] = ()  # by somebody who ended it, rather than by the row that follows
    called_off_at: datetime | None = None  # before it began: it held at no time, and `ends` is `begins`

    def is_called_off(self, at: datetime) -> bool:
        return self.called_off_at is not None and self.called_off_at <= at

    def holds(self, at: datetime) -> bool:
        return self.begins <= at and (self.ends is None or at < self.ends)


def answering(rows: Iterable[Row], *, at: datetime) -> Row | None:
    """The row in force at that moment, as far as was known then."""
    return next((row for row in rows if row.published_at <= at and row.holds(at)), None)


def known(rows: Iterable[Row], *, at: datetime) -> list[Row]:
    """The rows that were published by then, in their order, each with the end that was known then.

    What was called off by then is among them, over as it begins; the row before it goes on.
    """
    every = list(rows)
    if all(moment <= at for row in every for moment in _moments(row)):
        return every  # nothing was said since: what is known now was known then
    seen = [row for row in every if row.published_at <= at]
    following = dict(pairwise(sorted(row.begins for row in seen if not row.is_called_off(at))))
    return [replace(row, ends=_known_end(row, following, at)) for row in seen]


def _moments(row: Row) -> Iterator[datetime]:
    """When something was said about it."""
    yield row.published_at
    if row.called_off_at is not None:
        yield row.called_off_at
    yield from (cut.said_at for cut in row.cuts)


def _known_end(row: Row, following: Mapping[datetime, datetime], at: datetime) -> datetime | None:
    """The first of: the end it was published with, the ends set by then, and the row that follows it."""
    if row.is_called_off(at):
        return row.begins
    ends = [row.first_ends, following.get(row.begins)]
    ends += [cut.ends for cut in row.cuts if cut.said_at <= at]
    if row.ends is not None and row.ends <= at:
        ends.append(row.ends)
    return min((end for end in ends if end is not None), default=None)


def moment(text: str, *, now: datetime) -> datetime:
    """What `?as_of=` asks for: a day means its end (UTC), or now where it is today.

    A moment says its zone. A plus sign that an address turned into a space is read as the plus.
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise AsOfUnreadable(Unreadable.NONSENSE)
    day, time, zone = found["day"], found["time"], found["zone"]
    if time and not zone:
        raise AsOfUnreadable(Unreadable.NO_ZONE)
    try:
        if time:
            at = datetime.fromisoformat(f"{day}T{time}{zone.upper().replace(' ', '+')}").astimezone(UTC)
        else:
            at = _end_of(date.fromisoformat(day), now)
    except (ValueError, OverflowError) as exc:  # a 30th of February; a moment before the first year
        raise AsOfUnreadable(Unreadable.NONSENSE) from exc
    if at > now:
        raise AsOfUnreadable(Unreadable.FUTURE)
    if at < _FIRST:
        raise AsOfUnreadable(Unreadable.NONSENSE)
    return at


def _end_of(day: date, now: datetime) -> datetime:
    """The last microsecond of the day; of today, now."""
    if day == now.astimezone(UTC).date():
        return now
    return datetime(day.year, day.month, day.day, 23, 59, 59, 999_999, tzinfo=UTC)


def written(at: datetime, changes: Iterable[datetime] = ()) -> str:
    """The moment for an address, to the second where nothing changed since that second began.

    `changes`: when rows were published, took effect or ended.
    """
    at = at.astimezone(UTC)
    second = at.replace(microsecond=0)
    exact = any(second < change <= at for change in changes)
    text = at.isoformat(timespec="microseconds" if exact else "seconds")
    return text.replace("+00:00", "Z")
