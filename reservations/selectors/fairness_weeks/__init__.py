"""What weeks came to, for /fairness/: figures, a table and a sentence for each of its sections. One query."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

from django.utils.translation import gettext as _

from accounts.models import Project
from common import formats
from reservations import wording
from reservations.domain.fairness import herfindahl
from reservations.domain.slots import Week
from reservations.models import WeekSum
from reservations.selectors.fairness_weeks.rows import (
    Cell,
    Column,
    Concentration,
    FirstRow,
    FloorRow,
    FloorWeekRow,
    HolderRow,
    WeekRow,
    named,
)

Of = WeekSum.Of

PERIODS = (12, 52)  # weeks that are over; the running one stands beside them
MOST_COLUMNS = 7
_ZERO = Decimal(0)


@dataclass(frozen=True)
class Weeks:
    """The lines of some weeks, told section by section."""

    lines: tuple[WeekSum, ...]
    at: datetime
    period: int

    def of(self, *kinds: str) -> list[WeekSum]:
        return [line for line in self.lines if line.of in kinds]

    @cached_property
    def everything(self) -> dict[date, WeekSum]:
        return {line.week: line for line in self.of(Of.ALL)}

    @cached_property
    def running(self) -> date:
        return Week.of(self.at).start.date()

    @cached_property
    def last(self) -> date | None:
        """The last week that is over."""
        return max((monday for monday in self.everything if monday < self.running), default=None)

    # --- shares ---------------------------------------------------------------------------------------
    def columns(self, of: str) -> list[Column]:
        """Those with the most hours; the line without a key, who is told together, comes last."""
        hours: dict[str, Decimal] = {}
        names: dict[str, str] = {}
        for line in self.of(of):
            hours[line.key] = hours.get(line.key, _ZERO) + (line.delivered or _ZERO)
            names[line.key] = self._name(line)
        told = sorted((key for key in hours if key), key=lambda key: (-hours[key], names[key]))
        kept = told[: MOST_COLUMNS - (len(told) > MOST_COLUMNS)]
        columns = [Column(key, names[key]) for key in kept]
        return columns + [Column("", _("All others"))] if len(told) > len(kept) or "" in hours else columns

    def shares(self, of: str) -> list[WeekRow]:
        """The newest week first."""
        columns = self.columns(of)
        return [self._shares_of(monday, of, columns) for monday in sorted(self.everything, reverse=True)]

    def _shares_of(self, monday: date, of: str, columns: Sequence[Column]) -> WeekRow:
        whole = self.everything[monday]
        sums: dict[str, list[WeekSum]] = {column.key: [] for column in columns}
        for line in self.of(of):
            if line.week == monday and (line.key in sums or "" in sums):
                sums[line.key if line.key in sums else ""].append(line)
        cells = tuple(_cell(column.name, sums[column.key], whole.delivered) for column in columns)
        return WeekRow(monday, monday >= self.running, cells, jain=whole.jain)

    @cached_property
    def accounts(self) -> list[WeekRow]:
        return self.shares(Of.ACCOUNT)

    @cached_property
    def classes(self) -> list[WeekRow]:
        return self.shares(Of.CLASS)

    @cached_property
    def account_columns(self) -> list[Column]:
        return self.columns(Of.ACCOUNT)

    @cached_property
    def class_columns(self) -> list[Column]:
        return self.columns(Of.CLASS)

    @property
    def lowest_account(self) -> Cell | None:
        return self._lowest(self.accounts)

    @property
    def lowest_class(self) -> Cell | None:
        return self._lowest(self.classes)

    def _lowest(self, rows: Sequence[WeekRow]) -> Cell | None:
        """Who got farthest below what they were promised, in the last week that is over and had any use."""
        for row in rows:
            told = [cell for cell in row.cells if cell.delivered is not None and cell.promised]
            if told and not row.is_running:
                return min(told, key=lambda cell: cell.points)
        return None

    @property
    def jain_week(self) -> str:
        return named(self.jain.week) if self.jain else ""

    @cached_property
    def jain(self) -> WeekSum | None:
        """Of the last week that is over and had any use."""
        over = [line for line in self.everything.values() if line.week < self.running]
        return max((line for line in over if line.jain), key=lambda line: line.week, default=None)

    def _name(self, line: WeekSum) -> str:
        match line.of:
            case Of.CLASS | Of.FIRST:
                return str(Project.Class(line.key).label) if line.key else _("All")
            case Of.OWNER | Of.COUNTRY if not line.key:
                return _("Told together")
            case Of.COUNTRY:
                return formats.country(line.key)
            case Of.RULE:
                return wording.name(line.key)
        return line.name or _("An account that is one project")

    # --- the floor ------------------------------------------------------------------------------------
    @cached_property
    def floor_models(self) -> list[FloorRow]:
        return self._floor(Of.MODEL)

    @cached_property
    def floor_nodes(self) -> list[FloorRow]:
        return self._floor(Of.NODE)

    def _floor(self, of: str) -> list[FloorRow]:
        """Those that are told only together come last, in one row."""
        lines = sorted(
            (line for line in self.of(of) if line.week == self.last),
            key=lambda line: (not line.key, line.name),
        )
        return [_floor_row(line) for line in lines]

    @cached_property
    def floor(self) -> list[FloorWeekRow]:
        """All device models together, week by week, the newest first."""
        found = []
        for monday in sorted({line.week for line in self.of(Of.MODEL)}, reverse=True):
            rows = [_floor_row(line) for line in self.of(Of.MODEL) if line.week == monday]
            found.append(
                FloorWeekRow(
                    monday, monday >= self.running,
                    promised=_sum(row.promised for row in rows), demanded=_sum(row.demanded for row in rows),
                    delivered=_sum(row.delivered for row in rows),
                    borrowed=_sum(row.borrowed for row in rows),
                    cells=sum(row.is_kept is not None for row in rows),
                    kept=sum(row.is_kept is True for row in rows),
                )
            )  # fmt: skip
        return found

    @property
    def last_floor(self) -> FloorWeekRow | None:
        """Of the last week that is over."""
        return next((row for row in self.floor if not row.is_running), None)

    @property
    def cells_over(self) -> int:
        """Cells of weeks that are over."""
        return sum(row.cells for row in self.floor if not row.is_running)

    @property
    def cells_kept(self) -> int:
        return sum(row.kept for row in self.floor if not row.is_running)

    @cached_property
    def to_public_interest(self) -> Decimal | None:
        """The part of device-hours of the weeks that are over."""
        over = [line for line in self.of(Of.MODEL) if line.week < self.running]
        theirs = sum((line.delivered or _ZERO for line in over), _ZERO)
        whole = theirs + sum((line.others or _ZERO for line in over), _ZERO)
        return theirs / whole if whole else None

    # --- answers --------------------------------------------------------------------------------------
    @cached_property
    def answers(self) -> list[WeekRow]:
        refusals: dict[date, list[tuple[str, int]]] = {}
        for line in self.of(Of.RULE):
            refusals.setdefault(line.week, []).append((self._name(line), line.refused or 0))
        return [
            WeekRow(
                monday, monday >= self.running, asked=line.asked or 0, granted=line.granted or 0,
                refusals=tuple(sorted(refusals.get(monday, []), key=lambda one: (-one[1], one[0]))),
            )
            for monday, line in sorted(self.everything.items(), reverse=True)
        ]  # fmt: skip

    @cached_property
    def first_slots(self) -> list[FirstRow]:
        """As of the newest week: of the projects opened in the year before; all of them first."""
        newest = max(self.everything, default=None)
        lines = [line for line in self.of(Of.FIRST) if line.week == newest]
        return [
            FirstRow(
                self._name(line), line.projects or 0, line.waiting or 0, _hours(line.median_hours),
                _hours(line.ninetieth_hours),
            )
            for line in sorted(lines, key=lambda line: (line.key != "", self._name(line)))
        ]  # fmt: skip

    # --- concentration --------------------------------------------------------------------------------
    @cached_property
    def owners(self) -> Concentration:
        return self._concentration(Of.OWNER)

    @cached_property
    def countries(self) -> Concentration:
        return self._concentration(Of.COUNTRY)

    def _concentration(self, of: str) -> Concentration:
        hours: dict[str, Decimal] = {}
        names: dict[str, str] = {}
        for line in self.of(of):
            hours[line.key] = hours.get(line.key, _ZERO) + (line.delivered or _ZERO)
            names[line.key] = self._name(line)
        whole = sum(hours.values(), _ZERO)
        index = herfindahl([Fraction(amount) for amount in hours.values()])
        rows = [
            HolderRow(names[key], amount, amount / whole)
            for key, amount in sorted(hours.items(), key=lambda item: (-item[1], names[item[0]]))
            if amount
        ]
        exact = None if index is None else Decimal(index.numerator) / index.denominator
        return Concentration(tuple(rows), exact, len(hours))


def weeks(*, at: datetime, period: int = PERIODS[0]) -> Weeks:
    since = (Week.of(at).start - period * timedelta(weeks=1)).date()
    return Weeks(tuple(WeekSum.objects.filter(week__gte=since)), at, period)


def _cell(name: str, lines: Sequence[WeekSum], whole: Decimal | None) -> Cell:
    """Told only where all that is added up is told."""
    promised = sum((line.promised or _ZERO for line in lines), _ZERO) if lines else None
    hours = [line.delivered for line in lines]
    known = [amount for amount in hours if amount is not None]
    if not lines or len(known) < len(hours) or not whole:
        return Cell(name, None, promised)
    return Cell(name, sum(known, _ZERO) / whole, promised)


def _floor_row(line: WeekSum) -> FloorRow:
    name = line.name if line.key else _("Told together")
    return FloorRow(name, line.bookable, line.promised, line.demanded, line.delivered, line.others)


def _sum(amounts: Iterable[Decimal | None]) -> Decimal:
    """Of those that are told."""
    return sum((amount for amount in amounts if amount is not None), _ZERO)


def _hours(amount: Decimal | None) -> timedelta | None:
    return None if amount is None else timedelta(hours=float(amount))


def written(lines: Sequence[WeekSum]) -> Iterator[WeekSum]:
    """In the order in which files have them."""
    yield from sorted(lines, key=lambda line: (line.week, line.of, line.key))
