"""Appending, sequencing and what the database refuses."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pgtrigger
import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from ledger import files, services
from ledger.domain import checkpoint, merkle, note
from ledger.domain.verification import verify_consistency
from ledger.errors import EntryRefused, LogDisagrees
from ledger.models import Checkpoint, Entry, Subtree
from ledger.selectors.proofs import consistency_proof

AT = datetime(2026, 11, 22, 15, tzinfo=UTC)
FEE: dict[str, Any] = {"effective_from": AT, "amount": "0.010000", "reason": "Running the site"}


def append(reason: str = "Running the site") -> Entry:
    with transaction.atomic():
        return services.append(kind="site_fee", body=FEE | {"reason": reason}, at=AT)


def append_many(count: int) -> None:
    for number in range(count):
        append(f"Reason {number}")


@pytest.mark.django_db
def test_an_entry_is_canonical_json_and_costs_one_query(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        entry = services.append(kind="site_fee", body=FEE, at=AT)
    assert bytes(entry.leaf).decode() == (
        '{"appended_at":"2026-11-22T15:00:00Z",'
        '"body":{"amount":"0.010000","effective_from":"2026-11-22T15:00:00Z","reason":"Running the site"},'
        f'"id":"{settings.SITE_ORIGIN}/{entry.uid}","kind":"site_fee","version":1}}'
    )
    entry.refresh_from_db()
    assert bytes(entry.leaf_hash) == merkle.leaf_hash(bytes(entry.leaf))
    assert entry.fact["kind"] == "site_fee"


@pytest.mark.django_db(transaction=True)
def test_an_entry_outside_a_transaction_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(transaction.TransactionManagementError):
        services.append(kind="site_fee", body=FEE, at=AT)


@pytest.mark.django_db
def test_an_entry_goes_with_the_change_that_is_rolled_back() -> None:
    with transaction.atomic():
        services.append(kind="site_fee", body=FEE, at=AT)
        transaction.set_rollback(True)
    assert not Entry.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    [
        FEE | {"amount": 0.01},
        FEE | {"project": "gene-trees"},
        FEE | {"reason": "for ada@example.org"},
        FEE | {"effective_from": datetime(2026, 11, 22)},
    ],
)
def test_a_body_that_does_not_fit_is_refused_in_a_sentence(body: dict[str, Any]) -> None:
    with pytest.raises(EntryRefused) as refused:
        services.append(kind="site_fee", body=body, at=AT)
    assert refused.value.message.startswith("The ledger does not take this entry: ")
    assert not Entry.objects.exists()


@pytest.mark.django_db
def test_an_entry_too_long_for_a_tile_is_refused() -> None:
    rules = {f"rule {number}": "x" * 90 for number in range(700)}
    body = {"policy": 1, "effective_from": AT, "rules": rules, "digest": "ab" * 32, "reason": ""}
    with pytest.raises(EntryRefused, match="65535 is the most"):
        services.append(kind="policy", body=body, at=AT)


@pytest.mark.django_db
def test_a_new_log_signs_its_empty_tree_first() -> None:
    signed = services.sequence(at=AT)
    assert signed is not None
    assert (signed.size, bytes(signed.root)) == (0, merkle.EMPTY_ROOT)
    assert services.sequence(at=AT) is None


@pytest.mark.django_db
def test_every_size_is_signed_and_follows_from_the_one_before() -> None:
    heads = []
    for added in (1, 1, 2, 3, 9):
        append_many(added)
        signed = services.sequence(at=AT)
        assert signed is not None
        opened, _keys = note.opened(signed.note, [files.verifier()])
        heads.append(checkpoint.parse(opened.text))
    leaf_hashes = [
        bytes(value) for value in Entry.objects.order_by("index").values_list("leaf_hash", flat=True)
    ]
    assert [head.size for head in heads] == [1, 2, 4, 7, 16]
    for head in heads:
        assert head.origin == settings.LEDGER_ORIGIN
        assert head.root == merkle.root_of(leaf_hashes[: head.size])
        verify_consistency(
            old_size=head.size, new_size=16, old_root=head.root, new_root=heads[-1].root,
            proof=consistency_proof(old=head.size, new=16),
        )  # fmt: skip
    assert list(Entry.objects.order_by("index").values_list("index", flat=True)) == list(range(16))
    assert Subtree.objects.count() == 8 + 4 + 2 + 1


@pytest.mark.django_db
def test_the_number_of_queries_does_not_grow_with_the_entries(django_assert_max_num_queries: Any) -> None:
    append_many(40)
    # lock, last checkpoint, last index, update, subtrees, checkpoint; the rest opens and closes transactions
    with django_assert_max_num_queries(10):
        services.sequence(at=AT)
    assert Checkpoint.objects.latest().size == 40


@pytest.mark.django_db
def test_a_long_queue_takes_several_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MOST_AT_ONCE", 3)
    append_many(7)
    sizes = []
    while signed := services.sequence(at=AT):
        sizes.append(signed.size)
    assert sizes == [3, 6, 7]
    assert [entry.fact["body"]["reason"] for entry in Entry.objects.order_by("index")] == [
        f"Reason {number}" for number in range(7)
    ]


@pytest.mark.django_db(transaction=True)
def test_an_entry_that_commits_late_comes_behind_with_its_lower_id() -> None:
    began, go_on = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            services.append(kind="site_fee", body=FEE | {"reason": "slow"}, at=AT)
            began.set()
            go_on.wait(10)

    with in_threads(slow):
        began.wait(10)
        append("quick")
        services.sequence(at=AT)
        go_on.set()
    services.sequence(at=AT)
    reasons = [
        (entry.index, entry.fact["body"]["reason"]) for entry in Entry.objects.sequenced().order_by("id")
    ]
    assert reasons == [(1, "slow"), (0, "quick")]


class in_threads:
    """Run each function in its own thread with its own connection; fail if one of them did."""

    def __init__(self, *functions: Callable[[], None]) -> None:
        self.failures: list[BaseException] = []
        self.threads = [threading.Thread(target=self._run, args=[function]) for function in functions]

    def _run(self, function: Callable[[], None]) -> None:
        try:
            function()
        except BaseException as exc:
            self.failures.append(exc)
        finally:
            connection.close()

    def __enter__(self) -> None:
        for thread in self.threads:
            thread.start()

    def __exit__(self, *exc: object) -> None:
        for thread in self.threads:
            thread.join(60)
        assert not self.failures, self.failures


@pytest.mark.django_db(transaction=True)
def test_many_append_and_several_sequence_at_once() -> None:
    appenders, each, sequencers = 6, 20, 4
    start = threading.Barrier(appenders + sequencers)
    is_over = threading.Event()

    def appender() -> None:
        start.wait()
        append_many(each)

    def sequencer() -> None:
        start.wait()
        while not is_over.is_set():
            services.sequence(at=AT)

    with in_threads(*[sequencer] * sequencers), in_threads(*[appender] * appenders):
        pass_when(lambda: Entry.objects.sequenced().count() == appenders * each, then=is_over)
    entries = list(Entry.objects.order_by("index"))
    assert [entry.index for entry in entries] == list(range(appenders * each))
    last = Checkpoint.objects.latest()
    assert bytes(last.root) == merkle.root_of([bytes(entry.leaf_hash) for entry in entries])
    for signed in Checkpoint.objects.order_by("size"):
        assert bytes(signed.root) == merkle.root_of([bytes(e.leaf_hash) for e in entries[: signed.size]])


def pass_when(holds: Callable[[], bool], *, then: threading.Event) -> None:
    deadline = threading.Event()
    try:
        for _attempt in range(1200):
            if holds():
                return
            deadline.wait(0.05)
        raise AssertionError("it never held")
    finally:
        then.set()


# --- what is stored must be what was signed ----------------------------------------------------


@pytest.fixture
def signed_log(db: None) -> Checkpoint:
    append_many(5)
    signed = services.sequence(at=AT)
    assert signed is not None
    append("one more")
    return signed


def overwrite(sql: str, *arguments: object) -> None:
    """What somebody with the database's own password could do."""
    with pgtrigger.ignore(), connection.cursor() as cursor:
        cursor.execute(sql, arguments)


@pytest.mark.usefixtures("signed_log")
def test_a_log_that_lost_its_last_checkpoint_is_not_signed() -> None:
    overwrite("DELETE FROM ledger_checkpoint")
    with pytest.raises(LogDisagrees, match="5 entries have an index, and no checkpoint covers them"):
        services.sequence(at=AT)


@pytest.mark.usefixtures("signed_log")
def test_a_log_that_shrank_is_not_signed() -> None:
    overwrite("DELETE FROM ledger_entry WHERE index = 4")
    with pytest.raises(LogDisagrees, match="covers 5 entries, and 4 are stored"):
        services.sequence(at=AT)


@pytest.mark.usefixtures("signed_log")
def test_a_tree_whose_edge_was_changed_is_not_signed() -> None:
    overwrite("UPDATE ledger_checkpoint SET frontier[1] = %s", bytes(32))
    with pytest.raises(LogDisagrees, match="does not give the root"):
        services.sequence(at=AT)


@pytest.mark.usefixtures("signed_log")
def test_a_checkpoint_that_differs_from_its_note_is_not_followed() -> None:
    overwrite("UPDATE ledger_checkpoint SET root = %s", bytes(32))
    with pytest.raises(LogDisagrees, match="differs from the note"):
        services.sequence(at=AT)


@pytest.mark.usefixtures("signed_log")
def test_a_log_of_another_key_is_not_continued() -> None:
    overwrite("UPDATE ledger_checkpoint SET note = replace(note, %s, %s)", "\n5\n", "\n6\n")
    with pytest.raises(LogDisagrees, match="was not signed with this log’s key"):
        services.sequence(at=AT)


# --- the database's own last words -------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("DELETE FROM ledger_entry WHERE index = 0", "Cannot delete"),
        ("DELETE FROM ledger_entry WHERE index IS NULL", "Cannot delete"),
        ("UPDATE ledger_entry SET index = 9 WHERE index = 0", "cannot be changed"),
        ("UPDATE ledger_entry SET index = NULL WHERE index = 0", "cannot be changed"),
        ("UPDATE ledger_entry SET leaf = 'x' WHERE index = 0", "cannot be changed"),
        ("UPDATE ledger_entry SET leaf = 'x' WHERE index IS NULL", "cannot be changed"),
        ("UPDATE ledger_entry SET index = 5, leaf = 'x' WHERE index IS NULL", "cannot be changed"),
        ("UPDATE ledger_entry SET index = 5, leaf_hash = 'x' WHERE index IS NULL", "cannot be changed"),
        ("UPDATE ledger_entry SET index = 5, kind = 'x' WHERE index IS NULL", "cannot be changed"),
        ("UPDATE ledger_entry SET index = 5, appended_at = now() WHERE index IS NULL", "cannot be changed"),
        (
            "UPDATE ledger_entry SET index = 5, uid = gen_random_uuid() WHERE index IS NULL",
            "cannot be changed",
        ),
        ("UPDATE ledger_entry SET index = 5, id = 0 WHERE index IS NULL", "cannot be changed"),
        ("UPDATE ledger_entry SET index = 4 WHERE index IS NULL", "ledger_index_is_unique"),
        ("UPDATE ledger_entry SET index = -1 WHERE index IS NULL", "ledger_index_is_not_negative"),
        ("UPDATE ledger_subtree SET hash = 'x'", "Cannot update"),
        ("DELETE FROM ledger_subtree", "Cannot update or delete"),
        ("UPDATE ledger_checkpoint SET note = ''", "Cannot update"),
        ("DELETE FROM ledger_checkpoint", "Cannot update or delete"),
    ],
)
@pytest.mark.usefixtures("signed_log")
def test_raw_sql_cannot_change_what_was_entered(sql: str, words: str) -> None:
    with pytest.raises(DatabaseError, match=words), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.usefixtures("signed_log")
def test_raw_sql_can_give_an_index_once_and_nothing_else() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_entry SET index = 5 WHERE index IS NULL")
    assert Entry.objects.sequenced().count() == 6


@pytest.mark.usefixtures("signed_log")
def test_an_entry_cannot_be_inserted_with_an_index() -> None:
    with pytest.raises(DatabaseError, match="Cannot insert"):
        Entry.objects.create(kind="x", leaf=b"x", leaf_hash=b"x", appended_at=AT, index=5)


@pytest.mark.usefixtures("signed_log")
@pytest.mark.parametrize(("size", "words"), [(4, "cannot follow one of 5"), (6, "no gapless indexes")])
def test_a_checkpoint_cannot_shrink_or_cover_what_is_not_there(size: int, words: str) -> None:
    with pytest.raises(DatabaseError, match=words):
        Checkpoint.objects.create(size=size, root=bytes(32), note="", frontier=[], signed_at=AT)


@pytest.mark.usefixtures("signed_log")
def test_a_checkpoint_cannot_cover_a_gap() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_entry SET index = 6 WHERE index IS NULL")
    with pytest.raises(DatabaseError, match="no gapless indexes"):
        Checkpoint.objects.create(size=7, root=bytes(32), note="", frontier=[], signed_at=AT)


# --- keys --------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_key_is_declared_once_until_another_takes_its_place() -> None:
    first, second = bytes(32), bytes([1]) * 32
    assert services.declare_key(purpose="dispatch", public_key=first, at=AT) is not None
    assert services.declare_key(purpose="ledger", public_key=second, at=AT) is not None
    assert services.declare_key(purpose="dispatch", public_key=first, at=AT) is None
    rotated = services.declare_key(purpose="dispatch", public_key=second, at=AT)
    assert rotated is not None
    assert (
        json.loads(bytes(rotated.leaf))["body"]["public_key"]
        == "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
    )
