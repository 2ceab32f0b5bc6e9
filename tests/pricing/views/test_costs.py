"""The page of a node's costs, its twins, and what they say as of a moment."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client

from accounts.models import User
from common import clock
from common.formats import long_day
from ledger.domain.jcs import moment as moment_of
from nodes.models import Node
from pricing.models import CostStatement
from pricing.selectors.costs import costs_page
from pricing.selectors.costs.data import costs_json
from pricing.services.calling_off import call_off_tariff
from pricing.services.evidence import attach_to_statement
from pricing.services.statements import publish_statement
from pricing.services.tariffs import set_price
from pricing.services.withdrawing import withdraw_statement
from tests import factories

pytestmark = pytest.mark.django_db
D = Decimal
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def lead() -> User:
    return factories.make_user()


@pytest.fixture
def node(lead: User) -> Node:
    """S1: a public centre's eight H100, 60 % publicly funded, sold below its chargeable cost."""
    owner = factories.make_organisation(name="Centre A", is_public_body=True, lead=lead)
    node = factories.make_node(devices=8, owner=owner, slug="a-3", name="Node 3")
    factories.publish_prices(node, by=lead, over_recovered="6000")
    factories.set_fee()
    return node


def correct(node: Node, by: User, at: datetime, **changes: Any) -> CostStatement:
    return publish_statement(
        node=node, declared=factories.make_declared(**changes), effective_from=at, at=at, published_by=by,
        corrects=node.statements.latest("number"), reason="Rent rose",
    )  # fmt: skip


def text_of(client: Client, address: str, status: int = 200, **extra: Any) -> str:
    answer = client.get(address, **extra)
    assert answer.status_code == status
    return re.sub(r"[ \n]+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def twin(client: Client, query: str = "") -> dict[str, Any]:
    answer: dict[str, Any] = client.get(f"/nodes/a-3/costs.json{query}").json()
    return answer


def sums(values: Iterator[str]) -> Decimal:
    return sum((D(value) for value in values), D(0))


# --- the figures --------------------------------------------------------------------------------------
def test_every_figure_comes_with_the_numbers_it_is_worked_out_of(client: Client, node: Node) -> None:
    page = text_of(client, "/nodes/a-3/costs/")
    for text in (
        "An hour on one device costs EUR\xa02.2012 in all.",
        "EUR\xa01.3782 is charged, because public money carries 0.6992 and 0.1238 that earlier users paid too"
        " much is given back; with the site’s fee of 0.0200 you pay EUR\xa01.3982.",
        "8,760 h − 350.4 h", "6,054.912 h × 8 devices", "48,439.296 device-hours",
        "DGX H100: (280,000 − 28,000) EUR ÷ 5 years of life = 50,400.00 EUR",
        "(6.2 kW × 6,054.912 h in use + 1.4 kW × 2,354.688 h waiting) × PUE 1.25 × 0.145 EUR per kWh",
        "120,000 EUR indirect ÷ 1,000,000 EUR direct × 95,201.70944 EUR, the lines above = 11,424.20 EUR",
        "1.502027 − 0.123867", "Purchase: 30,240.00 EUR", "−33,868.80",
        "Public money carries 31.8\xa0% of what an hour costs: EUR\xa00.6992.", "National programme",
        "Costs nothing this year: Financing, VAT that is not recovered.",
    ):  # fmt: skip
        assert text in page, text


def test_what_is_shown_adds_up_to_the_last_digit(client: Client, node: Node, lead: User) -> None:
    at = clock.now()
    correct(node, lead, at, hosting_year=D("9500.01"), used_share=D("0.7"))
    answer = twin(client)
    worked, falls = answer["worked"], {step["code"]: step for step in answer["waterfall"]}
    for line in worked["components"]:
        assert sums(term["year"] for term in line["terms"]) == D(line["year"])
        assert line["terms"]
    assert sums(line["hour"] for line in worked["components"]) == D(falls["full"]["amount"])
    assert sums(one["year"] for one in worked["not_charged"]) == D("33868.80")
    level = D(0)
    for step in answer["waterfall"]:
        if step["kind"] in ("sum", "price"):
            assert D(step["amount"]) == level
        else:
            level += D(step["amount"])
    assert sums(one["hour"] for one in answer["public_money"]["sources"]) == -D(falls["granted"]["amount"])
    (change,) = answer["changes"]
    rows = {row["code"]: row for row in change["rows"]}
    parts = [row for code, row in rows.items() if code not in ("full", "granted", "chargeable", "hours")]
    for name in ("difference",):
        assert sums(row[name] for row in parts) == D(rows["full"][name])
    assert all(D(row["new"]) - D(row["old"]) == D(row["difference"]) for row in change["rows"])
    assert D(rows["full"]["difference"]) + D(rows["granted"]["difference"]) == D(
        rows["chargeable"]["difference"]
    )


def test_a_year_in_cents_adds_up(node: Node) -> None:
    page = costs_page(slug="a-3", now=clock.now(), asked=None, reader=AnonymousUser())
    assert page is not None
    years = [row.year for row in page.table if row.year is not None]
    assert sum(years[:-3]) == years[-3] == D("106625.91")
    assert years[-3] + years[-2] == years[-1] == D("72757.11")


def test_the_drawing_and_the_sentence_add_up_as_they_are_rounded(node: Node) -> None:
    page = costs_page(slug="a-3", now=clock.now(), asked=None, reader=AnonymousUser())
    assert page is not None
    level = D(0)
    for step in page.figures.drawn:
        assert step.amount == step.amount.quantize(D("0.0001"))
        if step.kind in ("sum", "price"):
            assert step.amount == level
        else:
            level += step.amount


def test_what_changed_is_told_with_its_reason_and_who_published_it(
    client: Client, node: Node, lead: User
) -> None:
    correct(node, lead, clock.now(), hosting_year=D(9500))
    page = text_of(client, "/nodes/a-3/costs/")
    for text in ("Statement 1 to 2, from", "Correction", "Reason: Rent rose.", "Published by Centre A on"):
        assert text in page, text
    assert "The same as before: Purchase, Electricity, Maintenance" in page
    assert lead.name not in page
    (change,) = twin(client)["changes"]
    assert [row["code"] for row in change["rows"]] == [
        "hosting", "overhead", "full", "granted", "chargeable"
    ]  # fmt: skip
    assert change["corrects"] == 1


def test_why_the_price_changed_is_told_in_the_readers_language(
    client: Client, node: Node, lead: User
) -> None:
    at = clock.now()
    set_price(node=node, price=D("1.3"), effective_from=at + 2 * DAY, by=lead, at=at)
    set_price(node=node, price=D("1.1"), effective_from=at + 2 * DAY, by=lead, at=at)
    publish_statement(
        node=node, declared=factories.make_declared(hosting_year=D(1)), effective_from=at + DAY, at=at,
        published_by=lead,
    )  # fmt: skip
    in_order = told("a-3", now=at + 3 * DAY)["price_changes"]
    assert [(one["from_tariff"], one["to_tariff"]) for one in in_order] == [(4, 3), (1, 4)]
    assert [one["new"] for one in in_order] == ["1.1", in_order[0]["old"]]
    assert in_order[1]["reason"] == "Cost statement 2 allows no more."  # as the ledger has it
    assert in_order[1]["told"][:2] == [
        "Cost statement 2 allows no more.", "It follows from cost statement 2."
    ]  # fmt: skip
    assert any(text.startswith("The owner leaves off") for text in in_order[0]["told"])
    page = text_of(client, "/nodes/a-3/costs/")
    for text in ("Cost statement 2 allows no more.", "Another price was set for the same day."):
        assert text in page, text
    french = text_of(client, "/nodes/a-3/costs/", headers={"Accept-Language": "fr"})
    for text in (
        "La déclaration de coûts 2 n’en permet pas plus.", "Un autre prix a été fixé pour le même jour.",
        "Il découle de la déclaration de coûts 2.",
    ):  # fmt: skip
        assert text in french, text
    assert "allows no more" not in french


def test_a_price_that_is_announced_is_told_beside_the_one_in_force(
    client: Client, node: Node, lead: User
) -> None:
    at = clock.now()
    announced = set_price(node=node, price=D("1.1"), effective_from=at + 5 * DAY, by=lead, at=at)
    said = f"From {long_day(at + 5 * DAY)} on the price is EUR\xa01.1000, before the fee."
    for address in ("/nodes/a-3/", "/nodes/a-3/costs/"):
        assert said in text_of(client, address)
    call_off_tariff(tariff=announced, reason="A slip", by=lead, at=clock.now())
    assert said not in text_of(client, "/nodes/a-3/")


def test_shares_add_up_as_they_are_shown(node: Node, lead: User) -> None:
    for step in range(5):
        correct(node, lead, clock.now(), hosting_year=D(9000 + 777 * step), used_share=D("0.7"))
        page = costs_page(slug="a-3", now=clock.now(), asked=None, reader=AnonymousUser())
        assert page is not None
        level = D(0)
        for row in page.table:
            assert row.share is not None
            assert row.share == row.share.quantize(D("0.001"))
            if row.is_sum:
                assert row.share == level
            else:
                level += row.share
            assert row.code != "full" or row.share == 1


def test_a_price_of_electricity_is_shown_in_six_decimals(client: Client, node: Node, lead: User) -> None:
    correct(node, lead, clock.now(), contract_price=D("0.12610815525"))
    page = text_of(client, "/nodes/a-3/costs/")
    assert "0.126108 EUR/kWh" in page
    assert "0.12610815525" not in page


def test_all_is_read_in_few_queries_however_much_there_is(
    client: Client, node: Node, lead: User, django_assert_max_num_queries: Any
) -> None:
    for count in range(3):
        correct(node, lead, clock.now(), hosting_year=D(9000 + count))
        statement = node.statements.latest("number")
        evidence = factories.make_evidence(node.owner, lead, visibility="public")
        attach_to_statement(statement=statement, part="hosting", evidence=evidence, by=lead, at=clock.now())
        factories.make_pool({node: "1"}, by=lead)
    factories.import_hours("hour_utc,FR\n2026-11-01T01:00Z,94.14\n2026-11-01T02:00Z,88.60\n")
    client.get("/accessibility/")  # what every page's frame reads is cached for some seconds
    for address in ("/nodes/a-3/costs/", "/nodes/a-3/costs.json", "/nodes/a-3/costs.csv"):
        with django_assert_max_num_queries(14):
            assert client.get(address).status_code == 200
        moment = clock.now().isoformat().replace("+00:00", "Z")
        with django_assert_max_num_queries(13):  # no flags; what an import replaced since is looked for, too
            assert client.get(f"{address}?as_of={moment}").status_code == 200
    assert len(twin(client)["evidence"]) == 1
    assert len(twin(client)["shared_costs"]) == 3


def test_the_call_and_the_twin_say_the_same(client: Client, node: Node) -> None:
    moment = clock.now().isoformat(timespec="microseconds").replace("+00:00", "Z")
    query = f"?as_of={moment}"
    api, file = client.get(f"/api/v1/nodes/a-3/costs{query}").json(), twin(client, query)
    assert set(file.pop("charts")) == {"waterfall", "history"}
    assert api == file
    assert (api["as_of"], api["at"]) == (moment, moment)


def test_a_spreadsheet_reads_every_figure(client: Client, node: Node, lead: User) -> None:
    correct(node, lead, clock.now(), assets=(factories.make_asset(name="=cmd()"),), hosting_year=D(1))
    answer = client.get("/nodes/a-3/costs.csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert answer["Content-Disposition"] == 'attachment; filename="a-3-costs.csv"'
    assert {row["part"] for row in rows} == {
        "waterfall", "worked", "public_money", "change", "price_change", "cost_statement", "tariff",
        "by_hour_of_day",
    } - {"by_hour_of_day"}  # fmt: skip
    assert {row["figure"]: row["value"] for row in rows}["granted"].startswith("-0.69")
    assert any(row["told"].startswith("'=cmd()") for row in rows)
    assert all(row["as_of"].endswith("Z") for row in rows)


# --- as of --------------------------------------------------------------------------------------------
def told(slug: str, *, now: datetime, asked: datetime | None = None) -> dict[str, Any]:
    """All that the page says, but when it was asked."""
    page = costs_page(slug=slug, now=now, asked=asked, reader=AnonymousUser())
    assert page is not None
    answer = costs_json(page, with_charts=True)
    assert answer.pop("at")
    answer.pop("as_of")
    answer.pop("flags")  # these hold the node against others that are listed now
    return answer


def test_asked_as_of_then_the_page_says_what_it_said_then(  # noqa: C901 -- a story of seven days
    node: Node, lead: User
) -> None:
    start = clock.now()
    answers = {}
    for step in range(7):
        at = start + step * DAY
        if step == 1:
            correct(node, lead, at, hosting_year=D(9500))
        if step == 2:
            set_price(node=node, price=D("1.2"), effective_from=at + 12 * HOUR, by=lead, at=at)
        if step == 3:
            hour = (at - 5 * HOUR).strftime("%Y-%m-%dT%H:00Z")
            factories.import_hours(f"hour_utc,FR\n{hour},94.14\n", at=at)
        if step == 4:
            factories.import_hours(f"hour_utc,FR\n{hour},70\n", at=at)
        if step == 5:
            withdraw_statement(
                statement=node.statements.latest("number"), ends_at=at + HOUR, reason="Sold", by=lead, at=at
            )
        for moment in (at, at + 13 * HOUR):
            answers[moment] = told("a-3", now=moment)
    assert len({str(answer) for answer in answers.values()}) >= 8
    later = start + 20 * DAY
    for moment, answer in answers.items():
        assert told("a-3", now=later, asked=moment) == answer


def test_what_was_called_off_is_neither_a_change_nor_announced(
    client: Client, node: Node, lead: User
) -> None:
    at = clock.now()
    later = publish_statement(
        node=node, declared=factories.make_declared(hosting_year=D(1)), effective_from=at + 5 * DAY, at=at,
        published_by=lead,
    )  # fmt: skip
    announced = told("a-3", now=at)
    assert [one["to_statement"] for one in announced["changes"]] == [2]
    withdraw_statement(statement=later, ends_at=at + 5 * DAY, reason="A slip", by=lead, at=at + DAY)
    answer = told("a-3", now=at + 2 * DAY)
    assert (answer["changes"], answer["withdrawals"]) == ([], [])
    page = costs_page(slug="a-3", now=at + 2 * DAY, asked=None, reader=AnonymousUser())
    assert page is not None
    assert page.announced == []
    assert told("a-3", now=at + 9 * DAY, asked=at) == announced


def test_a_node_that_was_not_listed_yet_had_nothing_published(client: Client, node: Node) -> None:
    at = clock.now()
    Node.objects.update(listed_at=at)
    before = (at - timedelta(microseconds=1)).isoformat().replace("+00:00", "Z")
    assert twin(client, f"?as_of={before}")["statements"] == []
    assert "Nothing was published yet" in text_of(client, f"/nodes/a-3/costs/?as_of={before}")


def test_a_price_that_goes_on_ends_with_its_statement_then_as_now(node: Node, lead: User) -> None:
    """The next price was called off after the statement had been withdrawn with it."""
    at = clock.now()
    following = set_price(node=node, price=D("1.2"), effective_from=at + 5 * DAY, by=lead, at=at)
    withdraw_statement(
        statement=node.statements.get(), ends_at=at + 10 * DAY, reason="Sold", by=lead, at=at + DAY
    )
    call_off_tariff(tariff=following, reason="A slip", by=lead, at=at + 2 * DAY)
    answer = told("a-3", now=at + 3 * DAY)
    assert {row["effective_until"] for row in answer["tariffs"] if row["body"]["number"] == 1} == {
        moment_of(at + 10 * DAY)
    }
    publish_statement(
        node=node, declared=factories.make_declared(), effective_from=at + 12 * DAY, at=at + 4 * DAY,
        published_by=lead,
    )  # fmt: skip
    assert told("a-3", now=at + 5 * DAY, asked=at + 3 * DAY) == answer


def test_a_citation_leads_back_to_its_figures(client: Client, node: Node, lead: User) -> None:
    answer = twin(client)
    assert answer["citation"].startswith("Centre A, Node 3: what a device-hour costs. Full cost 2.201228 EUR")
    assert answer["citation"].endswith(answer["address"])
    correct(node, lead, clock.now(), hosting_year=D(12000))
    again = twin(client, answer["address"].partition("costs/")[2])
    assert again["address"] == answer["address"]
    assert again["waterfall"] == answer["waterfall"] != twin(client)["waterfall"]
    assert re.search(r"SHA-256 [0-9a-f]{64}", answer["citation"])


def test_a_fee_of_this_very_second_is_in_the_citation(node: Node) -> None:
    second = clock.now().replace(microsecond=0) + DAY
    factories.set_fee("0.01", since=second + timedelta(milliseconds=400))
    at = second + timedelta(milliseconds=600)
    assert ".6" in told("a-3", now=at)["address"]
    assert told("a-3", now=at, asked=at)["waterfall"] == told("a-3", now=at)["waterfall"]
    assert told("a-3", now=second + DAY)["address"].count(".") < told("a-3", now=at)["address"].count(".")


def test_before_the_first_statement_nothing_was_published(client: Client, node: Node) -> None:
    page = text_of(client, "/nodes/a-3/costs/?as_of=2020-02-29")
    assert "Nothing was published yet on 29 February 2020, 23:59:59 UTC." in page
    assert "From cost to price" not in page
    answer = twin(client, "?as_of=2020-02-29")
    assert (answer["price"], answer["statements"], answer["changes"]) == (None, [], [])
    assert client.get("/nodes/a-3/costs.csv?as_of=2020-02-29").content.decode().count("\n") == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("2999-01-01", "This moment is still to come"),
        ("yesterday", "Write a day such as 2026-11-23"),
        ("2026-11-22T10:00", "Say the zone of the moment"),
    ],
)
def test_a_moment_that_says_nothing_is_refused_in_place(
    client: Client, node: Node, text: str, sentence: str
) -> None:
    page = text_of(client, f"/nodes/a-3/costs/?as_of={text}", status=400)
    assert sentence in page
    assert "1.398160" in page  # the figures of now stand below
    for address in ("/nodes/a-3/costs.json", "/nodes/a-3/costs.csv", "/api/v1/nodes/a-3/costs"):
        refused = client.get(f"{address}?as_of={text}")
        assert refused.status_code == 400
        assert refused["Content-Type"] == "application/problem+json"
        assert sentence in refused.content.decode()


# --- nothing, or not much -----------------------------------------------------------------------------
def test_a_node_without_a_statement_says_what_comes_first(client: Client) -> None:
    factories.make_node(slug="silent")
    page = text_of(client, "/nodes/silent/costs/")
    assert "No cost statement is published yet." in page
    assert "How costs are counted here" in page
    assert client.get("/nodes/silent/costs.csv").status_code == 200
    assert client.get("/nodes/silent/costs.json").json()["worked"] is None


def test_a_statement_without_a_price_is_shown(client: Client) -> None:
    node = factories.make_node(devices=8, slug="b")
    now = clock.now()
    publish_statement(
        node=node, declared=factories.make_declared(), effective_from=now, at=now,
        published_by=factories.make_user(),
    )  # fmt: skip
    page = text_of(client, "/nodes/b/costs/")
    assert "An hour on one device costs EUR\xa02.2012 in all. No price is in force." in page
    assert "= 7,401.71 EUR" in page
    assert "Public money carries 31.8\xa0% of what an hour costs: EUR\xa00.6992." in page
    answer = client.get("/nodes/b/costs.json").json()
    assert [step["code"] for step in answer["waterfall"]][-3:] == ["full", "granted", "chargeable"]
    assert (answer["price"], answer["citation"]) == (None, None)


def test_a_withdrawn_statement_says_why_and_its_node_keeps_what_it_published(
    client: Client, node: Node, lead: User
) -> None:
    at = clock.now()
    withdraw_statement(
        statement=node.statements.get(), ends_at=at, reason="The machine was sold", by=lead, at=at
    )
    Node.objects.update(state=Node.State.WITHDRAWN)
    page = text_of(client, "/nodes/a-3/costs/")
    assert "Statement 1 was withdrawn, from" in page
    assert "Reason: The machine was sold" in page
    assert "1.378160" in page
    history = page.partition("Each step is a published row")[2]
    assert "Withdrawn: The machine was sold" in history
    assert "Ended with statement 1, which was withdrawn" in history
    before = (at - timedelta(microseconds=1)).isoformat().replace("+00:00", "Z")
    assert twin(client, f"?as_of={before}")["withdrawals"] == []
    assert twin(client, f"?as_of={before}")["price"] == "1.37816"
    assert twin(client)["price"] is None


def test_a_draft_and_an_unknown_node_are_not_found(client: Client) -> None:
    factories.make_node(slug="draft", state=Node.State.DRAFT)
    for slug in ("draft", "unknown"):
        for address in (f"/nodes/{slug}/costs/", f"/nodes/{slug}/costs.json", f"/api/v1/nodes/{slug}/costs"):
            assert client.get(address).status_code == 404


# --- by hour of day -----------------------------------------------------------------------------------
def hours_of(first: datetime, values: list[str]) -> str:
    lines = [f"{first + step * HOUR:%Y-%m-%dT%H:%MZ},{value}" for step, value in enumerate(values) if value]
    return "hour_utc,FR\n" + "\n".join(lines) + "\n"


def test_an_hour_is_told_on_the_clock_of_the_place(client: Client, node: Node) -> None:
    """Across the change of clocks of 25 October 2026: 01:00 UTC is 02:00 in Paris for the second time."""
    first = datetime(2026, 10, 24, 22, tzinfo=UTC)  # midnight in Paris
    factories.import_hours(hours_of(first, ["10", "20", "30", "50", "-40"]))
    found = twin(client)["by_hour_of_day"]
    rows = {row["hour"]: row for row in found["rows"]}
    # 6.2 kW x 1.25 / 8 = 0.96875 kWh at the meter, by EUR/MWh
    assert rows[0]["cost"] == "0.009688"
    assert (rows[2]["cost"], rows[2]["known_prices"]) == ("0.03875", 2)  # 30 and 50
    assert rows[3]["cost"] == "-0.03875"
    assert rows[4]["cost"] is None
    assert (found["price"]["hours_known"], found["price"]["hours"]) == (5, 8760)
    assert found["price"]["sources"] == ["A test"]
    assert found["intensity"] is None
    page = text_of(client, "/nodes/a-3/costs/")
    assert "Prices: 5 of 8,760 hours known, 25 October 2025 to 25 October 2026." in page
    assert "Electricity is cheapest from 03:00" in page
    assert set(twin(client)["charts"]) == {"waterfall", "history", "cost_by_hour"}


def test_only_the_last_twelve_known_months_count(client: Client, node: Node) -> None:
    factories.import_hours(hours_of(datetime(2024, 5, 1, tzinfo=UTC), ["500"]))
    factories.import_hours(hours_of(datetime(2025, 5, 1, 1, tzinfo=UTC), ["100"]))
    found = twin(client)["by_hour_of_day"]
    assert found["price"]["hours_known"] == 1
    assert (found["price"]["start"], found["price"]["end"]) == (
        "2024-05-01T02:00:00Z", "2025-05-01T02:00:00Z",
    )  # fmt: skip


def test_carbon_counts_running_and_making(client: Client, lead: User) -> None:
    owner = factories.make_organisation(lead=lead)
    node = factories.make_node(devices=8, owner=owner, slug="a-3")
    asset = factories.make_asset(
        embodied_kilograms=D(4380), embodied_lowest=D(2190), embodied_highest=D(8760), life_years=D(5)
    )
    factories.publish_prices(node, by=lead, declared=factories.make_declared(assets=(asset,)))
    lines = "".join(f"2026-11-01T{hour:02d}:00Z,{20 + hour}\n" for hour in range(22))
    factories.import_hours(f"hour_utc,FR_lca_g_kwh\n{lines}", content="carbon")
    found = twin(client)["by_hour_of_day"]
    # 4,380 kg over 1,826 days of 24 hours and 8 devices
    making = D(4_380_000) / (1826 * 24) / 8
    assert D(found["embodied"]["grams"]) == round(making, 6)
    row = next(row for row in found["rows"] if row["hour"] == 1)  # midnight UTC
    assert D(row["operational"]) == D("19.375")  # 0.96875 kWh x 20 g
    assert D(row["carbon"]) == round(D("19.375") + making, 6)
    page = text_of(client, "/nodes/a-3/costs/")
    assert "Making the machine: 12.5 g per device-hour over its life (6.2 to 25.0)." in page
    shown = re.search(r"01:00 – ([\d.]+) ([\d.]+) ([\d.]+)", page)
    assert shown is not None
    assert D(shown[1]) + D(shown[2]) == D(shown[3])


def test_a_year_of_the_country_stands_in_and_says_so(client: Client, node: Node) -> None:
    years = "iso3,country,year,carbon_intensity_g_kwh\nFRA,France,2023,56\nFRA,France,2024,44\n"
    factories.import_hours(years, content="countries", source="Ember")
    page = text_of(client, "/nodes/a-3/costs/")
    assert "the mean of France in 2024, 44 g/kWh, stands in for all of them (Ember)." in page
    assert "The owner does not say what making the machine emitted" in page
    rows = twin(client)["by_hour_of_day"]["rows"]
    assert {row["operational"] for row in rows} == {"42.625"}


def test_a_zone_that_nothing_is_known_of_says_so(client: Client, node: Node) -> None:
    assert "No hour of this zone is known" in text_of(client, "/nodes/a-3/costs/")


# --- words --------------------------------------------------------------------------------------------
def test_the_node_page_says_first_what_an_hour_costs_and_why_it_is_sold_for_less(
    client: Client, node: Node
) -> None:
    page = text_of(client, "/nodes/a-3/")
    assert "An hour on one device costs EUR\xa02.2012 in all. EUR\xa01.3782 is charged, because" in page
    assert page.index("An hour on one device costs") < page.index("From cost to price")
    assert 'href="/nodes/a-3/costs/"' in client.get("/nodes/a-3/").content.decode()
    assert "plotly" not in client.get("/nodes/a-3/").content.decode()


def test_a_price_that_is_the_cost_is_said_to_be_that(client: Client) -> None:
    node = factories.make_node(devices=8, slug="b")
    plain = factories.make_declared(assets=(factories.make_asset(funding=()),))
    factories.publish_prices(node, declared=plain)
    assert "An hour on one device costs EUR\xa02.2012 in all. You pay just that." in text_of(
        client, "/nodes/b/"
    )
    factories.set_fee()
    assert "Just that is charged; with the site’s fee of 0.0200 you pay EUR\xa02.2212." in text_of(
        client, "/nodes/b/"
    )


def test_each_line_leads_to_how_it_is_counted(client: Client, node: Node) -> None:
    method = client.get("/how-costs-work/").content.decode()
    anchors = set(re.findall(r'id="([a-z_]+)"', method))
    page = client.get("/nodes/a-3/costs/").content.decode()
    linked = set(re.findall(r'href="/how-costs-work/#([a-z_]+)"', page))
    assert {"purchase", "electricity", "overhead", "full", "granted", "chargeable", "tariff"} <= linked
    assert linked <= anchors
    assert 'href="/site-costs/"' in page


def test_it_speaks_french(client: Client, node: Node) -> None:
    page = text_of(client, "/nodes/a-3/costs/", headers={"Accept-Language": "fr"})
    assert "Une heure sur un appareil coûte 2,2012\u202f€ en tout." in page
    assert "1,398160" in page
    assert "Comment c’est calculé" in page


def test_pages_are_only_read(client: Client, node: Node) -> None:
    for address in ("/nodes/a-3/costs/", "/how-costs-work/"):
        assert client.post(address).status_code == 405
