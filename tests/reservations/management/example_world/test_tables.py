"""The tables of the example world fit together. No database: they are data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from accounts.models import Organisation, Project
from reservations.management.example_world import funding, machines, people, places, projects, weeks

NOW = datetime(2026, 11, 22, 15, tzinfo=UTC)


def test_there_is_enough_of_everything() -> None:
    assert len({place.country for place in places.PLACES}) == 4
    assert len(machines.MACHINES) >= 8
    # Projects of the class independent are made by signing up.
    given = set(Project.Class.values) - {Project.Class.INDEPENDENT}
    assert {project.project_class for project in projects.PROJECTS} == given
    assert len({person.key for person in people.PEOPLE}) == len(people.PEOPLE)


def test_every_name_that_is_used_exists() -> None:
    persons = {person.key for person in people.PEOPLE}
    organisations = {row.slug: row for row in people.ORGANISATIONS}
    accounts = {account.name for account in projects.ACCOUNTS}
    for row in people.ORGANISATIONS:
        assert row.lead in persons
        assert row.kind in Organisation.Kind.values
    for place in places.PLACES:
        assert organisations[place.owner].kind == "owner"
        ZoneInfo(place.time_zone)
    for machine in machines.EVERY:
        assert machine.place in places.BY_SLUG
    for account in projects.ACCOUNTS:
        assert not account.parent or account.parent in accounts
    for project in projects.PROJECTS:
        assert {project.lead, *project.members} <= persons
        assert project.account in accounts
        assert not project.organisation or project.organisation in organisations
        assert all(organisations[grant.funder].kind == "funder" for grant in project.grants)
        assert all(project.project_class in funding.LINES[grant.funder].classes for grant in project.grants)
        assert all(habit.machine in machines.BY_SLUG for habit in project.habits)


def test_every_fact_has_its_source() -> None:
    for machine in machines.EVERY:
        assert machine.hardware_source
        assert machine.watts_source
        assert machine.purchase.source
        assert bool(machine.purchase.granted) == bool(machine.purchase.granted_by)
    for place in places.PLACES:
        assert place.pue_source
        assert place.electricity_source


def test_public_money_of_an_owner_and_of_a_project_is_marked() -> None:
    for project in projects.PROJECTS:
        assert project.uses_public_money == (project.project_class not in ("startup", "industry"))


@pytest.mark.parametrize("ahead", range(6))
def test_a_week_is_the_same_whoever_asks_and_another_week_is_not(ahead: int) -> None:
    monday = weeks.week_of(NOW) + timedelta(weeks=ahead)
    assert weeks.wishes(monday) == weeks.wishes(monday)
    assert weeks.wishes(monday) != weeks.wishes(monday + weeks.WEEK)


def test_wishes_lie_on_the_grid_and_are_asked_before_they_start() -> None:
    monday = weeks.week_of(NOW)
    for wish in weeks.wishes(monday):
        assert monday <= wish.start < monday + weeks.WEEK
        assert wish.start.minute == wish.end.minute == 0
        assert wish.asked_at < wish.start < wish.end <= wish.start + timedelta(days=7)
        assert 1 <= wish.devices <= machines.BY_SLUG[wish.machine].devices
        assert wish.gives_up_at is None or wish.asked_at < wish.gives_up_at < wish.start


def test_owners_close_before_anybody_books() -> None:
    monday = weeks.week_of(NOW)
    earliest = min(wish.asked_at for wish in weeks.wishes(monday))
    for closing in weeks.closings(monday):
        assert closing.decided_at < earliest
        assert monday < closing.start < closing.end <= monday + weeks.WEEK


def test_a_week_begins_on_monday_in_utc() -> None:
    assert weeks.week_of(NOW) == datetime(2026, 11, 16, tzinfo=UTC)
    assert weeks.week_of(datetime(2026, 11, 16, tzinfo=UTC)) == datetime(2026, 11, 16, tzinfo=UTC)
    paris = ZoneInfo("Europe/Paris")
    assert weeks.week_of(datetime(2026, 11, 16, 0, 30, tzinfo=paris)) == datetime(2026, 11, 9, tzinfo=UTC)
