"""Callers at once, on committed data: what a rule does when everybody asks in the same moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run the calls in a thread each, all together; an exception is an answer like any other."""
    gate = Barrier(len(calls))

    def answer(call: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()  # or the first to connect would always win
            gate.wait(timeout=10)
            return call()
        except Exception as exc:  # the answer, for the test to look at
            return exc
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(answer, calls))


def split(answers: Sequence[Any]) -> tuple[list[Any], list[Exception]]:
    """(what succeeded, what was refused)"""
    refused = [answer for answer in answers if isinstance(answer, Exception)]
    return [answer for answer in answers if not isinstance(answer, Exception)], refused
