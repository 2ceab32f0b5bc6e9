"""One ISO week as its reader lives it, cut into quarter hours: 672, or 668 and 676 when clocks change.

Where a moment stands in the week and what it is called. Who holds what is told by `timetable`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from babel import dates

from common import formats

QUARTER = timedelta(minutes=15)
_WEEK = re.compile(r"([0-9]{4})-W([0-9]{2})")
# Weeks with neighbours on both sides that a calendar can still name; bookings keep to far fewer.
_YEARS = range(1970, 2200)


@dataclass(frozen=True)
class Day:
    date: date
    label: str
    span: int  # 96 quarter hours, 92 or 100 when clocks change
    is_today: bool


@dataclass(frozen=True)
class Frame:
    """A week from local midnight to local midnight."""

    monday: date
    zone: ZoneInfo

    @classmethod
    def of_moment(cls, at: datetime, zone: ZoneInfo) -> Frame:
        today = at.astimezone(zone).date()
        return cls(today - timedelta(days=today.weekday()), zone)

    @classmethod
    def named(cls, name: str, zone: ZoneInfo) -> Frame | None:
        """The week called `2026-W48`, or None where there is no such week."""
        found = _WEEK.fullmatch(name)
        if found is None or int(found[1]) not in _YEARS:
            return None
        try:
            return cls(date.fromisocalendar(int(found[1]), int(found[2]), 1), zone)
        except ValueError:
            return None

    @property
    def name(self) -> str:
        year, week, _ = self.monday.isocalendar()
        return f"{year}-W{week:02}"

    @property
    def number(self) -> int:
        return self.monday.isocalendar().week

    @property
    def sunday(self) -> date:
        return self.monday + timedelta(days=6)

    @cached_property
    def start(self) -> datetime:
        return self._midnight(0)

    @cached_property
    def end(self) -> datetime:
        return self._midnight(7)

    @cached_property
    def quarters(self) -> int:
        return (self.end - self.start) // QUARTER

    def shifted(self, weeks: int) -> Frame:
        return Frame(self.monday + timedelta(weeks=weeks), self.zone)

    def days(self, at: datetime) -> tuple[Day, ...]:
        today = at.astimezone(self.zone).date()
        return tuple(self._day(index, today) for index in range(7))

    def midnights(self) -> tuple[str, ...]:
        """Where each midnight inside the week stands, as an SVG percentage."""
        return tuple(self.percent(self._midnight(index)) for index in range(1, 7))

    def percent(self, moment: datetime) -> str:
        return f"{100 * ((moment - self.start) / (self.end - self.start)):.3f}%"

    def floor(self, moment: datetime) -> int:
        return max(0, min(self.quarters, (moment - self.start) // QUARTER))

    def ceil(self, moment: datetime) -> int:
        return max(0, min(self.quarters, -((self.start - moment) // QUARTER)))

    def moment(self, quarter: int) -> datetime:
        return self.start + quarter * QUARTER

    def said(self, quarter: int) -> str:
        """`Mon 14:00`: the quarter's beginning, as its reader's clock shows it."""
        if quarter not in self._sayings:
            local = self.moment(quarter).astimezone(self.zone)
            self._sayings[quarter] = f"{_weekday(local.date())} {local:%H:%M}"
        return self._sayings[quarter]

    def between(self, first: int, last: int) -> str:
        """`Mon 14:00 – Tue 02:00, 12 h`."""
        if last - first not in self._lengths:
            self._lengths[last - first] = formats.duration((last - first) * QUARTER)
        return f"{self.said(first)} – {self.said(last)}, {self._lengths[last - first]}"

    @cached_property
    def _sayings(self) -> dict[int, str]:
        return {}  # a week says the same few moments for every device

    @cached_property
    def _lengths(self) -> dict[int, str]:
        return {}

    def _midnight(self, days: int) -> datetime:
        return datetime.combine(self.monday + timedelta(days=days), time.min, self.zone).astimezone(UTC)

    def _day(self, index: int, today: date) -> Day:
        day = self.monday + timedelta(days=index)
        span = (self._midnight(index + 1) - self._midnight(index)) // QUARTER
        return Day(day, f"{_weekday(day)} {day.day}", span, day == today)


def _weekday(day: date) -> str:
    return dates.format_date(day, "EEE", locale="fr" if formats.is_french() else "en_GB")
