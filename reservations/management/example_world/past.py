"""Ending what was in force once, as the services do it, long after."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import pgtrigger
from django.db import connection

# Services hold an end against the time that is played. These hold it against the database's own clock, by
# which nothing of the past can end any more; all that they keep beside that, the services keep too.
_ENDS = (
    "pricing.CostStatement:statement_only_ends",
    "pricing.Tariff:tariff_only_ends",
    "reservations.Policy:policy_only_ends",
)


def then(do: Callable[[datetime], object]) -> Callable[[datetime], None]:
    def done(at: datetime) -> None:
        with by_the_time_that_is_played():
            do(at)

    return done


@contextmanager
def by_the_time_that_is_played() -> Iterator[None]:
    """As pgtrigger.ignore, which writes two commands into one: no prepared statement holds both."""
    names = ",".join(trigger.get_pgid(model) for model, trigger in pgtrigger.registered(*_ENDS))
    _ignore("{" + names + "}")
    yield
    _ignore(None)


def _ignore(names: str | None) -> None:
    """Until the transaction ends: what fails in between takes that with it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('pgtrigger.ignore', %s, true)", [names])
