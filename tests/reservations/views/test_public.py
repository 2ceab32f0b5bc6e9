"""Pages for everybody: home, policy, fairness, status, with and without anything to show."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from common import clock
from pricing.services import allowances
from reservations.domain import sweeps
from reservations.models import Sweep
from tests import factories
from tests.reservations.services.worlds import in_days, make_lab, make_open_node

pytestmark = pytest.mark.django_db
PAGES = ["/", "/policy/", "/fairness/", "/status/"]


@pytest.fixture
def world(client: Client) -> None:
    node = make_open_node(devices=3)
    public = make_lab(name="City heat sensors", uses_public_money=True, project_class="citizen", shares=3)
    secret = make_lab(name="Quiet start-up", shares=1)
    public.book([node.devices.all()[0]], None, hours=4)
    secret.book([node.devices.all()[1]], in_days(2))


@pytest.mark.parametrize("address", PAGES)
def test_an_empty_site_has_pages_all_the_same(client: Client, address: str) -> None:
    assert client.get(address).status_code == 200


@pytest.mark.parametrize("address", PAGES)
def test_a_public_page_costs_few_queries(client: Client, world: None, address: str) -> None:
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    most = 10 if address == "/fairness/" else 8
    assert len(queries) <= most, [str(query["sql"])[:110] for query in queries]


def test_fairness_publishes_the_universal_allowance_as_a_subsidy(client: Client, world: None) -> None:
    assert "Nobody pays one at present" in client.get("/fairness/").content.decode()
    funder = factories.make_organisation("funder", name="Open Fund")
    factories.make_line("100", funder=funder, allowance_hours=Decimal(20), allowance_amount=Decimal(60))
    factories.make_project(project_class="student")
    allowances.renew(at=clock.now())
    client.get("/accessibility/")
    with CaptureQueriesContext(connection) as queries:
        page = client.get("/fairness/").content.decode()
    assert len(queries) <= 10
    assert "Open Fund" in page
    # The citizen project came first; the line had no second one.
    assert "1 entitled project has none this month." in page
    twin = client.get("/fairness.json").json()["universal_allowance"]
    assert (twin["month"]["hours_given"], twin["month"]["projects"], twin["without"]) == ("20.00000000", 1, 1)


def test_home_counts_what_is_free_and_boards_the_next_slots(client: Client, world: None) -> None:
    page = client.get("/").context["page"]
    assert (page.free, page.bookable) == (2, 3)
    assert [(one.start, one.devices) for one in page.board[:1]] == [(None, 2)]
    assert (page.granted, page.asked) == (2, 2)


def test_policy_is_told_in_words_from_the_row_in_force(client: Client) -> None:
    factories.make_policy(horizon_days=21)
    page = client.get("/policy/").content.decode()
    assert "within 21 days" in page
    told = client.get("/policy.json").json()
    assert (told["policy"], told["rules"]["horizon_days"]) == (1, 21)


def test_fairness_tells_promised_and_received_and_hides_who_pays_in_private(
    client: Client, world: None
) -> None:
    page = client.get("/fairness/").content.decode()
    assert "City heat sensors" in page
    assert "Quiet start-up" not in page
    shares = client.get("/fairness.json").json()["shares"]
    assert sorted(Fraction(row["promised"]) for row in shares) == [Fraction(1, 4), Fraction(3, 4)]
    assert sum(Fraction(row["received"]) for row in shares) == 1


def test_status_says_which_sweeps_are_late(client: Client) -> None:
    now = clock.now()
    for name in sweeps.EVERY:
        Sweep.objects.create(name=name, finished_at=now, took_ms=3)
    assert "Everything runs." in client.get("/status/").content.decode()
    Sweep.objects.filter(name="reap").update(finished_at=now - 2 * sweeps.GRACE)
    assert "1 sweep is late." in client.get("/status/").content.decode()
