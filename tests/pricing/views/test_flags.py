"""Flags where people and programs read them: the page, its data, the review of a draft, stewards' prices."""

from __future__ import annotations

import csv
from datetime import timedelta
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from common import clock
from common.ids import uuid7
from nodes.models import Node
from pricing.domain.declared import to_json
from pricing.models import CostStatement
from pricing.selectors.flags import ShownFlag, board, flag_counts, flags_of
from pricing.services import drafts
from pricing.services.market import import_file
from pricing.services.statements import publish_statement
from tests import factories

pytestmark = pytest.mark.django_db
D = Decimal
SHOPS = (
    "gpu,date,price_usd\nNVIDIA H100 SXM5 80 GB,2025-06-01,90000\nNVIDIA H100 SXM5 80 GB,2025-12-01,20000\n"
)
RATES = "Date,USD,\n2025-12-01,1.25,\n2025-06-02,1.25,\n"


def publish(name: str, *, owner: Any = None, devices: int = 8, **asset: Any) -> CostStatement:
    """Eight devices for 160,000 EUR over 5 years, a tenth of it left, unless said otherwise."""
    related = asset.pop("related_parties", False)
    bought = factories.make_asset(**{"price": D(160000), "residual_value": D(16000), "funding": ()} | asset)
    node = factories.make_node(devices=devices, slug=name, name=name.title(), owner=owner)
    factories.publish_prices(
        node, declared=factories.make_declared(assets=(bought,), related_parties=related)
    )
    return node.statements.get()


@pytest.fixture
def odd() -> CostStatement:
    """One that looks odd in every respect, among five of other owners, and prices of shops."""
    for number in range(5):
        publish(f"peer-{number}")
    for text in (SHOPS, RATES):
        import_file(file=BytesIO(text.encode()), at=clock.now(), source="A tracker", name="f.csv", by=None)
    return publish("odd", price=D(560000), residual_value=D(0), life_years=D(2), related_parties=True)


def by_code(shown: tuple[ShownFlag, ...]) -> dict[str, ShownFlag]:
    return {str(one.flag.code): one for one in shown}


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().replace("\xa0", " ").replace("&#x27;", "'").split())


# --- what is worked out ------------------------------------------------------------------------------
def test_all_four_are_raised_and_say_why(odd: CostStatement) -> None:
    found = by_code(flags_of(odd, at=clock.now()))
    assert all(one.is_raised for one in found.values())
    assert found["short_life"].sentence == (
        "The purchase is spread over 2 years; 5 of 5 peers spread it over more."
    )
    assert found["short_life"].among == "Compared with 5 nodes with the same device: percentile 0"
    assert found["no_residual"].sentence == (
        "At the end of its life nothing is left of what was paid. 5 of 5 peers count on something being left."
    )
    assert found["above_retail"].sentence.startswith(
        "The purchase comes to 70,000 EUR for each device, 4.38 times what one cost in shops: 16,000 EUR"
        " (20,000 USD on 1 December 2025)."
    )
    assert "A tracker; 1 EUR = 1.25 USD" in found["above_retail"].source
    assert "0 of 5 peers declare such dealings." in found["related_parties"].sentence


def test_a_peer_has_none_and_is_told_as_unusual_in_nothing(odd: CostStatement) -> None:
    peer = CostStatement.objects.get(node__slug="peer-0")
    found = by_code(flags_of(peer, at=clock.now()))
    assert not any(one.is_raised for one in found.values())
    assert {one.tag for one in found.values()} == {"nothing unusual"}
    assert found["above_retail"].declared == "1.25 times"
    assert flag_counts(at=clock.now()) == {odd.node_id: 4} | dict.fromkeys(
        Node.objects.filter(slug__startswith="peer").values_list("pk", flat=True), 0
    )


def test_an_owners_own_nodes_and_those_that_are_not_listed_are_no_peers(odd: CostStatement) -> None:
    publish("sister", owner=odd.node.owner, life_years=D(2))
    assert by_code(flags_of(odd, at=clock.now()))["short_life"].flag.place.peers == 5
    Node.objects.filter(slug="peer-0").update(state=Node.State.WITHDRAWN)
    found = by_code(flags_of(odd, at=clock.now()))["short_life"]
    assert (found.is_raised, found.among) == (False, "Too few peers to compare: 4, and 5 are needed")
    withdrawn = CostStatement.objects.get(node__slug="peer-0")
    assert len(flags_of(withdrawn, at=clock.now())) == 4


def test_prices_of_shops_are_of_the_year_before_and_as_known_then(odd: CostStatement) -> None:
    long_ago = publish("early", purchased_on=clock.now().date() - timedelta(days=3000))
    found = by_code(flags_of(long_ago, at=clock.now()))["above_retail"]
    assert (found.declared, found.tag) == ("no price known", "not compared")
    assert "No price of one in shops is known from the 365 days before." in found.sentence
    before = clock.now() - timedelta(days=20)
    assert by_code(flags_of(odd, at=before))["above_retail"].declared == "no price known"


def test_a_statement_of_the_first_version_is_compared_like_any_other(odd: CostStatement) -> None:
    """Its one purchase stood in the declaration itself."""
    old = CostStatement.objects.get(pk=odd.pk)
    old.pk, old.uid, old.entry, old.node = (
        None,
        uuid7(),
        factories.make_entry(),
        factories.make_node(devices=8),
    )
    old.declared = {
        "version": "1", "purchase_price": "280000", "purchased_on": "2026-01-01", "life_years": "4",
        "residual_value": "28000",
    }  # fmt: skip
    old.save(force_insert=True)
    found = by_code(flags_of(old, at=clock.now()))
    assert (found["short_life"].declared, found["no_residual"].declared) == (
        "4 years",
        "10.0 %".replace(" ", "\xa0"),
    )
    assert found["related_parties"].declared == "not said"


def test_however_many_nodes_there_are_the_queries_are_as_many(
    odd: CostStatement, django_assert_num_queries: Any
) -> None:
    for _more in range(2):
        with django_assert_num_queries(4):
            flag_counts(at=clock.now())
        with django_assert_num_queries(5):
            assert len(board(at=clock.now()).raised) == 1
        publish(f"more-{_more}")


# --- where it is read --------------------------------------------------------------------------------
def test_the_page_lists_nodes_with_a_flag_and_how_each_comes_about(odd: CostStatement) -> None:
    page = text_of(Client().get("/prices/flags/"))
    assert 'href="/nodes/odd/costs/#flags"' in page
    assert "Peer-0" not in page
    assert "4 flags" in page
    for said in ("below percentile 25", "at least 50 % of the peers", "more than 2 times", "fewer than 5"):
        assert said in page, said


def test_data_have_every_flag_raised_or_not(odd: CostStatement) -> None:
    answer = Client().get("/prices/flags.json")
    assert answer["Access-Control-Allow-Origin"] == "*"
    told = {(line["node"], line["flag"]): line for line in answer.json()["flags"]}
    assert len(told) == 24
    assert told["odd", "above_retail"] | {"sentence": "", "source": ""} == {
        "node": "odd", "statement": 1, "flag": "above_retail", "raised": True, "declared": "4.375",
        "percentile": "100", "peers": 5, "peers_share": "model", "limit": "2", "retail_day": "2025-12-01",
        "retail_eur": "16000", "sentence": "", "source": "",
    }  # fmt: skip
    assert told["odd", "related_parties"]["declared"] is True
    rows = list(csv.DictReader(StringIO(Client().get("/prices/flags.csv").content.decode())))
    assert [row["raised"] for row in rows if row["node"] == "odd"] == ["true"] * 4


def test_a_program_reads_them_by_node_and_by_whether_they_are_raised(odd: CostStatement) -> None:
    client = Client()
    every = client.get("/api/v1/flags?limit=100").json()["items"]
    assert len(every) == 24
    raised = client.get("/api/v1/flags?raised=true").json()["items"]
    assert {line["node"] for line in raised} == {"odd"}
    one = client.get("/api/v1/flags?node=peer-1&limit=3").json()
    assert [line["flag"] for line in one["items"]] == ["short_life", "no_residual", "above_retail"]
    rest = client.get(one["next"]).json()["items"]
    assert [line["flag"] for line in rest] == ["related_parties"]
    assert client.get("/api/v1/flags?raised=perhaps").status_code == 400


def test_stewards_see_them_beside_the_prices(odd: CostStatement) -> None:
    client = Client()
    client.force_login(factories.make_user(is_steward=True))
    page = text_of(client.get("/steward/prices/"))
    assert "The purchase is spread over 2 years" in page


def test_before_publishing_an_owner_reads_what_will_be_shown(odd: CostStatement) -> None:
    lead, node = factories.make_user(), factories.make_node(devices=8, slug="mine", name="Mine")
    factories.lead(node.owner, lead)
    draft = drafts.start_draft(node=node, by=lead, at=clock.now())
    client = Client()
    client.force_login(lead)
    assert client.get("/nodes/mine/statements/draft/review/").status_code == 200
    asset = factories.make_asset(life_years=D(3), residual_value=D(0), funding=())
    declared = factories.make_declared(assets=(asset,), related_parties=None)
    type(draft).objects.filter(pk=draft.pk).update(declared=to_json(declared))
    page = text_of(client.get("/nodes/mine/statements/draft/review/"))
    assert "This will be shown" in page
    assert "The purchase is spread over 3 years; 5 of 6 peers spread it over more." in page
    assert "The owner has not said whether" in page
    made = publish_statement(
        node=node, declared=declared, effective_from=clock.now(), published_by=lead, at=clock.now()
    )
    shown = by_code(flags_of(made, at=clock.now()))
    assert shown["short_life"].sentence in page  # what was announced is what is shown


def test_the_nodes_page_says_how_many_there_are(odd: CostStatement) -> None:
    page = text_of(Client().get("/nodes/odd/"))
    assert '<a href="/nodes/odd/costs/#flags">4 flags: figures to look at</a>' in page
    assert "#flags" not in text_of(Client().get("/nodes/peer-1/"))


def test_before_anything_is_bought_nothing_is_told(odd: CostStatement) -> None:
    lead: User = factories.make_user()
    node = factories.make_node(devices=1, slug="empty")
    factories.lead(node.owner, lead)
    drafts.start_draft(node=node, by=lead, at=clock.now())
    client = Client()
    client.force_login(lead)
    assert "ercentile" not in text_of(client.get("/nodes/empty/statements/draft/review/"))
