"""The rows of the tables of /fairness/."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from reservations.domain.slots import Week

_ZERO = Decimal(0)


@dataclass(frozen=True)
class Column:
    key: str
    name: str


@dataclass(frozen=True)
class Cell:
    """What somebody got of a week’s hours, and what they were promised. None: not told."""

    name: str
    delivered: Decimal | None
    promised: Decimal | None

    @property
    def points(self) -> Decimal:
        return ((self.delivered or _ZERO) - (self.promised or _ZERO)) * 100


@dataclass(frozen=True)
class WeekRow:
    monday: date
    is_running: bool
    cells: tuple[Cell, ...] = ()
    jain: Decimal | None = None
    asked: int = 0
    granted: int = 0
    refusals: tuple[tuple[str, int], ...] = ()  # the most frequent first

    @property
    def week(self) -> str:
        return named(self.monday)

    @property
    def sunday(self) -> date:
        return self.monday + timedelta(days=6)

    @property
    def granted_share(self) -> Decimal | None:
        return Decimal(self.granted) / self.asked if self.asked else None


@dataclass(frozen=True)
class FloorRow:
    """A device model or a node in the last week that is over: device-hours. None: told with others alone."""

    name: str
    bookable: Decimal | None
    promised: Decimal | None
    demanded: Decimal | None
    delivered: Decimal | None
    others: Decimal | None

    @property
    def borrowed(self) -> Decimal | None:
        if self.others is None or self.bookable is None or self.promised is None:
            return None
        return max(_ZERO, self.others - (self.bookable - self.promised))

    @property
    def is_kept(self) -> bool | None:
        if self.delivered is None or self.demanded is None or self.promised is None:
            return None
        return self.delivered >= min(self.promised, self.demanded)


@dataclass(frozen=True)
class FloorWeekRow:
    monday: date
    is_running: bool
    promised: Decimal
    demanded: Decimal
    delivered: Decimal
    borrowed: Decimal
    cells: int
    kept: int

    @property
    def week(self) -> str:
        return named(self.monday)


@dataclass(frozen=True)
class FirstRow:
    name: str
    projects: int
    waiting: int
    median: timedelta | None
    ninetieth: timedelta | None


@dataclass(frozen=True)
class HolderRow:
    name: str
    hours: Decimal
    part: Decimal


@dataclass(frozen=True)
class Concentration:
    rows: tuple[HolderRow, ...]  # the largest first
    herfindahl: Decimal | None
    holders: int


def named(monday: date) -> str:
    year, number, _day = monday.isocalendar()
    return str(Week(year, number))
