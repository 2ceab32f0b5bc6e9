"""Quarters and years of the calendar, in UTC: what commerce's part of a node is counted over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from reservations.domain.slots import Slot


@dataclass(frozen=True, order=True)
class Period:
    label: str  # 2026-Q4 or 2026
    slot: Slot

    @classmethod
    def quarter_of(cls, moment: datetime) -> Period:
        utc = moment.astimezone(UTC)
        return cls._quarter(utc.year, (utc.month - 1) // 3)

    @classmethod
    def year_of(cls, moment: datetime) -> Period:
        year = moment.astimezone(UTC).year
        return cls(f"{year:04}", Slot(datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)))

    @classmethod
    def parse(cls, label: str) -> Period:
        """Read `2026-Q4` or `2026`; ValueError where there is no such period."""
        year, separator, quarter = label.partition("-Q")
        if len(year) != 4 or not year.isdigit() or (separator and quarter not in ("1", "2", "3", "4")):
            raise ValueError(label)
        if separator:
            return cls._quarter(int(year), int(quarter) - 1)
        return cls.year_of(datetime(int(year), 1, 1, tzinfo=UTC))

    @classmethod
    def _quarter(cls, year: int, number: int) -> Period:
        start = datetime(year, 3 * number + 1, 1, tzinfo=UTC)
        end = datetime(year + number // 3, (3 * number + 3) % 12 + 1, 1, tzinfo=UTC)
        return cls(f"{year:04}-Q{number + 1}", Slot(start, end))


def touched_by(slot: Slot) -> Iterator[Period]:
    """Every quarter and every year that the slot lies in."""
    for first in (Period.quarter_of, Period.year_of):
        period = first(slot.start)
        yield period
        while period.slot.end < slot.end:
            period = first(period.slot.end)
            yield period
