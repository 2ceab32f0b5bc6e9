from __future__ import annotations

import csv
import io
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import translation

from accounts.models import User
from common import clock
from common.evidence.kinds import LARGEST
from nodes.models import Node
from pricing.domain.market.files import OWN_COLUMNS
from pricing.domain.market.matching import OFFERS
from pricing.models import ExchangeRate, ListPrice, MarketImport
from pricing.selectors.price_lines import price_lines
from pricing.selectors.prices import PriceFilter, prices
from pricing.services.market import import_file
from pricing.wording.market import BECAUSE
from tests import factories

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
STEWARDS = "/steward/list-prices/"
IMPORTS, RATES = "/api/v1/list-price-imports", "/api/v1/exchange-rates"
OWN = ",".join(OWN_COLUMNS)
P5 = "aws,p5.48xlarge,us-east-1,H100,80,8,USD,55.04,on_demand,2026-05-17"
LINES = [
    P5,
    "gcp,a3-highgpu-8g,us-east1,H100,80,8,USD,84.4,on_demand,2026-05-17",
    "aws,p5.48xlarge,us-west-2,H100,80,8,USD,17.6,spot,2026-05-17",
    "aws,p5.48xlarge,us-east-2,H100,80,8,USD,98.32,on_demand,2023-11-16",
    "runpod,H100 SXM,,H100 80GB SXM,80,1,USD,2.69,cheapest,2026-07-23",
    "aws,p2.xlarge,us-east-1,NVIDIA Tesla K80,12,1,USD,0.9,on_demand,2023-11-16",
]


@pytest.fixture(autouse=True)
def _that_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def market() -> None:
    """H100 of two clouds, rates of May; a rate of July is missing."""
    for at, text in (
        (NOW - timedelta(days=2), "Date,USD\n2026-05-15,1.1628"),
        (NOW - timedelta(days=1), own(*LINES)),
    ):
        import_file(
            file=io.BytesIO(text.encode()), name="f.csv", source="Price lists, collected", by=None, at=at,
            licence="CC0 1.0", address="https://example.org/list",
        )  # fmt: skip


@pytest.fixture
def nodes() -> list[Node]:
    made = [
        factories.make_node(devices=8, slug="a-3", name="Node 3"),
        factories.make_node(devices=2, model="L4", slug="b-4", name="Node 4"),
    ]
    for node in made:
        factories.publish_prices(node, since=NOW - timedelta(days=20))
    return made


@pytest.fixture
def steward(client: Client) -> User:
    user = factories.give_second_factor(factories.make_user("stella", is_steward=True))
    client.force_login(user)
    return user


def own(*lines: str) -> str:
    return "\n".join([OWN, *lines, ""])


def file_of(text: str, name: str = "prices.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, text.encode(), content_type="text/csv")


def text_of(client: Client, address: str) -> str:
    return client.get(address).content.decode()


# --- beside the prices -------------------------------------------------------------------------------------
def test_a_price_stands_beside_the_list_prices_of_its_device(
    client: Client, market: None, nodes: list[Node]
) -> None:
    page = text_of(client, "/prices/")
    assert '<a href="/prices/market/h100-sxm5-80/">5.9168</a>' in page  # 6.88 USD at 1.1628
    assert "median 7.4948 of 2 offers, 17 May 2026" in page  # neither spot nor the old one
    assert page.count("none known") == 1  # of the L4
    first, second = client.get("/prices.json?sort=market").json()["prices"]
    assert (first["slug"], first["list_price"]["lowest"]) == ("a-3", "5.916753")
    assert first["list_price"]["rates"] == [
        {"currency": "USD", "per_eur": "1.1628", "on": "2026-05-15", "source": "Price lists, collected"}
    ]
    assert (second["slug"], second["list_price"]) == ("b-4", None)
    assert client.get("/prices.json?sort=-market").json()["prices"][0]["slug"] == "a-3"  # nothing is not dear
    (row, *_rest) = csv.DictReader(io.StringIO(text_of(client, "/prices.csv?sort=market")))
    assert row["list_price_median_eur_per_device_hour"] == "7.49484"
    assert row["list_price_rates"] == "1 EUR = 1.1628 USD, Price lists, collected, 2026-05-15"


def test_of_one_offer_there_is_no_median(client: Client, nodes: list[Node]) -> None:
    text = "Date,USD\n2026-05-15,1.1628"
    for name, content in (("rates.csv", text), ("prices.csv", own(P5))):
        import_file(file=io.BytesIO(content.encode()), name=name, source="AWS", by=None, at=NOW)
    page = text_of(client, "/prices/")
    assert "Lowest list price elsewhere" in page
    assert "only offer, 17 May 2026" in page
    for address in ("/prices/", "/compare/?node=a-3&node=b-4", "/prices/market/"):
        assert "median" not in main_of(text_of(client, address)).split("<tbody>", 1)[1].split("</tbody>")[0]
    (said,) = text_of(client, "/prices/market/h100-sxm5-80/").split("the only offer, seen on ")[1:]
    assert said.startswith("17 May 2026")
    assert "AWS" in text_of(client, "/prices/market/")
    assert "1 row, 0 not matched" in text_of(client, "/prices/market/")


def test_numbers_and_their_words_agree_in_french(client: Client, nodes: list[Node], steward: User) -> None:
    """There 0 and 1 are singular, and what is counted governs the word, not of how many."""
    import_file(file=io.BytesIO(own(P5).encode()), name="prices.csv", source="AWS", by=None, at=NOW)
    steward.language = "fr"
    steward.save()

    def french(address: str) -> str:
        return client.get(address).content.decode()

    assert "0 nœud sur 2" in french("/prices/?max_price=0.01")
    assert "2 nœuds sur 2" in french("/prices/")
    for address in (STEWARDS, "/prices/market/"):
        assert "1 ligne," in french(address)
        assert "1 lignes" not in french(address)
    page = prices(wanted=PriceFilter(sort="device"), at=NOW)
    row_ids = page.rows[0].device_ids
    with translation.override("fr"):
        for free, of, said in ((1, 3, "1 appareil libre sur 3"), (2, 3, "2 appareils libres sur 3")):
            row = replace(page.rows[0], devices_free=free, device_ids=row_ids[:of])
            (line,) = price_lines(replace(page, rows=[row]))
            assert line.availability == said
        row = replace(page.rows[0], devices_free=1, device_ids=row_ids[:1])
        assert price_lines(replace(page, rows=[row]))[0].availability == "1 appareil libre sur 1"


def main_of(page: str) -> str:
    return page.split("<main", 1)[1]


def test_list_prices_cost_two_queries_however_many(
    client: Client, market: None, nodes: list[Node], django_assert_max_num_queries: Any
) -> None:
    for _ in range(3):
        factories.publish_prices(factories.make_node(model="L40S"), since=NOW - timedelta(days=2))
    with django_assert_max_num_queries(12):  # with the flags of each
        assert client.get("/prices/").status_code == 200
    for address in ("/prices.json", "/prices.csv", "/api/v1/prices"):
        with django_assert_max_num_queries(8):
            assert client.get(address).status_code == 200
    for address in ("/prices/market/", "/prices/market/h100-sxm5-80/", "/prices/market.json"):
        with django_assert_max_num_queries(11):
            assert client.get(address).status_code == 200


# --- the pages of list prices ------------------------------------------------------------------------------
def test_a_device_shows_every_offer_with_its_source_currency_rate_and_day(
    client: Client, market: None, nodes: list[Node]
) -> None:
    page = text_of(client, "/prices/market/h100-sxm5-80/")
    for said in (
        "List prices of H100 SXM5 80\xa0GB", "Lowest EUR 5.9168, median EUR 7.4948 of 2 offers",
        "p5.48xlarge", "1 EUR = 1.1628 USD", "15 May 2026", "Price lists, collected", "no rate known",
        "Spot, may be taken away",
        '<span class="tag tag--warn">old</span>', "Node 3", 'href="https://example.org/list"',
    ):  # fmt: skip
        assert said in page, said
    told = client.get("/prices/market/h100-sxm5-80.json").json()
    assert [offer["kind"] for offer in told["offers"]] == ["on_demand"] * 3 + ["spot", "cheapest"]
    assert [offer["eur_per_device_hour"] for offer in told["offers"]] == [
        "5.916753", "9.072927", None, "1.891985", None
    ]  # fmt: skip
    assert [node["slug"] for node in told["nodes"]] == ["a-3"]
    rows = list(csv.DictReader(io.StringIO(text_of(client, "/prices/market/h100-sxm5-80.csv"))))
    assert len(rows) == 5
    assert rows[0]["rate"] == "1 EUR = 1.1628 USD, Price lists, collected, 2026-05-15"


def test_what_is_not_matched_is_listed_and_the_table_of_names_is_published(
    client: Client, market: None
) -> None:
    page = text_of(client, "/prices/market/")
    for said in ("1 name that is not matched", "NVIDIA Tesla K80", "a100-sxm4-40", "ND96amsr*", "CC0 1.0"):
        assert said in page, said
    told = client.get("/prices/market.json").json()
    assert {"name": "h100 sxm", "memory_gb": 80, "model_key": "h100-sxm5-80"} in told["matching"]["names"]
    assert [row["model_key"] for row in told["devices"]] == ["h100-sxm5-80"]
    assert len(list(csv.DictReader(io.StringIO(text_of(client, "/prices/market.csv"))))) == len(LINES)


def test_why_an_offer_means_a_device_is_said_in_each_language() -> None:
    assert {row.because for row in OFFERS} == set(BECAUSE)


def test_a_device_that_nobody_knows_is_not_found_and_one_without_a_price_says_so(
    client: Client, nodes: list[Node]
) -> None:
    for ending in ("/", ".json", ".csv"):
        assert client.get(f"/prices/market/nothing-1{ending}").status_code == 404
    assert "No list price is known for this device." in text_of(client, "/prices/market/h100-sxm5-80/")
    assert "No list price is known." in text_of(client, "/prices/market/")


def test_as_of_a_day_only_what_was_imported_by_then_is_known(
    client: Client, market: None, nodes: Any
) -> None:
    day = (NOW - timedelta(days=2)).date().isoformat()
    assert client.get(f"/prices/market/h100-sxm5-80.json?as_of={day}").status_code == 404
    asked = f"as_of={NOW.date().isoformat()}"
    assert len(client.get(f"/prices/market.json?{asked}").json()["offers"]) == len(LINES)
    assert "As it was known on" in text_of(client, f"/prices/market/?{asked}")
    for address in ("/prices/market/", "/prices/market.json", "/prices/market.csv", "/api/v1/list-prices"):
        answer = client.get(f"{address}?as_of=2030-01-01")
        assert answer.status_code == 400
        assert "still to come" in answer.content.decode()


def test_a_programme_asks_for_one_device_and_kind(client: Client, market: None) -> None:
    told = client.get("/api/v1/list-prices?device=h100-sxm5-80&kind=spot").json()
    assert (told["count"], told["offers"][0]["price_per_device_hour"]) == (1, "2.2")
    assert client.get("/api/v1/list-prices?device=none").json()["offers"] == []


# --- stewards ----------------------------------------------------------------------------------------------
def test_a_steward_imports_a_file_and_is_told_what_came_of_it(client: Client, steward: User) -> None:
    said = {"source": "Price lists", "address": "https://example.org", "licence": "CC0 1.0"}
    page = client.post(STEWARDS, {**said, "file": file_of(own(*LINES))}, follow=True).content.decode()
    assert "Imported. Rows added: 6; changed: 0; in the file: 6." in page
    assert "1 row is not matched to a device, such as aws: NVIDIA Tesla K80." in page
    assert MarketImport.objects.get().by == steward
    again = client.post(STEWARDS, {**said, "file": file_of(own(*LINES))}, follow=True).content.decode()
    assert "Nothing is new" in again
    assert MarketImport.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"file": own(P5.replace("55.04", "0"))}, "Line 2, column “price_hour”"),
        ({"file": "a,b\n1,2"}, "no format that is read has these columns"),
        ({"file": own(P5), "source": ""}, "This field is required."),
        ({"file": own(P5), "address": "example.org"}, "with https://"),
        ({"file": own(P5), "provider": "Über"}, "small letters"),
        ({"file": own()}, "no price and no rate at all"),
        ({}, "Choose the file."),
    ],
)
def test_a_file_that_is_not_right_is_answered_in_place(
    client: Client, steward: User, given: dict[str, str], sentence: str
) -> None:
    sent: dict[str, Any] = {"source": "Lists", "licence": "CC0 1.0", **given}
    if "file" in given:
        sent["file"] = file_of(given["file"])
    answer = client.post(STEWARDS, sent)
    assert answer.status_code == 400
    page = answer.content.decode()
    assert sentence in page
    assert 'value="CC0 1.0"' in page  # nothing typed is lost
    assert not ListPrice.objects.exists()


def test_a_file_that_is_too_large_is_said_to_be(client: Client, steward: User) -> None:
    answer = client.post(STEWARDS, {"source": "Lists", "file": file_of("x" * (LARGEST + 400_000))})
    assert answer.status_code == 400
    assert "at most can be handed in here" in answer.content.decode()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"per_eur": "much"}, "Write a rate such as 1.1172."),
        ({"per_eur": "0"}, "cannot be what one euro is worth"),
        ({"on": "2026-12-01"}, "is still to come"),
        ({"currency": "JPY"}, "Select a valid choice"),
        ({"source": ""}, "This field is required."),
    ],
)
def test_a_rate_that_cannot_be_is_answered_in_place(
    client: Client, steward: User, given: dict[str, str], sentence: str
) -> None:
    rate = {"currency": "USD", "per_eur": "1,1172", "on": "2026-10-30", "source": "ECB"}
    answer = client.post(STEWARDS, rate | given)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not ExchangeRate.objects.exists()


def test_a_steward_enters_a_rate_with_a_comma(client: Client, steward: User) -> None:
    rate = {"currency": "USD", "per_eur": "1,1172", "on": "2026-10-30", "source": "ECB"}
    page = client.post(STEWARDS, rate, follow=True).content.decode()
    assert "Rows added: 1" in page
    assert "1 EUR = 1.1172 USD (ECB, 30 October 2026)" in page
    assert ExchangeRate.objects.get().per_eur == Decimal("1.1172")


def test_a_programme_of_a_steward_does_the_same(client: Client, steward: User) -> None:
    body = {"source": "Lists", "name": "p.csv", "file": b64encode(own(*LINES).encode()).decode()}
    done = client.post(IMPORTS, body, content_type="application/json").json()
    assert (done["added"], done["unmatched"]) == (6, {"aws: NVIDIA Tesla K80": 1})
    assert client.post(IMPORTS, body, content_type="application/json").json()["recorded"] is None
    rate = {"currency": "USD", "per_eur": "1.1172", "on": "2026-10-30", "source": "ECB"}
    assert client.post(RATES, rate, content_type="application/json").json()["added"] == 1
    assert client.get(RATES).json()["items"][0]["per_eur"] == "1.1172"
    assert [row["content"] for row in client.get(IMPORTS).json()["items"]] == ["rates", "prices"]
    for changes in ({"file": "?"}, {"source": "a\nb"}, {"more": 1}):
        assert client.post(IMPORTS, body | changes, content_type="application/json").status_code == 400
    assert client.post(RATES, rate | {"per_eur": "0"}, content_type="application/json").status_code == 400


def test_strangers_and_members_import_nothing(client: Client) -> None:
    rate = {"currency": "USD", "per_eur": "1.1172", "on": "2026-10-30", "source": "ECB"}
    assert client.get(STEWARDS).status_code in (302, 404)
    assert client.post(STEWARDS, rate).status_code in (302, 404)
    assert client.post(RATES, rate, content_type="application/json").status_code in (401, 404)
    client.force_login(factories.make_user("mia"))
    assert client.get(STEWARDS).status_code == 404  # what stewards have is not there for others
    assert client.post(STEWARDS, rate).status_code == 404
    assert client.post(IMPORTS, {}, content_type="application/json").status_code == 404
    assert client.post(RATES, rate, content_type="application/json").status_code == 404
    assert not MarketImport.objects.exists()
