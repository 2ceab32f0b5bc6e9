from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F

from common.ranges import between
from pricing.domain.grants import Period, cover
from pricing.models import FundingLine, Grant
from pricing.services import allowances, charges, grants, returns
from pricing.services.charges import ChargeLine
from reservations import tasks
from tests import factories
from tests.races import at_once, split

D = Decimal
AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
END = datetime(2026, 12, 1, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def make_line(amount: str = "1000", **fields: object) -> FundingLine:
    since, until = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
    return factories.make_line(amount, valid=between(since, until), **fields)


def give(line: FundingLine, amount: str = "100", until: datetime = END) -> Grant:
    return grants.create_grant(
        project=factories.make_project(), funder=line.funder, line=line, name="Grant", purpose="Purpose",
        valid_from=AT, valid_until=until, amount=D(amount), at=AT,
    )  # fmt: skip


def set_aside(grant: Grant, hours: int, reference: str = "reservation-1") -> None:
    """At 1 EUR an hour."""
    with transaction.atomic():
        locked = grants.lock_grants(project_id=grant.project_id)
        slot = Period(END - timedelta(hours=hours), END)
        grants.encumber(
            grants=locked, cover=cover(locked, hours=slot, price_per_hour=D(1)), reference=reference
        )


def figures(grant: Grant) -> tuple[Decimal, Decimal, Decimal]:
    """(returned, left, committed on the line)"""
    grant.refresh_from_db()
    assert grant.line is not None
    grant.line.refresh_from_db()
    return grant.returned, grant.left, grant.line.committed


def test_what_is_unused_goes_back_when_the_time_is_over() -> None:
    grant = give(make_line())
    assert returns.return_unused(at=END - timedelta(seconds=1)) == 0
    assert figures(grant) == (0, 100, 100)
    assert returns.return_unused(at=END) == 100
    assert figures(grant) == (100, 0, 0)
    assert returns.return_unused(at=END + timedelta(days=1)) == 0


def test_what_is_set_aside_stays_until_its_slot_is_settled() -> None:
    grant = give(make_line())
    set_aside(grant, 30)
    assert returns.return_unused(at=END) == 70
    assert figures(grant) == (70, 0, 30)
    used = ChargeLine(
        0, factories.make_node().pk, "usage", "compute", D(12), D(1), END - timedelta(hours=30), END
    )
    charges.post(reference="reservation-1", lines=[used], project=grant.project, at=END)
    assert returns.return_unused(at=END + timedelta(minutes=10)) == 18
    assert figures(grant) == (88, 0, 12)
    assert grant.used == 12


def test_a_lapsed_allowance_pays_the_next_month() -> None:
    """A line that just reaches for two months pays the third out of what the first left."""
    line = make_line("120", allowance_hours=D(20), allowance_amount=D(60))
    person = factories.make_user()
    project = factories.make_project(lead=person, personal_to=person, project_class="independent")
    allowances.renew(at=AT)
    line.refresh_from_db()
    assert line.left == 0
    assert allowances.give(project=project, month=date(2027, 1, 1), at=END) is None
    returns.return_unused(at=END)
    allowances.renew(at=END)
    months = project.grants.order_by("allowance_month").values_list("allowance_month", "returned")
    assert list(months) == [(date(2026, 11, 1), 60), (date(2026, 12, 1), 0), (date(2027, 1, 1), 0)]
    line.refresh_from_db()
    assert line.committed == 120


def test_the_sweep_returns_before_it_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    line = make_line("120", allowance_hours=D(20), allowance_amount=D(60))
    person = factories.make_user()
    project = factories.make_project(lead=person, personal_to=person, project_class="independent")
    allowances.renew(at=AT)
    monkeypatch.setattr("common.clock.now", lambda: END + timedelta(minutes=1))
    tasks.renew_allowances()
    assert project.grants.filter(allowance_month=date(2027, 1, 1)).exists()
    line.refresh_from_db()
    assert line.committed == 120


def test_a_closed_line_gets_its_money_back_too() -> None:
    grant = give(make_line(closed_at=None))
    FundingLine.objects.update(closed_at=AT)
    assert returns.return_unused(at=END) == 100
    assert figures(grant) == (100, 0, 0)


def test_a_grant_without_a_line_keeps_what_it_has() -> None:
    grant = factories.make_grant(factories.make_project(), "100", valid=between(AT, END))
    assert returns.return_unused(at=END + timedelta(days=1)) == 0
    grant.refresh_from_db()
    assert (grant.returned, grant.left) == (0, 100)
    with pytest.raises(IntegrityError, match="only_to_a_line_is_returned"), transaction.atomic():
        Grant.objects.filter(pk=grant.pk).update(returned=1)


@pytest.mark.parametrize("change", [{"returned": D(101)}, {"returned": D(-1)}])
def test_no_more_is_returned_than_was_given(change: dict[str, Decimal]) -> None:
    grant = give(make_line())
    with pytest.raises(IntegrityError, match="grant_is_not_overspent"), transaction.atomic():
        Grant.objects.filter(pk=grant.pk).update(**change)


def test_what_went_back_cannot_be_spent() -> None:
    grant = give(make_line())
    returns.return_unused(at=END)
    with pytest.raises(IntegrityError, match="grant_is_not_overspent"), transaction.atomic():
        Grant.objects.filter(pk=grant.pk).update(encumbered=F("encumbered") + 1)


def test_it_takes_three_statements_however_many_there_are(django_assert_num_queries: object) -> None:
    line = make_line("5000")
    for _ in range(12):
        give(line, "10")
    with django_assert_num_queries(5):  # type: ignore[operator]  # three, and the savepoint's two
        assert returns.return_unused(at=END) == 120


@pytest.mark.django_db(transaction=True)
def test_of_eight_sweeps_at_once_one_returns_it() -> None:
    line = make_line()
    given = [give(line) for _ in range(5)]
    answers, refused = split(at_once(*[lambda: returns.return_unused(at=END)] * 8))
    assert refused == []
    assert sorted(answers) == [0] * 7 + [500]
    assert {figures(grant) for grant in given} == {(100, 0, 0)}


@pytest.mark.django_db(transaction=True)
def test_a_slot_settled_while_the_rest_goes_back_loses_nothing() -> None:
    """However the sweep, the settling and a new grant meet: the line holds what its grants hold."""
    line = make_line()
    given = [give(line) for _ in range(4)]
    for number, grant in enumerate(given):
        set_aside(grant, 30, f"reservation-{number}")
    settle = [
        lambda number=number: grants.release_encumbrance(reference=f"reservation-{number}", at=END)
        for number in range(4)
    ]
    later = END + timedelta(days=30)
    answers = at_once(*settle, *[lambda: returns.return_unused(at=END)] * 3, lambda: give(line, "50", later))
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    returns.return_unused(at=END)
    line.refresh_from_db()
    assert line.committed == 50
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(amount - returned) FROM pricing_grant WHERE line_id = %s", [line.pk])
        assert cursor.fetchone() == (50,)
