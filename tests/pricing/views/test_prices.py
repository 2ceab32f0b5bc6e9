from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from datetime import timedelta
from decimal import Decimal
from html import unescape

import pytest
import rfc8785
from django.test import Client

from common import clock
from common.ranges import between
from nodes.models import Agent, Hold, Node
from nodes.services.occupancy import WantedHold, hold_devices
from pricing.services.statements import publish_statement
from tests import factories
from tests.nodes.cast import SigningAgent

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def h100() -> Node:
    """S1: a public centre's eight H100, 60 % publicly funded, sold below its chargeable cost."""
    owner = factories.make_organisation(name="Centre A", is_public_body=True)
    node = factories.make_node(devices=8, owner=owner, slug="a-3", name="Node 3")
    factories.publish_prices(node, over_recovered="6000")
    return node


@pytest.fixture
def h200(h100: Node) -> Node:
    """A company's H200 in the Netherlands, sold above its cost."""
    node = factories.make_node(
        devices=4, model="H200", owner=factories.make_organisation(name="Company G"), slug="g-4",
        site=factories.make_site(country="NL", electricity_zone="NL"),
    )  # fmt: skip
    private = factories.make_declared(assets=(factories.make_asset(funding=()),))
    factories.make_pricing_policy(private_cap=D("0.2"))
    factories.publish_prices(node, declared=private, owner_adjustment="0.4")
    factories.set_fee()
    return node


def slugs(client: Client, query: str = "") -> list[str]:
    answer = client.get(f"/prices.json{query}").json()
    assert answer["count"] == len(answer["prices"])
    return [row["slug"] for row in answer["prices"]]


def test_prices_stand_beside_costs(client: Client, h200: Node) -> None:
    page = client.get("/prices/").content.decode()
    for text in ("2 of 2 nodes", "1.3782", "2.2012", "1.5020", "−37.4", "60\xa0% publicly funded", "H200"):
        assert text in page
    assert "Company G" in page


def test_everybody_reads_prices_in_few_queries(
    client: Client, h200: Node, django_assert_max_num_queries
) -> None:
    for _ in range(3):
        factories.publish_prices(factories.make_node(devices=8))
    for address in ("/prices.json", "/prices.csv", "/api/v1/prices"):
        with django_assert_max_num_queries(7):
            assert client.get(address).status_code == 200
    with django_assert_max_num_queries(11):  # with the flags of each
        assert client.get("/prices/").status_code == 200


def test_many_nodes_are_paged_and_all_of_them_sorted(
    client: Client, h200: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pricing.views.prices.ROWS", 2)
    for number in range(3):
        node = factories.make_node(slug=f"more-{number}", owner=h200.owner, site=h200.site)
        factories.publish_prices(node)
    every, met = slugs(client, "?sort=-device"), []
    address = "?sort=-device"
    while address:
        text = client.get(f"/prices/{address}").content.decode()
        met += re.findall(r'name="node" value="([^"]+)"', text)
        assert "5 of 5 nodes" in text
        assert not re.search(r'table__sort" href="[^"]*page=', text), "sorted anew, it begins anew"
        found = re.search(r'href="/prices/([^"]+)">Next page', text)
        address = unescape(found[1]) if found else ""
    assert met == every
    assert 'value="more' not in client.get("/prices/?sort=device&page=999").content.decode()
    assert "1–2" in client.get("/prices/?page=-1").content.decode()
    assert "Next page" not in client.get("/prices/?max_price=1.4").content.decode()


@pytest.mark.parametrize("address", ["/prices.json", "/prices.csv", "/prices.json?sort=-price&owner=public"])
def test_who_has_the_figures_is_told_so_until_one_of_them_changes(
    client: Client, h200: Node, address: str
) -> None:
    first = client.get(address)
    tag = first.headers["ETag"]
    again = client.get(address, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert again.headers["Access-Control-Allow-Origin"] == "*"
    now, device = clock.now(), Node.objects.get(slug="a-3").devices.all()[0]
    during = between(now, now + timedelta(hours=9))
    hold_devices(wanted=[WantedHold(device.pk)], during=during, reference="x", kind="closure", at=now)
    booked = client.get(address, headers={"If-None-Match": tag})
    assert (booked.status_code, booked.headers["ETag"] != tag) == (200, True)


def test_a_node_without_an_agent_says_that_it_runs_no_jobs(client: Client, h100: Node) -> None:
    said = f"No job runs on {h100.name} until its owner connects it to this site."
    page = client.get("/nodes/a-3/").content.decode()
    assert "Runs no jobs yet" in page
    assert said in page
    agent = SigningAgent(h100).row
    page = client.get("/nodes/a-3/").content.decode()
    assert "Runs no jobs yet" not in page
    assert said not in page
    Agent.objects.filter(pk=agent.pk).update(revoked_at=clock.now())
    assert said in client.get("/nodes/a-3/").content.decode()


def test_a_node_is_read_in_few_queries(client: Client, h100: Node, django_assert_max_num_queries) -> None:
    # Four of the page's are flags, which hold the node against all others.
    for address, queries in (("/nodes/a-3/", 12), ("/nodes/a-3.json", 8), ("/nodes/a-3.csv", 8)):
        with django_assert_max_num_queries(queries):
            assert client.get(address).status_code == 200


def test_a_person_who_is_signed_in_reads_a_node_in_few_queries(
    client: Client, h100: Node, ada, django_assert_max_num_queries
) -> None:
    client.force_login(ada)
    client.get("/accessibility/")  # what every page's frame reads is cached for some seconds
    with django_assert_max_num_queries(13):  # one the session, else in the cache; four flags
        client.get("/nodes/a-3/")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["a-3", "g-4"]),  # by price
        ("?sort=-price", ["g-4", "a-3"]),
        ("?sort=place", ["a-3", "g-4"]),
        ("?sort=-device", ["g-4", "a-3"]),
        ("?sort=against", ["a-3", "g-4"]),
        ("?sort=nonsense", ["a-3", "g-4"]),
        ("?country=NL", ["g-4"]),
        ("?owner=public", ["a-3"]),
        ("?owner=private", ["g-4"]),
        ("?owner=nobody", ["a-3", "g-4"]),
        ("?device=h200-80", ["g-4"]),
        ("?device=l4", []),
        ("?max_price=1.398160", ["a-3"]),  # what is paid, with the fee
        ("?max_price=1.398159", []),
        ("?max_price=1,4", ["a-3"]),
        ("?max_price=cheap", ["a-3", "g-4"]),
    ],
)
def test_prices_are_filtered_and_sorted(client: Client, h200: Node, query: str, found: list[str]) -> None:
    assert slugs(client, query) == found


@pytest.mark.parametrize("price", ["cheap", "-1", "NaN", "1e999999999"])
def test_a_price_that_is_none_is_said_and_left_aside(client: Client, h200: Node, price: str) -> None:
    page = client.get("/prices/", {"max_price": price}).content.decode()
    assert ("Write a price such as 1.50." in page) is (price != "1e999999999")
    assert "2 of 2 nodes" in page


def test_nothing_that_fits_says_what_would(client: Client, h200: Node) -> None:
    assert "No node fits." in client.get("/prices/?country=DE").content.decode()
    assert "Widen a filter" in client.get("/prices/?max_price=0.1").content.decode()


def test_as_of_a_moment_prices_stand_as_they_were_published_by_then(client: Client, h200: Node) -> None:
    before, after = clock.now() - timedelta(days=10), clock.now()
    assert slugs(client, f"?as_of={before:%Y-%m-%dT%H:%M}Z") == []  # in force since, and published today
    assert "No price was published then." in client.get(f"/prices/?as_of={before:%Y-%m-%d}").content.decode()
    told = client.get(f"/prices.json?as_of={after:%Y-%m-%dT%H:%M:%S.%f}Z").json()
    assert [row["slug"] for row in told["prices"]] == ["a-3", "g-4"]
    assert {(row["devices_free"], row["free_from"]) for row in told["prices"]} == {(None, None)}
    page = client.get(f"/prices/?country=NL&as_of={after:%Y-%m-%dT%H:%M:%S.%f}Z").content.decode()
    assert "Prices as they stood on" in page
    assert 'href="/prices/?country=NL"' in page  # back to now, with the filter
    assert "devices free" not in page
    assert "4 devices" in page


def test_a_withdrawn_node_had_its_price(client: Client, h200: Node) -> None:
    Node.objects.filter(pk=h200.pk).update(state=Node.State.WITHDRAWN)
    assert slugs(client) == ["a-3"]
    then = f"?as_of={clock.now():%Y-%m-%dT%H:%M:%S.%f}Z"
    assert slugs(client, then) == ["a-3", "g-4"]
    assert "withdrawn since" in client.get(f"/prices/{then}").content.decode()
    assert [row["is_withdrawn"] for row in client.get(f"/prices.json{then}").json()["prices"]] == [
        False,
        True,
    ]


def test_a_node_that_was_listed_later_is_in_no_answer_of_before(client: Client, h200: Node) -> None:
    """Its owner may publish a statement and a price before it is listed."""
    then = clock.now()
    Node.objects.filter(pk=h200.pk).update(listed_at=then + timedelta(seconds=1))
    asked = f"?as_of={then:%Y-%m-%dT%H:%M:%S.%f}Z"
    assert slugs(client, asked) == ["a-3"]
    assert client.get(f"/compare.json{asked}&node=a-3&node=g-4").status_code == 400


@pytest.mark.parametrize(
    ("asked", "sentence"), [("soon", "Write a day such as"), ("2999-01-01", "still to come")]
)
def test_a_moment_that_cannot_be_answered_is_said_beside_the_prices_of_now(
    client: Client, h200: Node, asked: str, sentence: str
) -> None:
    answer = client.get(f"/prices/?as_of={asked}")
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert "2 of 2 nodes" in answer.content.decode()
    for address in ("/prices.json", "/prices.csv", "/api/v1/prices"):
        refused = client.get(f"{address}?as_of={asked}")
        assert refused.status_code == 400
        assert sentence in refused.content.decode()


def test_before_the_first_price_the_page_says_when_there_will_be_one(client: Client) -> None:
    assert "No price is published yet." in client.get("/prices/").content.decode()


def test_heads_of_columns_are_links_that_keep_the_filter(client: Client, h200: Node) -> None:
    page = client.get("/prices/?country=NL&sort=price").content.decode()
    assert 'href="/prices/?country=NL&amp;sort=-price"' in page
    assert 'href="/prices/?country=NL&amp;sort=full"' in page
    assert 'aria-sort="ascending"' in page
    assert 'href="/prices.csv?country=NL&amp;sort=price"' in page


def test_htmx_gets_the_table_alone(client: Client, h200: Node) -> None:
    answer = client.get("/prices/", headers={"HX-Request": "true"})
    assert answer.content.decode().startswith('<div id="prices"')
    assert "HX-Request" in answer["Vary"]
    assert "<html" not in answer.content.decode()


def test_what_is_not_listed_has_no_price(client: Client, h200: Node) -> None:
    h200.state = Node.State.WITHDRAWN
    h200.save()
    assert slugs(client) == ["a-3"]


def test_the_api_and_the_page_say_the_same(client: Client, h200: Node) -> None:
    api, twin = client.get("/api/v1/prices?country=NL").json(), client.get("/prices.json?country=NL").json()
    assert (api["prices"], api["unit"]) == (twin["prices"], "EUR per device-hour")
    assert client.get("/api/v1/prices")["Content-Type"] == "application/json"
    row = api["prices"][0]
    assert D(row["price"]) + D(row["fee"]) == D(row["to_pay"])


def test_a_spreadsheet_reads_the_csv_and_runs_nothing_in_it(client: Client, h100: Node) -> None:
    owner = h100.owner
    owner.name = '=HYPERLINK("http://evil.example")'
    owner.save()
    answer = client.get("/prices.csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert rows[0]["owner"] == '\'=HYPERLINK("http://evil.example")'
    assert rows[0]["price_eur_per_device_hour"] == "1.37816"
    assert rows[0]["markup_on_full_cost_ratio"] == "-0.373913"
    assert answer["Content-Disposition"] == 'attachment; filename="prices.csv"'
    assert answer["Access-Control-Allow-Origin"] == "*"


def test_owners_cannot_write_html(client: Client, h100: Node) -> None:
    Node.objects.update(name="<script>alert(1)</script>")
    assert "<script>alert" not in client.get("/prices/").content.decode()
    assert "<script>alert" not in client.get("/nodes/a-3/").content.decode()


def test_a_node_shows_how_its_cost_becomes_its_price(client: Client, h200: Node) -> None:
    page = client.get("/nodes/a-3/").content.decode()
    for text in (
        "8 × H100 SXM5 80\xa0GB", "1.0405", "2.2012", "−0.6992", "1.3782", "1.3982", "29,855.26",
        "Price is 37.4\xa0% below it", "+27.4\xa0%",
        "not sequenced yet", 'href="/nodes/a-3.json"', 'href="/nodes/a-3.csv"', 'href="/nodes/a-3/costs/"',
    ):  # fmt: skip
        assert text in page, text


def test_a_node_speaks_french(client: Client, h200: Node) -> None:
    page = client.get("/nodes/a-3/", headers={"Accept-Language": "fr"}).content.decode()
    assert "1,3782" in page
    assert "29\u202f855,26" in page


def test_anybody_can_work_out_the_digests_again(client: Client, h100: Node) -> None:
    answer = client.get("/nodes/a-3.json").json()
    for record in answer["statements"] + answer["tariffs"]:
        assert hashlib.sha256(rfc8785.dumps(record["body"])).hexdigest() == record["sha256"]
        assert record["ledger_entry"]["id"]
    entry = h100.tariffs.get().entry
    assert json.loads(bytes(entry.leaf))["body"]["digest"] == answer["tariffs"][0]["sha256"]


def test_a_statement_that_was_replaced_keeps_its_digest_and_its_place(client: Client, h100: Node) -> None:
    now = clock.now()
    publish_statement(
        node=h100, declared=factories.make_declared(hosting_year=D(9500)), effective_from=now, at=now,
        published_by=factories.make_user(), corrects=h100.statements.get(), reason="Rent rose",
    )  # fmt: skip
    answer = client.get("/nodes/a-3.json").json()
    assert [record["body"]["number"] for record in answer["statements"]] == [2, 1]
    assert answer["statements"][1]["effective_until"] == answer["statements"][0]["body"]["effective_from"]
    test_anybody_can_work_out_the_digests_again(client, h100)
    page = client.get("/nodes/a-3/costs/").content.decode()
    assert "Corrects statement 1" in page
    assert "Rent rose" in page
    assert "Cost changed since the tariff was set" in client.get("/nodes/a-3/").content.decode()


def test_the_csv_has_one_published_figure_a_line(client: Client, h100: Node) -> None:
    rows = list(csv.DictReader(io.StringIO(client.get("/nodes/a-3.csv").content.decode())))
    figures = {row["figure"]: (row["value"], row["unit"]) for row in rows}
    assert figures["price"] == ("1.37816", "EUR per device-hour")
    assert figures["electricity.full_year"] == ("7401.70944", "EUR a year for the node")
    assert {row["record"] for row in rows} == {"cost_statement", "tariff"}
    assert all(len(row["record_sha256"]) == 64 for row in rows)


def test_the_charts_end_where_the_price_is(client: Client, h200: Node) -> None:
    charts = client.get("/nodes/a-3.json").json()["charts"]
    bars = charts["waterfall"]["data"][0]
    assert bars["customdata"][0] == ["Purchase, spread over 5 years", "1.0405"]
    assert bars["customdata"][-1] == ["You pay", "1.3982"]
    assert charts["waterfall"]["layout"]["font"]["color"] == "var(--ink)"
    price = charts["history"]["data"][2]
    assert (price["name"], price["y"]) == ("Price", [1.37816, 1.37816])


def test_the_history_has_a_hole_where_nothing_was_in_force(client: Client) -> None:
    node, now = factories.make_node(slug="b"), clock.now()
    for start, end in ((90, 60), (30, None)):
        publish_statement(
            node=node, declared=factories.make_declared(), effective_from=now - timedelta(days=start),
            effective_until=now - timedelta(days=end) if end else None, published_by=factories.make_user(),
            at=now,
        )  # fmt: skip
    full = client.get("/nodes/b.json").json()["charts"]["history"]["data"][0]
    assert [value is None for value in full["y"]] == [False, False, True, False, False]


def test_the_last_known_day_ahead_price_is_dated(client: Client, h100: Node) -> None:
    tomorrow = (clock.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:00Z")
    factories.import_hours(f"hour_utc,FR\n2023-10-01T01:00Z,94.14\n2023-10-01T02:00Z,88.60\n{tomorrow},1\n")
    page = client.get("/nodes/a-3/costs/").content.decode()
    assert "88.60 EUR/MWh" in page
    assert "1 October 2023, 04:00" in page  # Paris
    assert "EUR\xa00.6867" in page  # 6.2 kW x 1.25 x 0.0886 EUR/kWh


def test_a_node_without_a_price_says_so(client: Client) -> None:
    factories.make_node(slug="silent")
    assert "No price is in force." in client.get("/nodes/silent/").content.decode()
    assert client.get("/nodes/silent.json").json()["price"] is None
    assert client.get("/nodes/silent.csv").status_code == 200


def test_a_draft_and_an_unknown_node_are_not_found(client: Client) -> None:
    factories.make_node(slug="draft", state=Node.State.DRAFT)
    for slug in ("draft", "unknown"):
        assert client.get(f"/nodes/{slug}/").status_code == 404
        assert client.get(f"/nodes/{slug}.json").status_code == 404


def test_a_withdrawn_node_keeps_what_it_published(client: Client, h100: Node) -> None:
    Node.objects.update(state=Node.State.WITHDRAWN)
    page = client.get("/nodes/a-3/").content.decode()
    assert "Withdrawn from booking" in page
    assert "1.3782" in page
    assert "Book on this node" not in page


def test_pages_are_only_read(client: Client, h100: Node) -> None:
    assert client.post("/prices/").status_code == 405
    assert client.post("/nodes/a-3/").status_code == 405


def test_who_looks_for_a_machine_today_sees_what_is_free(client: Client, h200: Node) -> None:
    assert "4 of 4 devices free" in client.get("/prices/").content.decode()
    now = clock.now()
    for device in h200.devices.all():
        hold_devices(
            wanted=[WantedHold(device.pk)], during=between(now - timedelta(hours=1), now + timedelta(days=3)),
            reference="x", kind=Hold.Kind.OWNER, at=now,
        )  # fmt: skip
    assert "4 devices · none free within 24 hours" in client.get("/prices/").content.decode()
    assert slugs(client, "?free_today=on") == ["a-3"]
    (line,) = client.get("/api/v1/prices?country=NL").json()["prices"]
    assert (line["devices"], line["devices_free"], line["free_from"]) == (4, 0, None)
    assert [row["slug"] for row in client.get("/api/v1/prices?free_today=true").json()["prices"]] == ["a-3"]
    assert len(client.get("/api/v1/prices?free_today=false").json()["prices"]) == 2
