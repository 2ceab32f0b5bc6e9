"""Cost pools on pages: drafted, published and corrected by leads of the owner, read by everybody."""

from __future__ import annotations

import csv
import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from common import clock
from pricing import files
from pricing.models import CostPool, PoolDraft
from pricing.selectors.pools import statements_of
from tests import factories
from tests.pricing.views.test_evidence import NASTY, Place, signed_in

pytestmark = pytest.mark.django_db
OTHERS = {"stranger": 302, "outsider": 404, "member": 403, "funder": 404, "steward": 404}


@pytest.fixture
def place(db: None) -> Place:
    return Place()


def typed(place: Place, **fields: str) -> dict[str, str]:
    return {
        "name": "Rack in Lyon", "kind": "hosting", "amount_year": "9,000", "key": "rack_units",
        "worked_out": "Contract 2026-114: 750 EUR a month.", "whole": "42",
        "first_day": (clock.now() + timedelta(days=2)).date().isoformat(), f"base_{place.node.slug}": "12",
    } | fields  # fmt: skip


def make_pool(place: Place, **fields: Any) -> CostPool:
    pool: CostPool = factories.make_pool({place.node: "12"}, by=place.lead, whole=Decimal(42), **fields).pool
    return pool


def test_only_leads_draft_and_publish_and_members_see_the_list(place: Place) -> None:
    assert place.statuses("get", "/organisations/owner/pools/") == {**OTHERS, "member": 200, "lead": 200}
    new = "/organisations/owner/pools/new/"
    assert place.statuses("get", new) == {**OTHERS, "lead": 200}
    assert place.statuses("post", new, typed(place) | {"save": ""}) == {**OTHERS, "lead": 302}
    draft = PoolDraft.objects.get().get_absolute_url()
    assert place.statuses("get", draft) == {**OTHERS, "lead": 200}
    assert place.statuses("post", draft, typed(place, version="1") | {"save": ""}) == {**OTHERS, "lead": 302}
    publish = typed(place, version="2") | {"publish": ""}
    assert place.statuses("post", draft, publish) == {**OTHERS, "lead": 302}
    correct = f"/organisations/owner/pools/{CostPool.objects.get().uid}/correct/"
    assert place.statuses("get", correct) == {**OTHERS, "lead": 200}
    again = typed(place, reason="The rack became dearer") | {"save": ""}
    assert place.statuses("post", correct, again) == {**OTHERS, "lead": 302}
    discard = f"{PoolDraft.objects.get().get_absolute_url()}discard/"
    assert place.statuses("post", discard, {"version": "1"}) == {**OTHERS, "lead": 302}
    assert not PoolDraft.objects.exists()


def test_a_draft_keeps_what_is_half_written_and_shows_what_each_would_bear(place: Place) -> None:
    half = typed(place, amount_year="9 000", worked_out="", first_day="soon") | {
        "save": "", "evidence": str(place.evidence.uid)
    }  # fmt: skip
    signed_in(place.lead).post("/organisations/owner/pools/new/", half)
    draft = PoolDraft.objects.get()
    assert list(draft.evidence.all()) == [place.evidence]
    text = signed_in(place.lead).get(draft.get_absolute_url()).content.decode()
    assert 'value="9 000"' in text
    assert 'value="soon"' in text
    assert "2,571.43" in text
    assert "To none of them" in text
    assert "field__error" not in text  # what is missing is said when it is to be published
    refused = signed_in(place.lead).post(draft.get_absolute_url(), half | {"publish": "", "version": "1"})
    assert (refused.status_code, "field__error" in refused.content.decode()) == (400, True)
    assert PoolDraft.objects.get().typed["first_day"] == "soon"


def test_of_two_leads_who_edit_one_draft_the_second_sees_what_changed_and_loses_nothing(place: Place) -> None:
    nina = factories.make_user("nina")
    factories.lead(place.owner, nina)
    hers, his = signed_in(nina), signed_in(place.lead)
    his.post("/organisations/owner/pools/new/", typed(place) | {"save": ""})
    draft = PoolDraft.objects.get()
    url = draft.get_absolute_url()
    for lead in (hers, his):
        assert 'name="version" value="1"' in lead.get(url).content.decode()
    with_file = typed(place, version="1", kind="staff") | {"save": "", "evidence": str(place.evidence.uid)}
    assert hers.post(url, with_file).status_code == 302

    for button in ("save", "publish"):
        mine = typed(place, version="1", name="Mine", amount_year="8,000") | {button: ""}
        refused = his.post(url, mine)
        text = refused.content.decode()
        assert (refused.status_code, "Nina saved this draft on" in text) == (409, True)
        assert 'name="name" value="Mine"' in text
        assert 'value="8,000"' in text
        table = text.split('id="differing"')[1].split("</table>")[0]
        for said in ("9,000", "8,000", "Rack in Lyon", "Mine", "Staff", "Hosting", place.evidence.title):
            assert said in table
        assert "Contract 2026-114" not in table  # what is the same is no difference
        assert 'name="version" value="2"' in text
        assert PoolDraft.objects.get().typed["name"] == "Rack in Lyon"
    assert not CostPool.objects.exists()
    assert his.post(url, mine | {"version": "2"}).status_code == 302
    assert CostPool.objects.exists()


def test_who_has_not_seen_the_newest_draft_neither_discards_nor_replaces_it(place: Place) -> None:
    nina = factories.make_user("nina")
    factories.lead(place.owner, nina)
    hers, his = signed_in(nina), signed_in(place.lead)
    his.post("/organisations/owner/pools/new/", typed(place) | {"save": ""})
    url = PoolDraft.objects.get().get_absolute_url()
    assert hers.post(url, typed(place, version="1", name="Hers") | {"save": ""}).status_code == 302
    told = his.post(f"{url}discard/", {"version": "1"}, follow=True).content.decode()
    assert "Nina saved this draft on" in told
    without = his.post(url, typed(place) | {"save": ""})  # a form that has lost its version
    assert without.status_code == 409
    assert PoolDraft.objects.get().typed["name"] == "Hers"
    assert his.post(f"{url}discard/", {"version": "2"}).status_code == 302
    assert not PoolDraft.objects.exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"amount_year": "-3"}, "The cost must be above zero"),
        ({"amount_year": "much"}, "“much” is not a number"),
        ({"whole": "10"}, "The nodes come to 120.0 %: 12 of 10."),
        ({"last_day": "2020-01-01"}, "The end lies before the beginning."),
        ({"kind": "purchase"}, "Select a valid choice"),
        ({"name": "a\nb"}, "on one line"),
        ({"name": "Ask eve@example.org"}, "no e-mail address"),
        ({"base": ""}, "No node has a part"),
        ({"base": "0"}, "is above zero"),
    ],
)  # fmt: skip
def test_bad_input_is_answered_in_its_place_and_nothing_is_published(
    place: Place, change: dict[str, str], said: str
) -> None:
    if "base" in change:
        change = {f"base_{place.node.slug}": change["base"]}
    data = typed(place, **change) | {"publish": ""}
    answer = signed_in(place.lead).post("/organisations/owner/pools/new/", data)
    text = answer.content.decode().replace("\N{NO-BREAK SPACE}", " ")
    assert (answer.status_code, said in text) == (400, True)
    assert "Contract 2026-114: 750 EUR a month." in text
    assert not CostPool.objects.exists()
    assert not PoolDraft.objects.exists()


def test_a_correction_begins_with_what_it_corrects_and_says_why(place: Place) -> None:
    pool = make_pool(place)
    url = f"/organisations/owner/pools/{pool.uid}/correct/"
    text = signed_in(place.lead).get(url).content.decode()
    assert 'value="12"' in text
    assert 'value="9000"' in text
    without = signed_in(place.lead).post(url, typed(place) | {"publish": ""})
    assert without.status_code == 400
    with_reason = typed(place, amount_year="10000", reason="The rack became dearer") | {"publish": ""}
    assert signed_in(place.lead).post(url, with_reason).status_code == 302
    text = Client().get(pool.get_absolute_url()).content.decode()
    assert "The rack became dearer" in text
    assert "To come" in text


def test_everybody_reads_a_pool_with_what_nobody_bears(place: Place) -> None:
    pool = make_pool(place, evidence=[place.evidence])
    assert set(place.statuses("get", pool.get_absolute_url()).values()) == {200}
    text = Client().get(pool.get_absolute_url()).content.decode().replace("\N{NO-BREAK SPACE}", " ")
    for said in ("28.57 %", "2,571.43", "71.43 %", "6,428.57", "Lyon 1", "Invoice of the rack"):
        assert said in text
    assert f"/evidence/{place.evidence.uid}/file" not in text
    funder = signed_in(place.funder).get(pool.get_absolute_url()).content.decode()
    assert f"/evidence/{place.evidence.uid}/file" in funder


def test_its_json_is_what_was_signed_and_its_csv_adds_up(place: Place) -> None:
    pool = make_pool(place)
    told = json.loads(Client().get(f"/pools/{pool.uid}.json").content)
    (statement,) = statements_of(pool)
    (said,) = told["statements"]
    assert said["digest"] == files.digest(files.pool_body(statement, list(statement.shares.all())))
    body = {key: said[key] for key in files.pool_body(statement, [])}
    assert files.digest(body) == said["digest"]
    answer = Client().get(f"/pools/{pool.uid}.csv")
    rows = list(csv.DictReader(StringIO(answer.content.decode())))
    assert [row["node"] for row in rows] == [place.node.slug, ""]
    assert sum(Decimal(row["share"]) for row in rows) == 1
    assert sum(Decimal(row["amount_year_eur_of_node"]) for row in rows) == 9000
    assert answer["Access-Control-Allow-Origin"] == "*"
    missing = "/pools/00000000-0000-0000-0000-000000000000"
    assert {Client().get(missing + end).status_code for end in ("/", ".json", ".csv")} == {404}


def test_a_page_costs_the_same_however_many_nodes_and_files(place: Place) -> None:
    pool = make_pool(place)
    with CaptureQueriesContext(connection) as few:
        Client().get(pool.get_absolute_url())
    nodes = {factories.make_node(owner=place.owner): "1" for _number in range(6)}
    evidence = [place.hand_in(visibility="public") for _number in range(4)]
    larger = factories.make_pool(nodes, by=place.lead, evidence=evidence).pool
    with CaptureQueriesContext(connection) as many:
        Client().get(larger.get_absolute_url())
    assert len(many) <= len(few) + 1  # which of the files the reader may have


def test_words_of_an_owner_are_only_words(place: Place) -> None:
    pool = make_pool(place, name=NASTY, worked_out=NASTY)
    for url in (pool.get_absolute_url(), "/organisations/owner/pools/"):
        text = signed_in(place.lead).get(url).content.decode()
        assert NASTY not in text
        assert "&lt;img src=x onerror=alert(1)&gt; {{ 7|add:7 }}" in text


def test_the_page_of_a_node_s_costs_leads_to_what_stands_behind_its_costs(place: Place) -> None:
    pool = make_pool(place)
    text = Client().get(f"{place.node.get_absolute_url()}costs/").content.decode()
    assert f'href="{pool.get_absolute_url()}"' in text
    assert f'href="{place.evidence.get_absolute_url()}"' in text
    assert f"/evidence/{place.evidence.uid}/file" not in text
    funder = signed_in(place.funder).get(f"{place.node.get_absolute_url()}costs/").content.decode()
    assert f"/evidence/{place.evidence.uid}/file" in funder
