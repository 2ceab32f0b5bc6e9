"""What the site costs on its page, and where stewards publish it."""

from __future__ import annotations

import csv
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from common import clock
from pricing.models import SiteCosts, SiteFee
from tests import factories

pytestmark = pytest.mark.django_db
MARKUP = "<img src=x onerror=alert(1)> {{7*7}}"
PAGE, COSTS, FEE = "/site-costs/", "/steward/site-costs/", "/steward/site-costs/fee/"
D = Decimal


@pytest.fixture
def steward() -> User:
    return factories.give_second_factor(factories.make_user(is_steward=True))


def client_of(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def text_of(answer: Any) -> str:
    text = answer.content.decode().replace("\xa0", " ").replace("&#x27;", "'")
    return " ".join(str(text).split())


def typed(**changes: object) -> dict[str, object]:
    return {
        "hosting_amount_year": "4,200", "hosting_sentence": "Two servers.", "hosting_source": "Contract 7",
        "people_amount_year": "19800", "people_sentence": "A third of a post.", "people_source": "Scale 2026",
        "device_hours": "1,000,000", "subsidy_year": "4000", "subsidy_source": "The region",
        "fee": "0.02", "effective_from": "", "reason": "What the site begins with.", **changes,
    }  # fmt: skip


# --- what everybody reads ----------------------------------------------------------------------------
def test_the_page_tells_each_cost_and_works_the_fee_out() -> None:
    costs = factories.site_costs_of(subsidy_year=D(8000), subsidy_source="A region")
    factories.make_site_costs(costs=costs, fee=D("0.04"))
    page = text_of(Client().get(PAGE))
    for said in (
        "Two servers.", "Contract 2026-7", "60.0 %", "0.030000", "Statement 1, in force since",
        "Left for fees to cover", "<dd>42,000</dd>", "<dd>1,000,000</dd>", "<dd>0.042000</dd>",
        "<dd>0.040000</dd>", "It brings in", "<dd>40,000</dd>", "Not covered", "<dd>2,000</dd>",
    ):  # fmt: skip
        assert said in page, said


def test_before_the_first_statement_what_holds_is_said() -> None:
    assert "it can charge nothing" in text_of(Client().get(PAGE))
    told = Client().get("/site-costs.json").json()
    assert (told["in_force"], told["fee"], told["statements"]) == (None, "0", [])


def test_json_and_csv_have_every_figure_and_the_digest_can_be_worked_out_again() -> None:
    first = factories.make_site_costs(fee=D("0.05"))
    cheaper = factories.site_costs_of("10000", "20000")
    factories.make_site_costs(
        costs=cheaper, fee=D("0.03"), effective_from=None, corrects=first, reason="Rent, twice."
    )
    answer = Client().get("/site-costs.json")
    assert answer["Access-Control-Allow-Origin"] == "*"
    told = answer.json()
    assert (told["in_force"], told["fee"]) == (2, "0.03")
    assert [row["state"] for row in told["statements"]] == ["in_force", "over"]
    assert [(row["amount"], row["statement"]) for row in told["fees"]] == [("0.03", 2), ("0.05", 1)]
    assert told["statements"][0]["corrects"] == told["statements"][1]["statement"]
    rows = list(csv.DictReader(StringIO(Client().get("/site-costs.csv").content.decode())))
    by_figure = {(row["record"], row["number"], row["figure"]): row["value"] for row in rows}
    assert by_figure["site_costs", "2", "highest_fee"] == "0.03"
    assert by_figure["site_costs", "1", "hosting.amount_year"] == "30000"
    assert by_figure["site_fee", "2", "amount"] == "0.03"


def test_words_are_text_on_the_page_and_in_spreadsheets() -> None:
    costs = factories.site_costs_of(subsidy_year=D(1), subsidy_source="=cmd|'/C calc'!A0")
    factories.make_site_costs(costs=costs, reason=MARKUP)
    page = text_of(Client().get(PAGE))
    assert MARKUP not in page
    assert "{{7*7}}" in page
    rows = list(csv.DictReader(StringIO(Client().get("/site-costs.csv").content.decode())))
    assert [row["source"] for row in rows if row["figure"] == "subsidy_year"] == ["'=cmd|'/C calc'!A0"]


def test_the_pages_take_as_many_queries_for_many(django_assert_max_num_queries: Any) -> None:
    for hosting in range(1, 6):
        factories.make_site_costs(
            costs=factories.site_costs_of(str(hosting)), effective_from=None, fee=D("0.01")
        )
    for address, queries in ((PAGE, 7), ("/site-costs.json", 2), ("/site-costs.csv", 2)):
        Client().get(address)
        with django_assert_max_num_queries(queries):
            Client().get(address)


# --- what stewards do --------------------------------------------------------------------------------
def test_nobody_but_stewards_with_a_second_factor_publishes() -> None:
    factories.make_site_costs(fee=D("0.02"))
    fee = {"amount": "0.01", "reason": "Less."}
    for who, status in ((None, 302), (factories.make_user(), 404)):
        for address, posted in ((COSTS, typed()), (FEE, fee)):
            assert client_of(who).get(address).status_code == status
            assert client_of(who).post(address, posted).status_code == status
    lacking = client_of(factories.make_user(is_steward=True))
    for address, posted in ((COSTS, typed()), (FEE, fee)):
        assert lacking.get(address).status_code == 200
        assert lacking.post(address, posted).status_code == 403
    assert (SiteCosts.objects.count(), SiteFee.objects.count()) == (1, 1)


def test_a_steward_publishes_costs_and_the_fee_with_them(steward: User) -> None:
    client = client_of(steward)
    assert client.get(COSTS).status_code == 200
    answer = client.post(COSTS, typed())
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    made = SiteCosts.objects.get()
    assert (made.total_year, made.highest_fee) == (D(24000), D("0.02"))
    assert [item.kind for item in made.declared.items] == ["hosting", "people"]
    assert SiteFee.objects.get().amount == D("0.02")
    again = text_of(client.get(COSTS))
    assert 'value="4,200"' in again
    assert "The region" in again
    client.post(COSTS, typed(people_amount_year="19000", fee="0.019", is_correction="on", reason="A slip."))
    newest = SiteCosts.objects.first()
    assert newest is not None
    assert newest.corrects == made


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fee": "0.021"}, "allows at most 0.02 EUR: 24,000 EUR a year less a subsidy of 4,000 EUR"),
        ({"hosting_amount_year": "much"}, "“much” is not a number"),
        ({"hosting_amount_year": "-1"}, "write an amount above zero"),
        ({"hosting_sentence": ""}, "Write it on one line"),
        ({"hosting_source": "ask ann@example.org"}, "names nobody"),
        ({"hosting_source": "two\nlines"}, "on one line"),
        ({"subsidy_year": "30000"}, "more than all costs together"),
        ({"subsidy_source": ""}, "Write it on one line"),
        ({"device_hours": "0"}, "write at least 1"),
        ({"device_hours": ""}, "This field is required"),
        ({"people_amount_year": "0.0000001"}, "It has 7 decimals"),
        ({"effective_from": "2020-01-01"}, "not in the past"),
        ({"effective_from": "0001-01-01"}, "Write a day such as"),
        ({"reason": ""}, "This field is required"),
    ],
)
def test_what_is_wrong_is_said_in_place_and_nothing_typed_is_lost(
    steward: User, changes: dict[str, object], said: str
) -> None:
    factories.make_site_costs(fee=D("0.01"))
    answer = client_of(steward).post(COSTS, typed(**changes))
    assert answer.status_code in (400, 409)
    page = text_of(answer)
    assert said in page
    for value in (typed() | changes).values():
        assert " ".join(str(value).split()) in page
    assert SiteCosts.objects.count() == 1


def test_what_is_typed_is_worked_out_before_it_is_published(steward: User) -> None:
    page = text_of(client_of(steward).post(COSTS, typed(show="")))
    assert "What follows from this" in page
    assert "<dd>0.020000</dd>" in page
    assert not SiteCosts.objects.exists()


def test_a_steward_changes_the_fee_alone_within_what_follows(steward: User) -> None:
    factories.make_site_costs(fee=D("0.02"))
    client = client_of(steward)
    assert "at most 0.050000 EUR per device-hour follows" in text_of(client.get(FEE))
    refused = client.post(FEE, {"amount": "0.06", "reason": "More."})
    assert refused.status_code == 400
    assert "allows at most 0.05 EUR" in text_of(refused)
    assert 'value="0.06"' in text_of(refused)
    assert client.post(FEE, {"amount": "0.05", "reason": "More."}).status_code == 302
    assert SiteFee.objects.get(effective__contains=clock.now()).amount == D("0.05")
