from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from common.holidays import holidays_within, public_holidays


def test_a_country_has_its_own_holidays() -> None:
    assert date(2027, 7, 14) in public_holidays("FR", 2027)
    assert date(2027, 7, 14) not in public_holidays("DE", 2027)
    assert date(2027, 3, 28) not in public_holidays("FR", 2027)  # Easter Sunday is a Sunday anyway
    assert date(2027, 3, 29) in public_holidays("FR", 2027)


def test_of_a_country_that_nobody_knows_there_are_none() -> None:
    assert public_holidays("XX", 2027) == frozenset()


PARIS, AUCKLAND = ZoneInfo("Europe/Paris"), ZoneInfo("Pacific/Auckland")


@pytest.mark.parametrize(
    ("country", "zone", "start", "end", "days"),
    [
        # Over the turn of the year, both years are asked.
        (
            "FR", PARIS, datetime(2026, 12, 24, tzinfo=UTC), datetime(2027, 1, 2, tzinfo=UTC),
            (date(2026, 12, 25), date(2027, 1, 1)),
        ),
        # The day has begun in Paris, and is half over in Auckland.
        (
            "FR", PARIS, datetime(2027, 7, 13, 22, tzinfo=UTC), datetime(2027, 7, 13, 23, tzinfo=UTC),
            (date(2027, 7, 14),),
        ),
        ("FR", PARIS, datetime(2027, 7, 13, 20, tzinfo=UTC), datetime(2027, 7, 13, 22, tzinfo=UTC), ()),
        (
            "NZ", AUCKLAND, datetime(2026, 12, 24, 11, tzinfo=UTC), datetime(2026, 12, 24, 12, tzinfo=UTC),
            (date(2026, 12, 25),),
        ),
    ],
)  # fmt: skip
def test_days_are_those_of_the_place(
    country: str, zone: ZoneInfo, start: datetime, end: datetime, days: tuple[date, ...]
) -> None:
    assert holidays_within(country, zone, start, end) == days
