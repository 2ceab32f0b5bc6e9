"""Half-open ranges in the database: exclusion without extensions, and the way to write them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import BigIntegerRangeField
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import F, Func, Value


class PointRange(Func):
    """`[x, x]` of an integer column, so that GiST can compare it without btree_gist.

    The embedded server ships no btree_gist; `int8range(x, x, '[]') && ...` means
    equality and needs only what PostgreSQL has built in.
    """

    function = "int8range"
    output_field = BigIntegerRangeField()

    def __init__(self, column: str, **extra: Any) -> None:
        self.column = column
        super().__init__(F(column), F(column), Value("[]"), **extra)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """Rebuild from the column's name alone: the migration names this class."""
        return "common.ranges.PointRange", [self.column], {}


def between(start: datetime, end: datetime | None) -> DateTimeTZRange:
    """`[start, end)`; an open end means "until further notice"."""
    return DateTimeTZRange(start, end, "[)")


def bounds(during: DateTimeTZRange) -> tuple[datetime, datetime]:
    """Both ends of a range that has them (the database refuses a hold without)."""
    start, end = during.lower, during.upper
    if start is None or end is None:
        raise ValueError(f"{during} is open at an end")
    return start, end
