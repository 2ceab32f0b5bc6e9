from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Barrier

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Project
from common.ranges import between
from pricing.models import FundingLine, Grant
from pricing.services import allowances
from tests import factories

D = Decimal
AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)
pytestmark = pytest.mark.django_db


def personal(**fields: object) -> Project:
    person = factories.make_user(is_active=fields.pop("is_active", True))
    return factories.make_project(lead=person, personal_to=person, project_class="independent", **fields)


def line(amount: str = "1000", **fields: object) -> FundingLine:
    fields = {"valid": between(AT - timedelta(days=30), AT + timedelta(days=300))} | fields
    return factories.make_line(amount, allowance_hours=D(20), allowance_amount=D(60), **fields)


def test_everybody_gets_this_month_and_the_next_once() -> None:
    its_line = line()
    mine, course = personal(), factories.make_project(project_class="student")
    factories.make_project(project_class="research")
    first = allowances.renew(at=AT)
    assert [(turn.month, turn.given, turn.without) for turn in first] == [(NOVEMBER, 2, 0), (DECEMBER, 2, 0)]
    again = allowances.renew(at=AT + timedelta(days=1))
    assert [(turn.given, turn.without) for turn in again] == [(0, 0), (0, 0)]
    its_line.refresh_from_db()
    assert (its_line.committed, Grant.objects.count()) == (240, 4)
    grant = Grant.objects.get(project=mine, allowance_month=DECEMBER)
    assert (grant.hours, grant.hours_left, grant.amount, grant.line) == (20, 20, 60, its_line)
    assert grant.valid == between(datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    assert grant.name == f"{its_line.name} 2026-12"
    assert course.grants.count() == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"project_class": "research"},
        {"project_class": "student", "class_expires_at": AT - timedelta(days=40)},
        {"project_class": "student", "suspended_at": AT, "suspension_reason": "Mining"},
        {"project_class": "citizen", "expires_at": AT - timedelta(days=1)},
    ],
)
def test_who_is_not_entitled_gets_none(fields: dict[str, object]) -> None:
    line()
    project = factories.make_project(**fields)
    assert allowances.give(project=project, month=NOVEMBER, at=AT) is None
    assert [turn.without for turn in allowances.renew(at=AT)] == [0, 0]


def test_a_person_who_left_gets_none() -> None:
    line()
    assert allowances.give(project=personal(is_active=False), month=NOVEMBER, at=AT) is None


def test_a_line_for_some_classes_pays_them_only() -> None:
    line(classes=["student"])
    project, course = personal(), factories.make_project(project_class="student")
    allowances.renew(at=AT)
    assert (project.grants.count(), course.grants.count()) == (0, 2)


def test_giving_again_answers_the_same_grant() -> None:
    its_line, project = line(), personal()
    first = allowances.give(project=project, month=date(2026, 11, 17), at=AT)
    assert first is not None
    assert allowances.give(project=project, month=NOVEMBER, at=AT) == first
    its_line.refresh_from_db()
    assert its_line.committed == 60


def test_an_exhausted_line_stops_and_says_how_many_go_without() -> None:
    its_line = line("130")
    for _ in range(3):
        personal()
    assert [(turn.given, turn.without) for turn in allowances.renew(at=AT)] == [(2, 1), (0, 3)]
    its_line.refresh_from_db()
    assert its_line.left == 10


def test_without_a_line_nobody_gets_any() -> None:
    project = personal()
    line(valid=between(AT - timedelta(days=90), AT - timedelta(days=60)))
    line(closed_at=AT)
    assert allowances.give(project=project, month=NOVEMBER, at=AT) is None
    assert [(turn.has_line, turn.without) for turn in allowances.renew(at=AT)] == [(False, 1), (False, 1)]


def test_a_line_that_ends_within_the_month_pays_until_then() -> None:
    ends = datetime(2026, 11, 27, tzinfo=UTC)
    line(valid=between(AT - timedelta(days=1), ends))
    grant = allowances.give(project=personal(), month=NOVEMBER, at=AT)
    assert grant is not None
    assert grant.valid == between(AT - timedelta(days=1), ends)
    assert [turn.has_line for turn in allowances.renew(at=AT)] == [True, False]


def test_renewing_costs_the_same_however_many_there_are(django_assert_num_queries) -> None:
    line("100000")
    for _ in range(5):
        personal()
    with django_assert_num_queries(8):  # for each month a lock and a statement, in a savepoint
        allowances.renew(at=AT)


def test_the_database_keeps_one_allowance_a_month() -> None:
    project = factories.make_project()
    factories.make_grant(project, allowance_month=NOVEMBER)
    with pytest.raises(IntegrityError, match="one_allowance_a_month"), transaction.atomic():
        factories.make_grant(project, allowance_month=NOVEMBER)


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_give_one_allowance_and_commit_it_once() -> None:
    """Seen to fail without FOR UPDATE and ON CONFLICT: each reads the month before the first commits."""
    its_line, project = line(), personal()
    barrier = Barrier(8)

    def ask(number: int) -> int | None:
        try:
            barrier.wait()
            if number % 2:
                allowances.renew(at=AT)
                return None
            grant = allowances.give(project=project, month=NOVEMBER, at=AT)
            return grant.pk if grant else 0
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(ask, range(8))) - {None}
    its_line.refresh_from_db()
    november = Grant.objects.get(project=project, allowance_month=NOVEMBER)
    assert answers == {november.pk}
    assert its_line.committed == 60 * Grant.objects.count() == 120


@pytest.mark.django_db(transaction=True)
def test_a_line_is_not_overcommitted_by_many_who_sign_up_at_once() -> None:
    """Seen to fail without FOR UPDATE: each reads what was left before the others."""
    its_line = line("150")
    people = [personal() for _ in range(8)]
    barrier = Barrier(8)

    def ask(project: Project) -> bool:
        try:
            barrier.wait()
            return allowances.give(project=project, month=NOVEMBER, at=AT) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(ask, people)) == [False] * 6 + [True] * 2
    its_line.refresh_from_db()
    assert (its_line.committed, Grant.objects.count()) == (120, 2)
