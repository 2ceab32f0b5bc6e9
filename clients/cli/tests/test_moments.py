"""Times as people type them, in any zone, on the days when clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from equinode_cli.errors import Misused
from equinode_cli.moments import lasting, moment_typed, span, to_quarter

PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 22, 18, 7, 30, tzinfo=UTC)  # 19:07:30 in Paris


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("now", NOW), ("2026-11-24 14:00", datetime(2026, 11, 24, 13, tzinfo=UTC)),
        ("2026-11-24T14:00", datetime(2026, 11, 24, 13, tzinfo=UTC)),
        ("2026-07-01 14:00", datetime(2026, 7, 1, 12, tzinfo=UTC)),
        ("2026-11-24T14:00Z", datetime(2026, 11, 24, 14, tzinfo=UTC)),
        ("2026-11-24T14:00+05:30", datetime(2026, 11, 24, 8, 30, tzinfo=UTC)),
        ("19:15", datetime(2026, 11, 22, 18, 15, tzinfo=UTC)),
        ("9:00", datetime(2026, 11, 23, 8, tzinfo=UTC)),
        ("19:07", datetime(2026, 11, 23, 18, 7, tzinfo=UTC)),
        ("2026-10-25 02:30+02:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_a_time_is_local_unless_it_says_otherwise(typed: str, meant: datetime) -> None:
    assert moment_typed(typed, PARIS, NOW) == meant


@pytest.mark.parametrize("typed", ["", "tomorrow", "24:00", "14", "2026-02-30 10:00", "14:00 CET"])
def test_what_is_no_time_is_refused(typed: str) -> None:
    with pytest.raises(Misused):
        moment_typed(typed, PARIS, NOW)


def test_a_time_that_is_none_or_two_must_be_said_otherwise() -> None:
    with pytest.raises(Misused, match="does not exist"):
        moment_typed("2026-03-29 02:30", PARIS, NOW)
    with pytest.raises(Misused, match=r"2026-10-25T02:30\+02:00 or 2026-10-25T02:30\+01:00"):
        moment_typed("2026-10-25 02:30", PARIS, NOW)


@pytest.mark.parametrize("minutes", range(0, 61, 5))
def test_the_next_quarter_is_at_most_one_away(minutes: int) -> None:
    moment = datetime(2026, 11, 22, 18, tzinfo=UTC) + timedelta(minutes=minutes)
    found = to_quarter(moment)
    assert found.minute % 15 == 0
    assert timedelta(0) <= found - moment < timedelta(minutes=15)


def test_a_span_names_the_second_day_only_where_it_is_another() -> None:
    assert span("2026-11-24T13:00:00Z", "2026-11-24T17:00:00Z", PARIS) == "2026-11-24 14:00 – 18:00 CET"
    told = span("2026-11-24T13:00:00Z", "2026-11-25T17:00:00Z", PARIS)
    assert told == "2026-11-24 14:00 – 2026-11-25 18:00 CET"


@pytest.mark.parametrize(
    ("seconds", "told"), [(4, "4 s"), (600, "10 min"), (7200, "2 h"), (5400, "1 h 30 min")]
)
def test_lengths_are_short(seconds: float, told: str) -> None:
    assert lasting(seconds) == told
