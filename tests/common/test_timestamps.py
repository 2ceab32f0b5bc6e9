from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DataError, connection

from common.timestamps import MomentLoader

AT = datetime(2026, 11, 23, 8, 30, 0, 250000, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def read(sql: str, *values: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()[0]


def test_sessions_read_moments_with_it() -> None:
    with connection.cursor() as cursor:
        assert issubclass(cursor.connection.adapters.get_loader(1184, 0), MomentLoader)


@pytest.mark.parametrize("moment", [AT, AT.replace(microsecond=0), AT.replace(year=1), AT.replace(year=9999)])
def test_a_moment_is_read_as_it_was_written(moment: datetime) -> None:
    found = read("SELECT %s::timestamptz", moment)
    assert found == moment
    assert isinstance(found, datetime)
    assert found.tzinfo is UTC


def test_ranges_and_arrays_hold_the_same_moments() -> None:
    span = read("SELECT tstzrange(%s, %s)", AT, AT + timedelta(hours=1))
    assert (span.lower, span.upper) == (AT, AT + timedelta(hours=1))
    assert read("SELECT ARRAY[%s::timestamptz]", AT) == [AT]


@pytest.mark.parametrize("text", ["infinity", "0044-03-15 12:00:00+00 BC"])
def test_what_no_datetime_can_hold_is_refused_as_before(text: str) -> None:
    with pytest.raises(DataError, match="timestamp too"):
        read("SELECT %s::timestamptz", text)
