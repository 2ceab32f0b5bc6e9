"""Names that others see, and what a person belongs to."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.test import override_settings

from accounts import selectors
from accounts.models import User
from tests import factories

NOVEMBER = datetime(2026, 11, 24, 9, 42, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 1, tzinfo=UTC)


def test_public_money_is_used_under_the_projects_own_name(db: None) -> None:
    project = factories.make_project(name="Coastal flood atlas", uses_public_money=True)
    assert selectors.public_names([project.pk], NOVEMBER) == {project.pk: "Coastal flood atlas"}


def test_any_other_project_has_a_pseudonym(db: None) -> None:
    project = factories.make_project(name="Secret turbine")
    [name] = selectors.public_names([project.pk], NOVEMBER).values()
    assert re.fullmatch(r"project t[0-9a-f]{5}", name)


def test_a_pseudonym_holds_for_a_month_of_utc(db: None) -> None:
    project = factories.make_project()
    first, last = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC)
    assert selectors.public_names([project.pk], first) == selectors.public_names([project.pk], last)
    assert selectors.public_names([project.pk], last) != selectors.public_names([project.pk], DECEMBER)


def test_a_pseudonym_needs_the_secret(db: None) -> None:
    project = factories.make_project()
    here = selectors.public_names([project.pk], NOVEMBER)
    with override_settings(PSEUDONYM_SECRET="another"):
        assert selectors.public_names([project.pk], NOVEMBER) != here


def test_two_projects_have_two_pseudonyms(db: None) -> None:
    names = selectors.public_names(
        [factories.make_project().pk, factories.make_project().pk], NOVEMBER
    ).values()
    assert len(set(names)) == 2


def test_many_names_cost_one_query(db: None, django_assert_num_queries: object) -> None:
    projects = [factories.make_project().pk for _ in range(5)]
    with django_assert_num_queries(1):  # type: ignore[operator]
        selectors.public_names(projects, NOVEMBER)


def test_nobody_asked_for_is_nobody_named(db: None) -> None:
    assert selectors.public_names([], NOVEMBER) == {}


def test_memberships_name_what_one_belongs_to_and_as_what(ada: User, mallory: User) -> None:
    factories.make_project(lead=ada, name="Atlas")
    factories.make_organisation(lead=ada, name="Laboratory")
    belongs = selectors.memberships(ada)
    assert [(one.name, one.role) for one in belongs.projects] == [("Atlas", "Lead")]
    assert [(one.name, one.kind) for one in belongs.organisations] == [("Laboratory", "Node owner")]
    assert selectors.memberships(mallory) == selectors.Memberships([], [])


@pytest.mark.parametrize("moment", [NOVEMBER, DECEMBER])
def test_a_pseudonym_never_contains_the_real_name(db: None, moment: datetime) -> None:
    project = factories.make_project(name="Secret turbine", slug="secret-turbine")
    [name] = selectors.public_names([project.pk], moment).values()
    assert "turbine" not in name
    assert str(project.uid)[:8] not in name
