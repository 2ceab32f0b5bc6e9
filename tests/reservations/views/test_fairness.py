"""/fairness/ with weeks to show, and its sections as files."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from common import clock
from reservations.domain.policy import standard
from reservations.domain.slots import Week
from reservations.models import Reservation, WeekSum
from reservations.selectors.fairness_weeks.sections import SECTIONS
from reservations.services import usage, weeks
from tests import factories
from tests.reservations.services.worlds import in_days, make_lab, make_open_node

pytestmark = pytest.mark.django_db


@pytest.fixture
def counted(client: Client) -> Week:
    """The week before the running one: two open projects used a node, one of them of public interest."""
    rules = standard()
    factories.make_policy(**{name: getattr(rules, name) for name in vars(rules)})
    node = make_open_node(devices=4)
    songs = make_lab(name="Bird songs", uses_public_money=True, project_class="citizen", shares=3)
    shapes = make_lab(name="Shapes", uses_public_money=True)
    week = Week.of(in_days(3))
    for lab, devices in ((songs, node.devices.all()[:3]), (shapes, node.devices.all()[3:])):
        lab.book(list(devices), in_days(3), hours=4)
    for reservation in Reservation.objects.all():
        usage.count_usage(reservation=reservation)
    weeks.count_week(week, at=week.end)
    # A page shows weeks as of now: what was counted ahead of time is put where it would be then.
    monday = Week.of(clock.now()).previous.start.date()
    WeekSum.objects.update(week=monday)
    return week


def test_every_section_has_its_files_and_who_has_them_is_told_so(client: Client, counted: Week) -> None:
    for name in SECTIONS:
        for ending in ("json", "csv"):
            address = f"/fairness/{name}.{ending}"
            first = client.get(address)
            assert (first.status_code, first["Access-Control-Allow-Origin"]) == (200, "*"), address
            again = client.get(address, headers={"If-None-Match": first["ETag"]})
            assert (again.status_code, again.content) == (304, b"")
            assert len(first.content) < 20_000
        told = client.get(f"/fairness/{name}.json").json()["weeks"]
        rows = list(csv.DictReader(StringIO(client.get(f"/fairness/{name}.csv").content.decode())))
        assert len(rows) == len(told)
        assert [row["key"] for row in rows] == [line["key"] for line in told]
        assert told
    WeekSum.objects.filter(of="all").update(counted_at=counted.next.end)
    assert client.get(address, headers={"If-None-Match": first["ETag"]}).status_code == 200
    assert client.get("/fairness/nothing.json").status_code == 404


def test_the_page_says_who_got_what_and_whether_the_floor_was_kept(client: Client, counted: Week) -> None:
    client.get("/accessibility/")
    with CaptureQueriesContext(connection) as queries:
        page = client.get("/fairness/").content.decode()
    assert len(queries) <= 10, [query["sql"][:90] for query in queries]
    # Entitled to what both wanted, and both got it.
    assert "1.000" in page
    assert "Bird songs" in page
    assert "Promised in 1 cell, and kept." in page
    assert "<td" in page
    assert len(page.encode()) < 120_000
    figures = client.get("/fairness/accounts.json").json()["weeks"]
    hours = {line["name"]: line["delivered"] for line in figures if line["of"] == "account"}
    assert float(hours["Bird songs"]) == pytest.approx(3 * float(hours["Shapes"]))


def test_a_year_is_shown_where_it_is_asked_for(client: Client, counted: Week) -> None:
    old = Week.of(clock.now()).previous
    for _ in range(30):
        old = old.previous
    WeekSum.objects.update(week=old.start.date())
    assert client.get("/fairness/accounts.json").json()["weeks"] == []
    assert client.get("/fairness/accounts.json?weeks=52").json()["weeks"]
    assert str(old) in client.get("/fairness/?weeks=52").content.decode()
    assert client.get("/fairness/?weeks=7").context["page"].weeks.period == 12


def test_the_running_week_has_no_parts_yet(client: Client, counted: Week) -> None:
    """A slot counts once it is over: on Monday morning one project would have had all of it."""
    WeekSum.objects.update(week=Week.of(clock.now()).start.date())
    page = client.get("/fairness/").content.decode()
    assert 'data-label="Jain’s index">–<' in page
    assert 'data-label="Bird songs">–<' in page
    assert "1.000" not in page
