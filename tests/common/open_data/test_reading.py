"""Rows of one moment, whatever is written while they are read; and names for the rows as they are."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

import pytest
from django.db import InternalError, connection, connections, transaction

from common.open_data.reading import batches, edition_of, first_rows, snapshot, tally
from nodes.models import Node
from pricing.selectors.datasets import DEVICES, NODES
from tests import factories


def elsewhere(number: int = 1) -> None:
    """Somebody else commits nodes."""

    def make() -> None:
        try:
            for _one in range(number):
                factories.make_node()
        finally:
            connections.close_all()

    thread = Thread(target=make)
    thread.start()
    thread.join()


def count(dataset: object) -> int:
    return sum(len(batch) for batch in batches(dataset))  # type: ignore[arg-type]


@pytest.mark.django_db(transaction=True)
def test_files_of_one_package_agree_whatever_is_written_meanwhile() -> None:
    factories.make_node(devices=2)
    with snapshot():
        assert count(NODES) == 1
        elsewhere()
        assert (count(NODES), count(DEVICES)) == (1, 2)
        assert tally(NODES).rows == 1
    assert (count_in_snapshot(), Node.objects.count()) == (2, 2)


def count_in_snapshot() -> int:
    with snapshot():
        return count(NODES)


@pytest.mark.django_db(transaction=True)
def test_nothing_is_written_while_it_is_read() -> None:
    with pytest.raises(InternalError, match="read-only"), snapshot():
        factories.make_node()
    factories.make_node()
    with snapshot(), connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("1min",), "who stops reading gives the connection back"


@pytest.mark.django_db(transaction=True)
def test_who_stops_in_the_middle_ends_the_transaction() -> None:
    factories.make_node()

    def reading() -> Iterator[int]:
        with snapshot():
            for batch in batches(NODES):
                yield len(batch)

    rows = reading()
    assert next(rows) == 1
    assert connection.in_atomic_block
    rows.close()  # type: ignore[attr-defined]
    assert not connection.in_atomic_block


@pytest.mark.django_db
def test_an_edition_is_another_as_soon_as_a_row_is() -> None:
    node = factories.make_node()
    first = edition_of(NODES)
    assert edition_of(NODES) == first
    Node.objects.filter(pk=node.pk).update(name="Another")
    renamed = edition_of(NODES)
    with transaction.atomic():
        factories.make_node()
        added = edition_of(NODES)
    assert len({first, renamed, added}) == 3
    assert (len(first_rows(NODES, 1)), tally(NODES).rows) == (1, 2)
