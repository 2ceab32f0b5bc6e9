"""Datasets read as they stood at one moment, in batches, however many rows there are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Max, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Greatest

from common.open_data.datasets import Dataset

BATCH = 2_000
_SAMPLE = 1_000
_SIZE = "count(*), coalesce(sum(octet_length(t::text)), 0)"
# Whoever stops reading gives the connection back after this long.
_PATIENCE = "60s"

Row = tuple[Any, ...]


@contextmanager
def snapshot() -> Iterator[None]:
    """All that is read inside is of one moment; in a transaction of somebody else's, as that one sees it."""
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{_PATIENCE}'")
        yield


def written_rows(dataset: Dataset) -> QuerySet[Any, Row]:
    return dataset.rows().values_list(*(column.written for column in dataset.columns))


def batches(dataset: Dataset) -> Iterator[list[Row]]:
    """Through a server-side cursor: neither the driver nor Python ever holds more than a batch."""
    rows = iter(written_rows(dataset).iterator(chunk_size=BATCH))
    while batch := list(islice(rows, BATCH)):
        yield batch


def first_rows(dataset: Dataset, number: int) -> list[Row]:
    return list(written_rows(dataset)[:number])


@dataclass(frozen=True)
class Tally:
    """How many rows there are, when they last changed, and about how many bytes they are as CSV."""

    rows: int
    changed_at: datetime | None
    size: int
    edition: str
    left_out: int = 0  # rows that their source's licence keeps back


def edition_of(dataset: Dataset) -> str:
    """A name for the rows as they are: another one as soon as any of them is another."""
    return dataset.edition().name if dataset.edition else _summed(dataset).edition


def tally(dataset: Dataset) -> Tally:
    """What there is to read, and how much of it is kept back."""
    found = _counted(dataset)
    return replace(found, left_out=dataset.every().count() - found.rows) if dataset.every else found


def _counted(dataset: Dataset) -> Tally:
    """One query, which reads every row; for a dataset that names its editions, a count and a sample."""
    if dataset.edition is None:
        return _summed(dataset)
    edition, rows = dataset.edition(), dataset.rows().count()
    sample = written_rows(dataset)[:_SAMPLE]
    seen, size, _sum = _asked(f"{_SIZE}, 0", sample)
    return Tally(rows, edition.changed_at, round(rows * size / seen) if seen else 0, edition.name)


# Sums of hashes: the order of the rows is always the same, and nothing is kept while they are read.
_SUM = "coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)"


def _summed(dataset: Dataset) -> Tally:
    rows, size, total = _asked(f"{_SIZE}, {_SUM}", written_rows(dataset))
    changed = dataset.rows().aggregate(at=Max(_latest(dataset.changed)))["at"]
    return Tally(rows, changed, size, hashlib.sha256(f"{rows} {total}".encode()).hexdigest()[:32])


def _latest(fields: tuple[str, ...]) -> Combinable:
    """Of those that a row has."""
    return Greatest(*fields) if len(fields) > 1 else F(fields[0])


def _asked(figures: str, rows: QuerySet[Any, Any]) -> tuple[Any, Any, Any]:
    query, parameters = rows.query.get_compiler(connection=connection, elide_empty=False).as_sql()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {figures} FROM ({query}) AS t", parameters)  # noqa: S608  # Django's own SQL
        found: tuple[Any, Any, Any] = cursor.fetchone()
    return found
