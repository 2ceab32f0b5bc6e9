"""Statements that the database plans once per connection: for the few that every booking runs.

Django binds parameters in the client, so that PostgreSQL plans each statement anew; for a booking
that was half of the database's time. A pooler between site and database must know prepared
statements (PgBouncer does since 1.21, `max_prepared_statements`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg import Cursor

# psycopg prepares nothing at all without a threshold; this one no statement reaches by itself.
ONLY_WHEN_ASKED = 2**31


@dataclass(frozen=True)
class _Sent:
    query: bytes


class _PreparingCursor(Cursor[Any]):
    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        answer = super().execute(query, params, **{**options, "prepare": True})
        # Django's log of queries reads it here; psycopg leaves it empty for a prepared statement.
        self._query: Any = _Sent(query.encode())
        return answer


@contextmanager
def prepared() -> Iterator[CursorWrapper]:
    """Like `connection.cursor()`: counted and logged by Django, and in its transaction."""
    connection.ensure_connection()
    session = connection.connection
    if session.prepare_threshold is None:
        session.prepare_threshold = ONLY_WHEN_ASKED
    cursor: Any = _PreparingCursor(session)
    wrap = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    with wrap(cursor) as wrapped:
        yield wrapped
