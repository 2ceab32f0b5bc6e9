"""Callers at once, on committed data: what a rule does when everybody asks in the same moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from threading import Barrier
from typing import Any

from django.db import connection, transaction
from django.db.models import Model

from tests.live import eventually


def at_once(*calls: Callable[[], Any], meeting_at: type[Model] | None = None) -> list[Any]:
    """Run the calls in a thread each, all together; an exception is an answer like any other.

    Threads that set out together need not meet on a busy machine. Where one after the other is right,
    too, and only those who meet show something, `meeting_at` is the table that none of them writes to
    before all of them have come to wait.
    """
    gate = Barrier(len(calls))

    def answer(call: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()  # or the first to connect would always win
            gate.wait(timeout=60)
            return call()
        except Exception as exc:  # the answer, for the test to look at
            return exc
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        with _held_up(meeting_at, len(calls)) if meeting_at else nullcontext():
            answers = pool.map(answer, calls)
        return list(answers)


@contextmanager
def _held_up(model: type[Model], callers: int) -> Iterator[None]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f'LOCK TABLE "{model._meta.db_table}" IN SHARE MODE')
        yield
        eventually(lambda: waiting() == callers, f"{callers} callers wait for each other")


def one_after_the_other(
    first: Callable[[], Any], second: Callable[[], Any], *, held_up_at: type[Model]
) -> list[Any]:
    """The second begins while the first, not committed yet, waits to write to this table.

    What they answer, an exception like anything else. Where nothing keeps the second, it is done first.
    """

    def answer(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except Exception as exc:  # the answer, for the test to look at
            return exc
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f'LOCK TABLE "{held_up_at._meta.db_table}" IN SHARE MODE')
            one = pool.submit(answer, first)
            eventually(lambda: waiting() == 1, "the first waits at the table")
            other = pool.submit(answer, second)
            eventually(lambda: waiting() == 2 or other.done(), "the second waits, or is done")
        return [one.result(), other.result()]


def waiting() -> int:
    """How many wait for a lock in this test's database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # within a transaction it would not change
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(cursor.fetchone()[0])


def split(answers: Sequence[Any]) -> tuple[list[Any], list[Exception]]:
    """(what succeeded, what was refused)"""
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    return [answer for answer in answers if not isinstance(answer, Exception)], refused
