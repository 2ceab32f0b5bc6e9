"""The pricing policy and its exceptions on pages: what everybody reads, what stewards and owners do."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.test import Client

from accounts.models import OrganisationMembership, User
from common import clock
from common.formats import long_day
from nodes.models import Node
from pricing.models import PriceException, PricingPolicy, Tariff
from tests import factories
from tests.pricing.services.test_caps import RULES, ask, end, grant, make_statement, publish

pytestmark = pytest.mark.django_db
MARKUP = "<img src=x onerror=alert(1)> {{7*7}}"
FORMULA = "=cmd|'/C calc'!A0"
POLICY, PRICES = "/steward/prices/policy/", "/steward/prices/"


@pytest.fixture
def steward() -> User:
    return factories.give_second_factor(factories.make_user(is_steward=True))


@pytest.fixture
def node() -> Node:
    """A private node sold within the cap, which allows 1.652229 EUR."""
    factories.make_pricing_policy()
    statement = make_statement()
    ask(statement, "1.6")
    return statement.node


def client_of(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return str(answer.content.decode()).replace("\xa0", " ")


def day(days: int) -> str:
    return (clock.now() + timedelta(days=days)).date().isoformat()


def rules(**changes: object) -> dict[str, object]:
    return {
        "private_cap": "15", "public_cap": "0", "utilisation_floor": "62.5", "window_months": "24",
        "effective_from": "", "reason": "Fifteen per cent pay for idle months.", **changes,
    }  # fmt: skip


def exception(**changes: object) -> dict[str, object]:
    return {
        "highest_price": "2,50", "effective_from": "", "effective_until": day(30),
        "reason": "The only one of its kind.", **changes,
    }  # fmt: skip


# --- what everybody reads ----------------------------------------------------------------------------
def test_the_policy_is_read_in_words_with_its_numbers(node: Node) -> None:
    page = text_of(Client(), "/prices/policy/")
    assert "A price may lie at most 10 % above the chargeable cost of an hour." in page
    assert "A price recovers the chargeable cost of an hour and nothing more." in page
    assert "used less than 50 % of its available hours" in page
    told = Client().get("/prices/policy.json")
    assert told["Access-Control-Allow-Origin"] == "*"
    assert (told.json()["in_force"], told.json()["policies"][0]["private_cap"]) == (1, "0.1")
    rows = list(csv.DictReader(StringIO(Client().get("/prices/policy.csv").content.decode())))
    assert (rows[0]["utilisation_floor"], rows[0]["state"]) == ("0.5", "in_force")


def test_before_the_first_policy_what_holds_is_said() -> None:
    assert "No pricing policy is in force: a price can be at most" in text_of(Client(), "/prices/policy/")
    assert Client().get("/prices/policy.json").json()["in_force"] is None


def test_exceptions_stand_beside_those_to_the_policy(node: Node) -> None:
    granted = grant(node, "2.5", reason="A rare device.")
    page = text_of(Client(), "/exceptions/")
    assert f'id="p-{granted.uid}"' in page
    assert "A rare device." in page
    end(granted)
    assert "More are here." in text_of(Client(), "/exceptions/")
    (told,) = Client().get("/prices/exceptions.json").json()["exceptions"]
    assert (told["node"], told["highest_price"], told["state"], told["to"]) == (
        node.slug,
        "2.5",
        "over",
        "cap",
    )


def test_an_exception_of_a_node_that_never_was_listed_does_not_say_its_address(node: Node) -> None:
    grant(node)
    node.state = Node.State.DRAFT
    node.save(update_fields=["state"])
    (told,) = Client().get("/prices/exceptions.json").json()["exceptions"]
    assert told["node"] == str(node.uid)
    for address in ("/prices/exceptions.json", "/prices/exceptions.csv", "/exceptions/"):
        page = text_of(Client(), address)
        assert node.slug not in page
        assert node.name not in page


def test_a_reason_is_text_on_pages_and_in_spreadsheets(node: Node) -> None:
    grant(node, reason=MARKUP)
    publish(replace(RULES, private_cap=Decimal("0.2")), reason=MARKUP)
    for address in ("/exceptions/", "/prices/policy/"):
        page = text_of(Client(), address)
        assert MARKUP not in page
        assert "{{7*7}}" in page
    grant(factories.make_node(), reason=FORMULA)
    rows = list(csv.DictReader(StringIO(Client().get("/prices/exceptions.csv").content.decode())))
    assert {row["reason"] for row in rows} == {MARKUP, f"'{FORMULA}"}


def test_a_price_above_the_cap_is_shown_to_everybody(node: Node) -> None:
    publish(replace(RULES, private_cap=Decimal("0.01")))
    page = text_of(Client(), "/prices/policy/")
    assert node.name in page
    assert "1.5170" in page
    assert "above the cap" in text_of(Client(), f"/nodes/{node.slug}/")
    flag = Client().get(f"/nodes/{node.slug}.json").json()["cap"]
    assert (flag["is_above"], flag["is_above_highest"], flag["limit"]) == (True, True, "1.517047")


def test_a_price_within_it_is_not(node: Node) -> None:
    assert "above the cap" not in text_of(Client(), f"/nodes/{node.slug}/")
    cap = Client().get(f"/nodes/{node.slug}.json").json()["cap"]
    assert (cap["is_above"], cap["limit"], cap["policy"]) == (False, "1.652229", 1)
    assert cap["is_above_highest"] is False


def test_a_price_above_the_cap_says_what_it_may_be_until_when_and_why(node: Node) -> None:
    granted = grant(node, "2.5", reason="A rare device")
    ask(node.statements.get(), "1.9")
    until = long_day(granted.effective.upper)
    for address in (f"/nodes/{node.slug}/", f"/nodes/{node.slug}/costs/"):
        page = text_of(Client(), address)
        assert "above the cap of EUR 1.6522." in page
        assert f"it may cost up to EUR 2.5000 until {until}: A rare device." in page
        assert f'href="/exceptions/#p-{granted.uid}"' in page
    assert "By a public exception it may cost up to EUR 2.5000" in page  # under what changed, too
    cap = Client().get(f"/nodes/{node.slug}.json").json()["cap"]
    assert (cap["is_above"], cap["is_above_highest"], cap["highest"]) == (True, False, "2.5")
    assert (cap["exception_reason"], cap["exception"]) == ("A rare device", str(granted.uid))
    (change,) = Client().get(f"/nodes/{node.slug}/costs.json").json()["price_changes"]
    assert (change["old"], change["new"], change["exception"]) == ("1.6", "1.9", str(granted.uid))


def test_a_cap_that_counts_more_use_than_the_owner_expects_says_so(node: Node) -> None:
    assert "of the available hours as used" not in text_of(Client(), f"/nodes/{node.slug}/")
    publish(replace(RULES, utilisation_floor=Decimal("0.9")))
    for address in (f"/nodes/{node.slug}/", f"/nodes/{node.slug}/costs/"):
        page = text_of(Client(), address)
        assert "The cap lies below the chargeable cost: it counts at least 90 % of the available" in page
        assert "the owner expects 72 %." in page


@pytest.mark.parametrize(
    ("address", "queries"), [("/prices/policy/", 8), ("/exceptions/", 8), ("/prices/policy.json", 1)]
)
def test_pages_take_as_many_queries_for_many(
    node: Node, address: str, queries: int, django_assert_max_num_queries: Any
) -> None:
    for _ in range(3):
        statement = make_statement()
        ask(statement, "1.6")
        end(grant(statement.node))
        grant(statement.node)
    publish(replace(RULES, private_cap=Decimal("0.01")))
    Client().get(address)
    with django_assert_max_num_queries(queries):
        Client().get(address)


# --- what stewards do --------------------------------------------------------------------------------
def everybody(node: Node) -> dict[str, tuple[User | None, int]]:
    """Who is not a steward, and what they get."""
    lead = factories.make_user()
    OrganisationMembership.objects.create(organisation=node.owner, user=lead, role="lead")
    return {"stranger": (None, 302), "member": (factories.make_user(), 404), "owner": (lead, 404)}


def test_nobody_but_stewards_with_a_second_factor_does_any_of_it(node: Node) -> None:
    granted = grant(node)
    pages = [
        (POLICY, rules()), (f"/steward/nodes/{node.slug}/price-exceptions/", exception()),
        (f"/steward/price-exceptions/{granted.uid}/", {"reason": "Over."}),
    ]  # fmt: skip
    for who, status in everybody(node).values():
        assert client_of(who).get(PRICES).status_code == status
        for address, posted in pages:
            assert client_of(who).get(address).status_code == status
            assert client_of(who).post(address, posted).status_code == status
    lacking = client_of(factories.make_user(is_steward=True))
    for address, posted in pages:
        assert lacking.get(address).status_code == 200
        assert lacking.post(address, posted).status_code == 403
    assert (PricingPolicy.objects.count(), PriceException.objects.count()) == (1, 1)


def test_a_steward_publishes_the_policy_in_per_cent(steward: User, node: Node) -> None:
    client = client_of(steward)
    assert 'value="10"' in text_of(client, POLICY)
    answer = client.post(POLICY, rules())
    assert (answer.status_code, answer["Location"]) == (302, PRICES)
    made = PricingPolicy.objects.first()
    assert made is not None
    assert (made.version, made.private_cap, made.utilisation_floor) == (2, Decimal("0.15"), Decimal("0.625"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"private_cap": "1000"}, "a price can be allowed to lie at most 100 % above its cost"),
        ({"private_cap": "ten"}, "“ten” is not a number"),
        ({"public_cap": "20"}, "cannot be above that of private nodes, 15 %"),
        ({"utilisation_floor": "0"}, "it lies above zero"),
        ({"window_months": "900"}, "it can be 1 to 60"),
        ({"effective_from": "2020-01-01"}, "not in the past"),
        ({"effective_from": "0001-01-01"}, "Write a day such as"),
        ({"reason": ""}, "This field is required"),
        ({"private_cap": "10", "utilisation_floor": "50"}, "the numbers of version 1 already"),
    ],
)
def test_what_is_wrong_is_said_in_place_and_nothing_typed_is_lost(
    steward: User, node: Node, changes: dict[str, object], said: str
) -> None:
    answer = client_of(steward).post(POLICY, rules(**changes))
    assert answer.status_code in (400, 409)
    page = answer.content.decode().replace("\xa0", " ").replace("&#x27;", "'")
    assert said in page
    assert str(rules(**changes)["private_cap"]) in page
    assert PricingPolicy.objects.count() == 1


def test_a_steward_grants_an_exception_and_ends_it(steward: User, node: Node) -> None:
    client = client_of(steward)
    assert node.name in text_of(client, f"{PRICES}?q={node.slug}")
    address = f"/steward/nodes/{node.slug}/price-exceptions/"
    assert "1.652229" in text_of(client, address)
    assert client.post(address, exception()).status_code == 302
    made = PriceException.objects.get()
    assert made.highest_price == Decimal("2.5")
    assert "The only one of its kind." in text_of(client, PRICES)
    page = f"/steward/price-exceptions/{made.uid}/"
    assert "End the exception" in text_of(client, page)
    assert client.post(page, {"reason": ""}).status_code == 400
    assert client.post(page, {"reason": "Over."}).status_code == 302
    again = client.post(page, {"reason": "Over."})
    assert (again.status_code, "ended already" in again.content.decode()) == (409, True)
    assert "It is over." in text_of(client, page)


def test_a_steward_of_the_owner_is_told_to_leave_it_to_another(steward: User, node: Node) -> None:
    OrganisationMembership.objects.create(organisation=node.owner, user=steward, role="member")
    client, address = client_of(steward), f"/steward/nodes/{node.slug}/price-exceptions/"
    assert "another steward does this" in text_of(client, address)
    assert client.post(address, exception()).status_code == 409


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"highest_price": "0"}, "Write a price above zero"),
        ({"highest_price": "1e9"}, "is not a number"),
        ({"effective_until": "2020-01-01"}, "before the beginning"),
        ({"effective_until": "9999-12-31"}, "Write a day such as"),
        ({"reason": "two\nlines"}, "on one line"),
    ],
)
def test_an_exception_that_cannot_be_is_said_in_place(
    steward: User, node: Node, changes: dict[str, object], said: str
) -> None:
    address = f"/steward/nodes/{node.slug}/price-exceptions/"
    answer = client_of(steward).post(address, exception(**changes))
    assert answer.status_code in (400, 409)
    assert said in answer.content.decode()
    assert not PriceException.objects.exists()


# --- what owners are told ----------------------------------------------------------------------------
@pytest.fixture
def owner(node: Node) -> Client:
    lead = factories.make_user()
    OrganisationMembership.objects.create(organisation=node.owner, user=lead, role="lead")
    return client_of(lead)


def test_an_owner_above_the_cap_is_told_how_far_they_can_go(node: Node, owner: Client) -> None:
    address = f"/nodes/{node.slug}/tariffs/new/"
    assert "a chargeable cost of 1.502027 EUR an hour at 72 % use, and 10 % more" in text_of(owner, address)
    answer = owner.post(address, {"price": "2", "first_day": day(0)})
    page = answer.content.decode().replace("\xa0", " ")
    assert answer.status_code == 400
    assert "allows at most 1.652229 EUR" in page
    assert 'value="2"' in page
    assert owner.post(address, {"price": "1.65", "first_day": day(0)}).status_code == 302


def test_an_owner_with_an_exception_is_told_when_their_price_ends(node: Node, owner: Client) -> None:
    granted = grant(node, "2.5")
    address = f"/nodes/{node.slug}/tariffs/new/"
    assert "a price above the cap ends with it" in text_of(owner, address)
    answer = owner.post(address, {"price": "2.5", "first_day": day(0)}, follow=True)
    assert "It is above the cap and ends with the exception" in answer.content.decode()
    assert Tariff.objects.get(number=2).exception == granted
