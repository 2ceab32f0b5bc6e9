from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import OrganisationMembership, User
from common import clock, formats
from nodes.models import Agent, Node
from pricing.domain.declared import to_json
from pricing.models import CostStatement, Tariff
from pricing.selectors.owner import owner_page
from pricing.services import drafts
from pricing.services.statements import publish_statement
from pricing.services.tariffs import publish_tariff
from tests import factories
from tests.nodes.cast import SigningAgent

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
PRICE = "/nodes/gemini/tariffs/new/"


@pytest.fixture
def lead() -> User:
    return factories.make_user("omar")


@pytest.fixture
def node(lead: User) -> Node:
    owner = factories.make_organisation(lead=lead, slug="lyon", name="Lyon")
    return factories.make_node(devices=8, owner=owner, slug="gemini", name="Gemini")


@pytest.fixture
def client(lead: User) -> Client:
    client = Client()
    client.force_login(lead)
    return client


def publish(node: Node, by: User, **fields: object) -> CostStatement:
    at = clock.now()
    wanted = {"effective_from": at, "at": at, "declared": factories.make_declared()} | fields
    return publish_statement(node=node, published_by=by, **wanted)  # type: ignore[arg-type]


def text(client: Client, address: str) -> str:
    return client.get(address).content.decode()


# --- the owner's first page ----------------------------------------------------------------------------
def test_the_first_page_says_what_each_node_still_needs(node: Node, lead: User, client: Client) -> None:
    assert "No cost statement is in force: nobody can book this node." in text(client, "/owner/")
    drafts.start_draft(node=node, by=lead, at=clock.now())
    assert "A draft is open, saved last on" in text(client, "/owner/")
    drafts.discard_draft(node=node, version=None)
    publish(node, lead)
    assert "The statement has no price yet" in text(client, "/owner/")
    client.post(PRICE, {"price": "1.20", "first_day": clock.now().date()})
    Agent.objects.filter(pk=SigningAgent(node).row.pk).update(last_seen_at=clock.now())
    page = text(client, "/owner/")
    assert "Nothing" in page
    assert "1.2000" in page
    body = to_json(factories.make_declared())
    drafts.replace_draft(node=node, declared=body, version=None, by=lead, at=clock.now())
    at = clock.now()
    drafts.publish_draft(node=node, version=None, effective_from=at, by=lead, at=at)
    assert "The price still follows from an older statement." in text(client, "/owner/")


def test_a_node_that_runs_nothing_is_not_done(node: Node, lead: User, client: Client) -> None:
    factories.publish_prices(node, by=lead, since=clock.now() - DAY)
    page = text(client, "/owner/")
    assert "No agent is connected: no job can run here." in page
    assert 'href="/nodes/gemini/agent/"' in page
    assert "Nothing" not in page
    agent = Agent.objects.filter(pk=SigningAgent(node).row.pk)
    assert "Its agent has not called yet" in text(client, "/owner/")
    agent.update(last_seen_at=clock.now() - DAY)
    page = text(client, "/owner/")
    assert "Its agent has been silent since" in page
    assert "Nothing" not in page
    agent.update(last_seen_at=clock.now())
    assert "Nothing" in text(client, "/owner/")


def test_an_announced_price_is_not_the_one_in_force(node: Node, lead: User, client: Client) -> None:
    statement, at = publish(node, lead), clock.now()
    begins = at + 9 * DAY
    publish_tariff(
        statement=statement, effective_from=begins, published_by=lead, at=at,
        over_recovered=Decimal(0), owner_adjustment=Decimal(0),
    )  # fmt: skip
    assert "The price is announced and not in force yet: nobody can book" in text(client, "/owner/")
    (row,) = owner_page(user=lead, at=at).groups[0].rows
    assert row.needs[0].text.endswith(f"before {formats.moment_with_year(begins)}.")
    assert row.tariff is None
    assert row.announced_tariff is not None
    Agent.objects.filter(pk=SigningAgent(node).row.pk).update(last_seen_at=begins)
    (row,) = owner_page(user=lead, at=begins).groups[0].rows
    assert (row.needs, row.announced_tariff) == ([], None)
    assert row.tariff is not None


def test_it_shows_the_nodes_of_ones_own_organisations_alone(node: Node, client: Client) -> None:
    factories.make_node(name="Somebody else’s")
    page = text(client, "/owner/")
    assert "Gemini" in page
    assert "Somebody else" not in page


def test_who_owns_nothing_is_told_how_one_begins() -> None:
    client = Client()
    client.force_login(factories.make_user())
    assert "You own no nodes." in text(client, "/owner/")
    assert Client().get("/owner/").status_code == 302


def test_a_member_sees_what_is_to_do_and_no_link_to_it(node: Node) -> None:
    member = factories.make_user("mina")
    OrganisationMembership.objects.create(organisation=node.owner, user=member)
    client = Client()
    client.force_login(member)
    page = text(client, "/owner/")
    assert "No cost statement is in force" in page
    assert "Begin a statement" not in page


def test_a_hundred_nodes_cost_no_more_than_one(
    node: Node, lead: User, client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    site = node.site
    for _number in range(20):
        made = factories.make_node(devices=1, owner=node.owner, site=site)
        publish(made, lead)
    with django_assert_max_num_queries(12):
        assert text(client, "/owner/").count("<tr") == 22


def test_an_owner_is_led_there(node: Node, client: Client) -> None:
    for address in ("/start/", "/organisations/lyon/"):
        assert 'href="/owner/"' in text(client, address), address
        assert 'href="/owner/"' not in text(Client(), address), address


# --- statements and their price ------------------------------------------------------------------------
def test_all_that_was_published_is_listed_with_its_state(node: Node, lead: User, client: Client) -> None:
    publish(node, lead)
    publish(node, lead, effective_from=clock.now() + 9 * DAY)
    page = text(client, "/nodes/gemini/statements/")
    assert page.index("Announced") < page.index("In force</span>")
    assert "published by Omar" in page


def test_the_price_that_follows_is_offered_and_published(node: Node, lead: User, client: Client) -> None:
    publish(node, lead)
    page = text(client, PRICE)
    assert 'value="1.502027"' in page
    answer = client.post(PRICE, {"price": "1.502027", "first_day": clock.now().date()}, follow=True)
    assert "A device-hour costs" in answer.content.decode()
    tariff = Tariff.objects.get(node=node)
    assert (str(tariff.price), tariff.owner_adjustment, tariff.published_by) == ("1.502027", 0, lead)
    assert "1.5020" in text(Client(), "/prices/")


@pytest.mark.parametrize("price", ["-1", "abc", ""])
def test_a_price_that_cannot_be_is_told_in_place(node: Node, lead: User, client: Client, price: str) -> None:
    publish(node, lead)
    answer = client.post(PRICE, {"price": price, "first_day": clock.now().date()})
    assert answer.status_code == 400
    assert 'id="id_price_error"' in answer.content.decode()
    assert f'value="{price}"' in answer.content.decode() or not price
    assert not Tariff.objects.exists()


def test_without_a_statement_there_is_no_price_to_set(node: Node, client: Client) -> None:
    assert "No cost statement is in force." in text(client, PRICE)
    answer = client.post(PRICE, {"price": "1", "first_day": clock.now().date()})
    assert answer.status_code == 400
    assert not Tariff.objects.exists()
