from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import Project
from common.ranges import between
from pricing.models import FundingLine
from pricing.selectors.allowances import allowance_page, entitled, why_short
from pricing.services import allowances
from tests import factories

pytestmark = pytest.mark.django_db
D = Decimal
AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
SOON = AT + timedelta(hours=1)
NOVEMBER = date(2026, 11, 1)


def line(amount: str = "1000", **fields: object) -> FundingLine:
    valid = between(AT - timedelta(days=30), AT + timedelta(days=300))
    fields = {"allowance_hours": D(20), "allowance_amount": D(60), "valid": valid} | fields
    return factories.make_line(amount, **fields)


def course(**fields: object) -> Project:
    return factories.make_project(**{"project_class": "student"} | fields)


def why(project: Project, start: datetime = SOON) -> str | None:
    return why_short(project_id=project.pk, grants=project.grants.all(), start=start, at=AT)


def test_why_an_allowance_does_not_pay() -> None:
    project = course()
    assert why(project) == "no_line"
    its_line = line("70")
    assert allowances.give(project=project, month=NOVEMBER, at=AT) is not None
    assert why(project) == "used"
    assert why(course()) == "exhausted"
    assert why(project, datetime(2026, 12, 5, tzinfo=UTC)) == "exhausted"
    assert its_line.left == 70  # before it gave


def test_who_is_not_entitled_is_told_nothing_of_it() -> None:
    line("1", allowance_amount=D(1))
    assert why(factories.make_project()) is None
    assert why(course(class_expires_at=AT)) is None
    assert why(course(), AT + timedelta(days=45)) is None  # given when that month comes near


def test_those_entitled_here_are_those_the_sweep_gives_to() -> None:
    person, gone = factories.make_user(), factories.make_user(is_active=False)
    for owner in (person, gone):
        factories.make_project(personal_to=owner, project_class="independent")
    course()
    course(project_class="citizen", class_expires_at=AT + timedelta(days=1))
    course(class_expires_at=AT - timedelta(days=1))
    course(suspended_at=AT, suspension_reason="Mining")
    course(expires_at=AT)
    factories.make_project(project_class="research")
    wanted = set(Project.objects.filter(entitled(AT)).values_list("pk", flat=True))
    line()
    for project in Project.objects.all():
        allowances.give(project=project, month=NOVEMBER, at=AT)
    assert (
        set(Project.objects.filter(grants__allowance_month=NOVEMBER).values_list("pk", flat=True)) == wanted
    )
    assert len(wanted) == 3


def test_everybody_reads_what_the_allowance_came_to(django_assert_max_num_queries) -> None:
    assert allowance_page(at=AT) is None
    its_line = line("130")
    for _ in range(3):
        course()
    allowances.renew(at=AT)
    grant = course().grants.model.objects.first()
    grant.hours_used, grant.used = D(5), D("12.5")
    grant.save()
    with django_assert_max_num_queries(3):
        page = allowance_page(at=AT)
    assert page is not None
    assert page.month is not None
    assert (page.funder, page.hours, page.ceiling) == (its_line.funder.name, 20, 60)
    month = page.month
    assert (month.projects, month.hours, month.hours_taken, month.amount, month.taken) == (
        2, 40, 5, 120, D("12.5"),
    )  # fmt: skip
    assert page.without == 2
