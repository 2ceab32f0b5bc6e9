from __future__ import annotations

import csv
import io
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from common import clock
from nodes.models import Node
from pricing.services.market import import_file
from tests import factories

pytestmark = pytest.mark.django_db
D = Decimal
BOTH = "node=a-3&node=g-4"


@pytest.fixture
def nodes() -> list[Node]:
    """Eight H100 of a public centre, 60 % granted; four L4 of a company, above their cost."""
    centre = factories.make_organisation(name="Centre A", is_public_body=True)
    public = factories.make_node(devices=8, owner=centre, slug="a-3", name="Node 3")
    factories.publish_prices(public)
    company = factories.make_organisation(name="Company G")
    site = factories.make_site(country="NL", electricity_zone="NL")
    private = factories.make_node(devices=4, model="L4", owner=company, slug="g-4", name="Node 4", site=site)
    declared = factories.make_declared(assets=(factories.make_asset(funding=()),))
    factories.make_pricing_policy(private_cap=D("0.2"))
    factories.publish_prices(private, declared=declared, owner_adjustment="0.4")
    return [public, private]


@pytest.fixture
def hours() -> None:
    day = "".join(f"2026-06-01T{hour:02}:00Z,50\n" for hour in range(24))
    factories.import_hours(f"hour_utc,NL_lca_g_kwh\n{day}", content="carbon")


def text_of(client: Client, query: str) -> str:
    return client.get(f"/compare/?{query}").content.decode()


def test_nodes_stand_side_by_side(client: Client, nodes: list[Node], hours: None) -> None:
    page = text_of(client, BOTH)
    for said in (
        "8 × H100 SXM5 80\xa0GB", "4 × L4 80\xa0GB", "1.5020", "−31.8", "Purchase", "Staff", "Not charged",
        "50 g per kWh", "97 g CO2e", "at the maker’s peak of 989 TFLOP/s (NVIDIA H100 datasheet)",
        "No hour is known", "No pricing policy was in force", "No list price is known", "60\xa0%",
    ):  # fmt: skip
        assert said in page, said
    assert page.count('class="bar__track"') == 2 * page.count('class="bar__fill"') / 2
    # Each table scrolls sideways by itself, and a keyboard reaches it.
    tables = page.count("<table")
    assert tables == page.count('<div class="scroll-x" role="region" tabindex="0" aria-labelledby="part-') > 0
    told = client.get(f"/compare.json?{BOTH}").json()
    assert [node["slug"] for node in told["nodes"]] == ["a-3", "g-4"]
    for node in told["nodes"]:
        assert sum(D(amount) for amount in node["components"].values()) == D(node["full_delivered"])
        assert D(node["full_delivered"]) - D(node["not_charged"]) == D(node["chargeable_delivered"])
    first, second = told["nodes"]
    assert (first["carbon_intensity"], second["carbon_of_electricity"]) == (
        None,
        "96.875",
    )  # 1.55 kW x 1.25 x 50
    assert first["full_cost_per_fp16_teraflop_hour"] == "0.002226"  # 2.201228 / 989
    assert second["limit"] is not None


def test_the_order_is_the_one_asked_and_as_data_it_is_the_same(client: Client, nodes: list[Node]) -> None:
    told = client.get("/compare.json?node=g-4&node=a-3").json()
    assert [node["slug"] for node in told["nodes"]] == ["g-4", "a-3"]
    api = client.get("/api/v1/compare?node=g-4&node=a-3").json()
    assert api["nodes"] == told["nodes"]
    rows = list(csv.DictReader(io.StringIO(client.get(f"/compare.csv?{BOTH}").content.decode())))
    assert [row["value"] for row in rows if row["figure"] == "price"] == [
        node["price"] for node in reversed(told["nodes"])
    ]
    parts = [
        D(row["value"]) for row in rows if row["figure"].startswith("component.") and row["node"] == "a-3"
    ]
    assert sum(parts) == D("2.201228")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("node=a-3", "Choose 2 to 6 nodes; 1 is chosen."),
        ("node=a-3&node=a-3", "“Node 3” is chosen twice."),
        ("node=a-3&node=nobody", "“nobody” is no node with a published price."),
        ("node=a-3&node=%3Cscript%3E", "is no node with a published price."),
        ("node=" + "&node=".join(f"n-{number}" for number in range(7)), "is no node with a published price."),
    ],
)
def test_a_choice_that_cannot_be_compared_is_answered_in_place(
    client: Client, nodes: list[Node], query: str, sentence: str
) -> None:
    answer = client.get(f"/compare/?{query}")
    assert answer.status_code == 400
    page = answer.content.decode()
    assert sentence in page
    assert "<script>" not in page.split("</head>")[1].split("<script src")[0]
    assert 'value="a-3" checked' in page or "node=n-0" in query
    for address in ("/compare.json", "/compare.csv", "/api/v1/compare"):
        refused = client.get(f"{address}?{query}")
        assert refused.status_code == 400, address


def test_seven_are_too_many_and_six_are_not(client: Client) -> None:
    for number in range(7):
        factories.publish_prices(factories.make_node(slug=f"n-{number}"))
    six = "&".join(f"node=n-{number}" for number in range(6))
    assert client.get(f"/compare/?{six}").status_code == 200
    answer = client.get(f"/compare/?{six}&node=n-6")
    assert answer.status_code == 400
    assert "Choose 2 to 6 nodes; 7 are chosen." in answer.content.decode()
    assert client.get(f"/compare.json?{six}&node=n-6").status_code == 400


def test_nothing_chosen_yet_is_no_mistake(client: Client, nodes: list[Node]) -> None:
    for query in ("", "node="):
        answer = client.get(f"/compare/?{query}")
        assert answer.status_code == 200
        assert "Choose two to six nodes." in answer.content.decode()
        assert '<option value="g-4">Node 4</option>' in answer.content.decode()
    assert client.get("/compare.json").status_code == 400


def test_nodes_compare_as_of_a_moment(client: Client, nodes: list[Node], hours: None) -> None:
    moment = f"{clock.now():%Y-%m-%dT%H:%M:%S.%f}Z"
    assert "As it stood on" in text_of(client, f"{BOTH}&as_of={moment}")
    assert client.get(f"/compare.json?{BOTH}&as_of={moment}").json()["as_of"] == moment
    day = (clock.now() - timedelta(days=2)).date()
    assert client.get(f"/compare/?{BOTH}&as_of={day}").status_code == 400  # none had a price then
    answer = client.get(f"/compare/?{BOTH}&as_of=2999-01-01")
    assert answer.status_code == 400
    assert "still to come" in answer.content.decode()
    for address in ("/compare.json", "/compare.csv", "/api/v1/compare"):
        assert client.get(f"{address}?{BOTH}&as_of=2999-01-01").status_code == 400


def test_six_nodes_cost_no_more_queries_than_two(
    client: Client, nodes: list[Node], hours: None, django_assert_max_num_queries: Any
) -> None:
    lines = "gpu,date,price_usd\nNVIDIA L4,2025-06-09,3266\n"
    import_file(file=io.BytesIO(lines.encode()), name="x", source="S", by=None, at=clock.now())
    owner, site = factories.make_organisation(), nodes[1].site
    for number in range(4):
        factories.publish_prices(factories.make_node(slug=f"n-{number}", owner=owner, site=site))
    query = "&".join(["node=a-3", "node=g-4", *(f"node=n-{number}" for number in range(4))])
    with django_assert_max_num_queries(18):
        assert client.get(f"/compare/?{BOTH}").status_code == 200
    with django_assert_max_num_queries(18):
        assert client.get(f"/compare/?{query}").status_code == 200


def test_the_comparison_speaks_french(client: Client, nodes: list[Node]) -> None:
    page = client.get(f"/compare/?{BOTH}", headers={"Accept-Language": "fr"}).content.decode()
    assert "Coût complet" in page
    assert "1,5020" in page
