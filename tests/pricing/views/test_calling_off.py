"""What owners see and do before a price or a statement takes effect."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from accounts.models import Notice, OrganisationMembership, User
from common import clock
from nodes.models import Agent, Node
from pricing.domain.declared import to_json
from pricing.models import CostStatement, StatementDraft, Tariff
from pricing.services import drafts, telling
from pricing.services.statements import publish_statement
from pricing.services.tariffs import set_price
from tests import factories
from tests.nodes.cast import SigningAgent

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
PARIS = ZoneInfo("Europe/Paris")
REVIEW = "/nodes/gemini/statements/draft/review/"
PRICE = "/nodes/gemini/tariffs/new/"
ADDRESS = "/nodes/gemini/tariffs/2/call-off/"
LOWER = Decimal("1.443671")  # the limit with a third of the staff


@pytest.fixture
def lead() -> User:
    return factories.make_user("omar")


@pytest.fixture
def node(lead: User) -> Node:
    """Priced at 1.6 EUR, within its cap of 1.652229."""
    factories.make_pricing_policy()
    owner = factories.make_organisation(lead=lead, slug="lyon", name="Lyon")
    made = factories.make_node(devices=8, owner=owner, slug="gemini", name="Gemini")
    factories.publish_prices(made, by=lead, owner_adjustment="0.097973")
    return made


@pytest.fixture
def announced(node: Node, lead: User) -> Tariff:
    at = clock.now()
    return set_price(node=node, price=Decimal("1.2"), effective_from=at + 5 * DAY, by=lead, at=at)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def in_days(days: int) -> date:
    return clock.now().astimezone(PARIS).date() + timedelta(days=days)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=PARIS)


def draft(node: Node, by: User, **changes: object) -> StatementDraft:
    body = to_json(factories.make_declared(**changes))
    return drafts.replace_draft(node=node, declared=body, version=None, by=by, at=clock.now())


def test_an_announced_price_leads_to_where_it_is_called_off(node: Node, lead: User) -> None:
    client = client_of(lead)
    sent = {"first_day": f"{in_days(5):%Y-%m-%d}", "price": "1.2"}
    answer = client.post(PRICE, sent)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/nodes/gemini/statements/")
    assert ADDRESS in client.get("/nodes/gemini/statements/").content.decode()
    answer = client.post(PRICE, {"first_day": f"{in_days(0):%Y-%m-%d}", "price": "1.1"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/nodes/gemini/")


# --- calling off ---------------------------------------------------------------------------------------
def test_an_announced_price_is_called_off_and_the_one_before_goes_on(announced: Tariff, lead: User) -> None:
    client = client_of(lead)
    assert ADDRESS in client.get("/nodes/gemini/statements/").content.decode()
    page = client.get(ADDRESS).content.decode()
    assert "The price before it goes on: EUR\N{NO-BREAK SPACE}1.6000" in page
    assert client.post(ADDRESS, {"reason": " "}).status_code == 400
    answer = client.post(ADDRESS, {"reason": "A slip of the pen."}, follow=True).content.decode()
    assert "Tariff 2 is called off." in answer
    assert "Called off: A slip of the pen." in answer
    assert "was announced for" in answer
    announced.refresh_from_db()
    assert announced.is_called_off
    assert Tariff.objects.get(number=1).effective_until is None


def test_what_has_begun_or_was_called_off_is_not(announced: Tariff, lead: User) -> None:
    client = client_of(lead)
    begun = client.post("/nodes/gemini/tariffs/1/call-off/", {"reason": "No."})
    assert (begun.status_code, "It is in force since" in begun.content.decode()) == (409, True)
    client.post(ADDRESS, {"reason": "A slip."})
    again = client.post(ADDRESS, {"reason": "A slip."})
    assert (again.status_code, "It was called off already." in again.content.decode()) == (409, True)
    assert "Call it off" not in again.content.decode()


@pytest.mark.parametrize("address", [ADDRESS, "/api/v1/nodes/gemini/tariffs/2/call-off"])
def test_strangers_do_not_find_it_and_members_may_not(announced: Tariff, address: str) -> None:
    member, stranger = factories.make_user(), factories.make_user()
    OrganisationMembership.objects.create(organisation=announced.node.owner, user=member)
    said = {"reason": "Mine."}
    for user, status in ((stranger, 404), (member, 403)):
        answer = client_of(user).post(address, said, content_type="application/json")
        assert answer.status_code == status
    announced.refresh_from_db()
    assert not announced.is_called_off


def test_a_program_calls_it_off_too(announced: Tariff, lead: User) -> None:
    address = "/api/v1/nodes/gemini/tariffs/2/call-off"
    answer = client_of(lead).post(address, {"reason": "A slip."}, content_type="application/json")
    assert (answer.status_code, answer.json()["called_off"]["reason"]) == (200, "A slip.")
    again = client_of(lead).post(address, {"reason": "A slip."}, content_type="application/json")
    assert (again.status_code, again.json()["code"]) == (409, "call_off_refused")
    (second, first) = Client().get("/api/v1/nodes/gemini/tariffs").json()["items"]
    assert (second["effective_from"], second["called_off"] is None) == (second["effective_until"], False)
    assert (first["effective_until"], first["called_off"]) == (None, None)


def test_an_announced_statement_is_called_off_on_the_page_where_others_are_withdrawn(
    node: Node, lead: User
) -> None:
    at = clock.now()
    publish_statement(
        node=node, declared=factories.make_declared(), effective_from=at + 5 * DAY, published_by=lead, at=at
    )
    client, address = client_of(lead), "/nodes/gemini/statements/2/withdraw/"
    page = client.get(address).content.decode()
    assert "Call off statement 2?" in page
    assert 'name="first_day"' not in page
    answer = client.post(address, {"reason": "Too early."}, follow=True).content.decode()
    assert "Statement 2 is called off." in answer
    assert CostStatement.objects.get(number=1).effective_until is None


# --- the review ----------------------------------------------------------------------------------------
def test_the_review_says_what_the_price_will_become(node: Node, lead: User) -> None:
    draft(node, lead, staff_posts=Decimal("0.05"))
    client = client_of(lead)
    page = client.get(REVIEW).content.decode()
    assert "Your price of EUR\N{NO-BREAK SPACE}1.6000" in page
    assert "it will be EUR\N{NO-BREAK SPACE}1.4437" in page
    sent = {"version": str(StatementDraft.objects.get().version), "first_day": in_days(0).isoformat()}
    assert client.post(REVIEW, sent).status_code == 302
    assert Tariff.objects.order_by("-number")[0].price == LOWER


def test_the_result_is_read_before_the_button(node: Node, lead: User) -> None:
    """In the source, so that a phone and a keyboard have that order too."""
    draft(node, lead)
    page = client_of(lead).get(REVIEW).content.decode()
    assert page.index('id="effect"') < page.index('id="publish"') < page.index('id="said"')


def test_it_counts_for_the_day_of_effect(node: Node, lead: User) -> None:
    """Half of the machine's last year is over by then, and the price is lowered from that day on."""
    worn_out = factories.make_asset(purchased_on=in_days(200) - timedelta(days=5 * 365 + 1))
    draft(node, lead, assets=(worn_out,))
    client = client_of(lead)
    now = client.get(REVIEW)
    sent = {
        "version": str(StatementDraft.objects.get().version),
        "first_day": in_days(150).isoformat(),
        "look": "",
    }
    then = client.post(REVIEW, sent, follow=True)
    assert then.context["page"].begins == midnight(in_days(150))
    assert f'value="{in_days(150).isoformat()}"' in then.content.decode()
    dear, cheap = (answer.context["effect"].cost.full_year for answer in (now, then))
    assert cheap < dear
    # Every step counts for that day, too.
    step = client.get("/nodes/gemini/statements/draft/purchase/")
    assert step.context["effect"].cost.full_year == cheap
    sent = sent | {"version": str(StatementDraft.objects.get().version)}
    del sent["look"]
    assert client.post(REVIEW, sent).status_code == 302
    published = CostStatement.objects.get(number=2)
    figures = published.components.values_list("full_year", flat=True)
    assert abs(sum(figures) - cheap) < Decimal("0.001")


def test_an_end_is_published_with_it_and_bounded(node: Node, lead: User) -> None:
    draft(node, lead)
    client = client_of(lead)
    sent = {"version": str(StatementDraft.objects.get().version), "first_day": in_days(1).isoformat()}
    late = client.post(REVIEW, sent | {"last_day": in_days(400).isoformat()})
    assert late.status_code == 400
    assert "The end is more than 366 days ahead" in late.content.decode()
    assert client.post(REVIEW, sent | {"last_day": in_days(300).isoformat()}).status_code == 302
    assert CostStatement.objects.get(number=2).effective_until == midnight(in_days(301))


# --- the price -----------------------------------------------------------------------------------------
def test_the_price_page_shows_what_follows_on_the_day_that_is_asked_for(node: Node, lead: User) -> None:
    at = clock.now()
    publish_statement(
        node=node, declared=factories.make_declared(staff_posts=Decimal("0.05")),
        effective_from=midnight(in_days(5)), published_by=lead, at=at,
    )  # fmt: skip
    client = client_of(lead)
    page = client.get(PRICE).content.decode()
    assert "by statement 2" in page
    assert "1.652229" in page
    assert "1.443671" in page
    asked = {"price": "1.4", "first_day": in_days(6).isoformat(), "look": ""}
    looked = client.post(PRICE, asked)
    assert (looked.status_code, looked.context["page"].basis.statement.number) == (200, 2)
    assert Tariff.objects.filter(price=Decimal("1.4")).count() == 0


# --- a year that is over -------------------------------------------------------------------------------
def test_a_statement_whose_year_is_over_is_marked_and_its_owner_is_told_once(lead: User) -> None:
    at = clock.now()
    owner = factories.make_organisation(lead=lead)
    node = factories.make_node(devices=8, owner=owner, slug="gemini")
    factories.publish_prices(node, by=lead, since=at - 400 * DAY)
    client = client_of(lead)
    assert "The year that the statement counts is over since" in client.get("/owner/").content.decode()
    assert "for review since" in client.get("/nodes/gemini/statements/").content.decode()
    for _time in range(2):
        telling.tell_owners(at=at)
    (notice,) = Notice.objects.filter(user=lead)
    assert notice.kind == "statement_to_review"
    telling.tell_owners(at=at)
    assert Notice.objects.count() == 1


def test_within_its_year_it_is_not(node: Node, lead: User) -> None:
    telling.tell_owners(at=clock.now() + 330 * DAY)
    assert not Notice.objects.exists()
    Agent.objects.filter(pk=SigningAgent(node).row.pk).update(last_seen_at=clock.now())
    assert "Nothing" in client_of(lead).get("/owner/").content.decode()
