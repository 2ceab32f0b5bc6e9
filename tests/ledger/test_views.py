"""The log's public pages: anyone can read them, check them, and page through them."""

from __future__ import annotations

import base64
import itertools
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client

from ledger import services
from ledger.domain import checkpoint, note
from ledger.domain.merkle import leaf_hash, node_hash
from ledger.domain.verification import verify_consistency, verify_inclusion
from ledger.models import Entry
from ledger.selectors import pages as selectors

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 22, 15, tzinfo=UTC)
UID = "0190f0a0-0000-7000-8000-000000000001"
PERIOD = {"effective_from": AT}
BODIES: dict[str, dict[str, Any]] = {
    "cost_statement": PERIOD | {
        "statement": UID, "node": UID, "number": 1, "declared": {"life": "5"}, "device_count": 8,
        "full_available": "1.584884", "full_delivered": "2.201228", "chargeable_available": "1.081461",
        "chargeable_delivered": "1.502027", "publicly_funded_share": "0.600000", "digest": "ab" * 32,
    },
    "tariff": PERIOD | {
        "tariff": UID, "node": UID, "number": 1, "statement": UID, "price": "1.378160", "carried": "0",
        "owner_adjustment": "0", "digest": "ab" * 32,
    },
    "statement_withdrawn": {
        "statement": UID, "node": UID, "number": 1, "ends_at": AT, "tariff": None, "reason": "Sold",
    },
    "hourly_import": {
        "import": UID, "content": "prices", "source": "RTE éCO2mix", "licence": "", "digest": "ab" * 32,
        "values": 8758, "missing": 2, "added": 8758, "changed": 0,
    },
    "site_costs": PERIOD | {
        "statement": UID, "number": 1, "costs": {"items": []}, "total_year": "29000.000000",
        "subsidy_year": "8000.000000", "device_hours": "1000000.0000", "highest_fee": "0.021000",
        "digest": "ab" * 32, "reason": "A beginning",
    },
    "site_fee": PERIOD | {"amount": "0.020000", "reason": "Running <the> site"},
    "policy": PERIOD | {"policy": 3, "rules": {"half_life_days": 14}, "digest": "ab" * 32, "reason": "New"},
    "decision": {"decision": UID, "policy": 3, "engine": "1", "outcome": "refused", "digest": "ab" * 32},
    "key": {"purpose": "dispatch", "action": "added", "public_key": "A" * 43 + "="},
}  # fmt: skip


def append(*kinds: str) -> None:
    for kind in kinds:
        with transaction.atomic():
            services.append(kind=kind, body=BODIES[kind], at=AT)


def test_the_checkpoint_is_a_signed_note_cached_for_seconds(client: Client) -> None:
    assert client.get("/checkpoint").status_code == 404
    append("site_fee")
    services.sequence(at=AT)
    answer = client.get("/checkpoint")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Cache-Control"] == "public, max-age=5"
    vkey = client.get("/ledger.json").json()["vkey"]
    opened, _keys = note.opened(answer.content.decode(), [note.Verifier.parse(vkey)])
    assert checkpoint.parse(opened.text).size == 1


def test_every_kind_has_its_line_and_its_page(client: Client) -> None:
    append(*BODIES)
    services.sequence(at=AT)
    page = client.get("/ledger/").content.decode()
    for words in (
        "Full cost EUR 2.201228, chargeable EUR 1.502027 per delivered device-hour",
        "EUR 1.378160 per device-hour from 2026-11-22",
        "EUR 29,000.000000 a year, a fee of at most EUR 0.021000 per device-hour: A beginning",
        "EUR 0.020000 per device-hour: Running &lt;the&gt; site",
        "RTE éCO2mix: values added 8,758, changed 0",
        "Version 3: New",
        "Refused under policy version 3",
        "The key that signs jobs: added",
    ):
        assert words in page
    for index in range(len(BODIES)):
        assert client.get(f"/ledger/entries/{index}/").status_code == 200


def test_an_entry_page_says_on_which_side_each_hash_goes(client: Client) -> None:
    append(*["decision"] * 7)
    services.sequence(at=AT)
    for index in range(7):
        page = selectors.entry_page(index=index)
        current = base64.b64decode(page.line.leaf_hash)
        for step in page.proof:
            other = base64.b64decode(step.hash)
            current = node_hash(other, current) if step.is_left else node_hash(current, other)
        assert base64.b64encode(current).decode() == page.checkpoint.root


def test_what_an_entry_page_gives_is_enough_to_check_it(client: Client) -> None:
    append(*["decision"] * 13)
    services.sequence(at=AT)
    for index in range(13):
        given = client.get(f"/ledger/entries/{index}.json").json()
        opened, _keys = note.opened(given["checkpoint"]["note"], [note.Verifier.parse(given["vkey"])])
        head = checkpoint.parse(opened.text)
        assert head.origin == given["origin"] == settings.LEDGER_ORIGIN
        verify_inclusion(
            leaf_hash=leaf_hash(given["leaf"].encode()), index=given["index"], size=head.size, root=head.root,
            proof=[base64.b64decode(value) for value in given["proof"]],
        )  # fmt: skip
        assert json.loads(given["leaf"])["id"] == given["id"]


def test_an_entry_appears_when_it_is_sequenced_and_not_before(client: Client) -> None:
    append("site_fee")
    services.sequence(at=AT)
    append("policy")
    assert [line["index"] for line in client.get("/ledger.json").json()["entries"]] == [0]
    assert Entry.objects.get(kind="policy").get_absolute_url() == "/ledger/"
    assert client.get("/ledger/entries/1/").status_code == 404
    services.sequence(at=AT)
    assert client.get(Entry.objects.get(kind="policy").get_absolute_url()).status_code == 200


def test_older_entries_are_a_page_away_and_stay_there(client: Client) -> None:
    append(*["decision"] * 34, *["policy"] * 26)
    services.sequence(at=AT)
    first = client.get("/ledger.json").json()
    assert [line["index"] for line in first["entries"]] == list(range(59, 34, -1))
    second = client.get(first["older"]).json()
    third = client.get(second["older"]).json()
    assert [line["index"] for line in second["entries"] + third["entries"]] == list(range(34, -1, -1))
    assert third["older"] is None
    only = client.get("/ledger.json?kind=policy").json()
    assert {line["kind"] for line in only["entries"]} == {"policy"}
    assert [line["index"] for line in client.get(only["older"]).json()["entries"]] == [34]
    page = client.get("/ledger/?kind=policy").content.decode()
    assert 'href="/ledger/?kind=policy&amp;before=35"' in page


def test_what_is_kept_of_an_earlier_log_is_enough_to_check_a_later_one(client: Client) -> None:
    kept = []
    for more in (1, 2, 4, 6):
        append(*["decision"] * more)
        services.sequence(at=AT)
        kept.append(client.get("/checkpoint").content.decode())
    vkey = client.get("/ledger.json").json()["vkey"]
    heads = [checkpoint.parse(note.opened(text, [note.Verifier.parse(vkey)])[0].text) for text in kept]
    assert [head.size for head in heads] == [1, 3, 7, 13]
    for earlier, later in itertools.combinations_with_replacement(range(4), 2):
        old, new = heads[earlier], heads[later]
        given = client.get(f"/ledger/consistency.json?from={old.size}&to={new.size}").json()
        assert (given["from"], given["to"], given["origin"]) == (old.size, new.size, settings.LEDGER_ORIGIN)
        assert (given["checkpoint"], given["vkey"]) == (kept[later], vkey)
        verify_consistency(
            old_size=old.size, new_size=new.size, old_root=old.root, new_root=new.root,
            proof=[base64.b64decode(value) for value in given["proof"]],
        )  # fmt: skip


def test_the_newest_signed_tree_is_meant_where_none_is_named(client: Client) -> None:
    append(*["decision"] * 5)
    services.sequence(at=AT)
    append("policy")  # not signed yet
    given = client.get("/ledger/consistency.json?from=2").json()
    assert (given["to"], given["checkpoint"]) == (5, client.get("/checkpoint").content.decode())
    # A size that no checkpoint covers alone has a proof, and no note.
    assert client.get("/ledger/consistency.json?from=2&to=4").json()["checkpoint"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "from"), ("from=0", "from"), ("from=-1", "from"), ("from=x", "from"), ("from=6", "from"),
        ("from=" + "9" * 5000, "from"), ("from=9223372036854775808", "from"), ("from=3&to=2", "to"),
        ("from=3&to=6", "to"), ("from=3&to=x", "to"), ("from=3&to=" + "9" * 19, "to"),
    ],
)  # fmt: skip
def test_sizes_without_a_proof_are_refused_with_the_largest(client: Client, query: str, field: str) -> None:
    append(*["decision"] * 5)
    services.sequence(at=AT)
    refused = client.get(f"/ledger/consistency.json?{query}")
    assert (refused.status_code, refused.headers["Content-Type"]) == (400, "application/problem+json")
    told = refused.json()
    assert (told["code"], told["field"], told["size"]) == ("consistency_refused", field, 5)
    assert "5 signed entries" in told["detail"]


def test_an_empty_log_has_nothing_to_be_consistent_with(client: Client) -> None:
    assert client.get("/ledger/consistency.json?from=1").status_code == 400


def test_a_consistency_proof_takes_few_queries(client: Client, django_assert_max_num_queries: Any) -> None:
    append(*["decision"] * 60)
    services.sequence(at=AT)
    with django_assert_max_num_queries(4):
        client.get("/ledger/consistency.json?from=37")


def test_an_unknown_kind_shows_all_kinds(client: Client) -> None:
    append("policy")
    services.sequence(at=AT)
    assert len(client.get("/ledger.json?kind=gossip").json()["entries"]) == 1


@pytest.mark.parametrize(
    "address",
    [
        "/ledger/entries/7/",
        "/ledger/entries/7.json",
        "/ledger/entries/99999999999999999999/",
        "/ledger/?before=-1",
        "/ledger/?before=1e3",
        "/ledger/?before=99999999999999999999",
        f"/ledger/?before={'9' * 5000}",
    ],
)
def test_what_is_not_there_is_not_found(client: Client, address: str) -> None:
    append("policy")
    services.sequence(at=AT)
    assert client.get(address).status_code == 404


def test_an_empty_ledger_says_so(client: Client) -> None:
    page = client.get("/ledger/").content.decode()
    assert "There is no entry of this kind yet." in page
    assert "Nothing has been signed yet." in page
    assert client.get("/ledger.json").json()["checkpoint"] is None


def test_only_reading_is_allowed(client: Client) -> None:
    for address in ("/ledger/", "/ledger.json", "/checkpoint", "/ledger/entries/0/"):
        assert client.post(address).status_code == 405


def test_pages_cost_few_queries_however_long_the_log(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    append(*["decision"] * 70)
    services.sequence(at=AT)
    client.get("/accessibility/")  # what every page shows is read once
    # entries and checkpoint
    with django_assert_max_num_queries(2):
        client.get("/ledger/")
    # the entry, the checkpoint, and two for the proof
    with django_assert_max_num_queries(4):
        client.get("/ledger/entries/17/")
    with django_assert_max_num_queries(1):
        client.get("/checkpoint")


def test_the_pages_speak_french(client: Client) -> None:
    append("policy")
    services.sequence(at=AT)
    answer = client.get("/ledger/", headers={"Accept-Language": "fr"})
    assert 'lang="fr"' in answer.content.decode()
