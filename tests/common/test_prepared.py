from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from common.prepared import prepared

NAMES = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%' || %s || '%%'"


def ask(number: int) -> int:
    with prepared() as cursor:
        cursor.execute("SELECT %s::int + 40 /* planned once */", [number])
        return int(cursor.fetchone()[0])


def count_prepared() -> int:
    with connection.cursor() as cursor:
        cursor.execute(NAMES, ["40 /* planned" + " once */"])
        return int(cursor.fetchone()[0])


@pytest.mark.django_db
def test_a_statement_is_planned_once_whatever_its_numbers() -> None:
    assert [ask(number) for number in (1, 2, 3)] == [41, 42, 43]
    assert count_prepared() == 1


@pytest.mark.django_db
def test_it_is_counted_like_any_other_query() -> None:
    with CaptureQueriesContext(connection) as queries:
        ask(1)
    assert [query["sql"] for query in queries] == ["SELECT %s::int + 40 /* planned once */"]


@pytest.mark.django_db(transaction=True)
def test_it_works_again_after_a_rollback_and_is_part_of_the_transaction() -> None:
    ask(1)
    with transaction.atomic():
        with prepared() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE seen_once (number int)")
        transaction.set_rollback(True)
    assert ask(2) == 42
    with prepared() as cursor:
        cursor.execute("SELECT to_regclass('seen_once')")
        assert cursor.fetchone() == (None,)


@pytest.mark.django_db
def test_what_nobody_asked_to_prepare_is_not() -> None:
    ask(1)
    for _ in range(7):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 7 /* never planned ahead */")
    with connection.cursor() as cursor:
        cursor.execute(NAMES, ["never" + " planned ahead"])
        assert cursor.fetchone() == (0,)
