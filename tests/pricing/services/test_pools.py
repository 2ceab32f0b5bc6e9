"""A cost that nodes share: split by its key, published once, never given out beyond all of it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F

from accounts.models import Organisation, User
from common import clock
from common.access import NotAllowed
from ledger.errors import EntryRefused
from nodes.models import Node
from pricing import files
from pricing.errors import DraftChanged, PeriodTaken, PoolDraftGone, PoolRefused
from pricing.models import CostPool, PoolDraft, PoolShare, PoolStatement
from pricing.selectors.pools import pool_json, pool_lines, pool_page, pool_parts, statements_of
from pricing.services import pool_drafts, pools as service
from tests import factories
from tests.races import at_once, split

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(omar: User) -> Organisation:
    return factories.make_organisation(lead=omar)


def make_nodes(owner: Organisation, *names: str) -> list[Node]:
    return [factories.make_node(owner=owner, name=name) for name in names]


def bare(statement: PoolStatement, node_count: int) -> PoolStatement:
    """One of a new pool, without shares: the database alone looks at what is added."""
    made = PoolStatement.objects.get(pk=statement.pk)
    made.pk, made._state.adding, made.number, made.node_count = None, True, made.number + 1, node_count
    made.uid, made.entry = factories.make_entry().uid, factories.make_entry()
    made.pool = CostPool.objects.create(organisation=made.pool.organisation, created_at=clock.now())
    made.unassigned_share = made.unassigned_year = Decimal(0)
    made.save()
    return made


def share(statement: PoolStatement, node: Node, part: str) -> PoolShare:
    return PoolShare.objects.create(
        statement=statement, node=node, base=Decimal(1), share=Decimal(part), amount_year=Decimal(1)
    )


# --- publishing ----------------------------------------------------------------------------------------
def test_each_node_has_its_base_over_the_whole(owner: Organisation, omar: User) -> None:
    second, first = make_nodes(owner, "Lyon 2", "Lyon 1")
    made = factories.make_pool({second: "24", first: "12"}, by=omar, whole=Decimal(42))
    shares = {one.node.name: (one.share, one.amount_year) for one in made.shares.select_related("node")}
    assert shares == {
        "Lyon 1": (Decimal("0.285714285714"), Decimal("2571.428571")),
        "Lyon 2": (Decimal("0.571428571429"), Decimal("5142.857143")),
    }
    assert (made.unassigned_share, made.unassigned_year) == (
        Decimal("0.142857142857"), Decimal("1285.714286"),
    )  # fmt: skip


def test_without_a_whole_the_nodes_are_all(owner: Organisation, omar: User) -> None:
    made = factories.make_pool(dict.fromkeys(make_nodes(owner, "a", "b", "c"), "1"), by=omar)
    assert sum(one.share for one in made.shares.all()) == 1
    assert (made.whole, made.unassigned_share) == (3, 0)


def test_a_pool_over_a_hundred_per_cent_is_refused_with_what_it_comes_to(
    owner: Organisation, omar: User
) -> None:
    one, two = make_nodes(owner, "a", "b")
    with pytest.raises(PoolRefused) as refusal:
        factories.make_pool({one: "30", two: "22"}, by=omar, whole=Decimal(40))
    assert refusal.value.field == "whole"
    assert "The nodes come to 130.0\N{NO-BREAK SPACE}%: 52 of 40." in refusal.value.message
    assert not CostPool.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"), ({"name": "a\nb"}, "name"), ({"kind": "purchase"}, "kind"),
        ({"amount_year": Decimal(0)}, "amount_year"), ({"amount_year": Decimal("-1")}, "amount_year"),
        ({"amount_year": Decimal(10) ** 10}, "amount_year"), ({"worked_out": ""}, "worked_out"),
        ({"amount_year": Decimal("NaN")}, "amount_year"), ({"key": "moon"}, "key"), ({"bases": {}}, "bases"),
        ({"bases": {"elsewhere": Decimal(1)}}, "bases"), ({"whole": Decimal(0)}, "bases"),
    ],
)  # fmt: skip
def test_what_cannot_be_true_is_named_by_its_field(
    owner: Organisation, omar: User, change: dict[str, Any], field: str
) -> None:
    (node,) = make_nodes(owner, "a")
    with pytest.raises(PoolRefused) as refusal:
        factories.make_pool({node: "1"}, by=omar, **change)
    assert refusal.value.field == field
    faults = refusal.value.details["faults"]
    assert isinstance(faults, dict)
    assert field in faults


def test_bases_are_above_zero_and_of_own_nodes(owner: Organisation, omar: User) -> None:
    (node,) = make_nodes(owner, "a")
    foreign = factories.make_node()
    for bases in ({node: "0"}, {node: "-1"}, {node: "1.23456"}, {node: "1", foreign: "1"}):
        with pytest.raises(PoolRefused) as refusal:
            factories.make_pool(bases, by=omar)
        assert refusal.value.field == "bases"


def test_only_leads_of_a_verified_owner_publish(owner: Organisation, omar: User, ada: User) -> None:
    (node,) = make_nodes(owner, "a")
    with pytest.raises(NotAllowed):
        factories.make_pool({node: "1"}, by=ada)
    Organisation.objects.update(verified_at=None)
    owner.refresh_from_db()
    node.refresh_from_db()
    with pytest.raises(PoolRefused, match="not verified yet"):
        factories.make_pool({node: "1"}, by=omar)


def test_the_ledger_has_the_digest_of_what_the_page_shows(owner: Organisation, omar: User) -> None:
    (node,) = make_nodes(owner, "a")
    made = factories.make_pool({node: "12"}, by=omar, whole=Decimal(42))
    (statement,) = statements_of(made.pool)
    body = statement.entry.fact["body"]
    assert body["digest"] == files.digest(files.pool_body(statement, list(statement.shares.all())))
    assert body["shares"] == {str(node.uid): "0.285714285714"}
    assert pool_json([statement])["statements"][0]["digest"] == body["digest"]


# --- correcting ----------------------------------------------------------------------------------------
def test_a_correction_follows_and_says_why(owner: Organisation, omar: User) -> None:
    one, two = make_nodes(owner, "a", "b")
    first = factories.make_pool({one: "1"}, by=omar)
    with pytest.raises(PoolRefused, match="says why"):
        factories.make_pool({one: "1"}, by=omar, corrects=first, effective_from=clock.now())
    soon = clock.now() + timedelta(hours=1)
    second = factories.make_pool(
        {one: "1", two: "3"}, by=omar, corrects=first, reason="A node was added", effective_from=soon,
        amount_year=Decimal(12_000),
    )  # fmt: skip
    first.refresh_from_db()
    assert (second.pool, second.number, first.effective_until) == (first.pool, 2, soon)
    page = pool_page(pool=first.pool, at=soon, reader=omar)
    assert [row.state for row in page.history] == ["In force", "Over"]
    assert page.history[0].changes == (
        "EUR\N{NO-BREAK SPACE}9,000.00 a year became EUR\N{NO-BREAK SPACE}12,000.00", "the bases changed",
    )  # fmt: skip
    with pytest.raises(PoolRefused, match="Statement 2 of this pool is newer"):
        factories.make_pool({one: "1"}, by=omar, corrects=first, reason="Again", effective_from=soon)


def test_what_was_in_force_is_not_changed_backwards(owner: Organisation, omar: User) -> None:
    (node,) = make_nodes(owner, "a")
    first = factories.make_pool({node: "1"}, by=omar)
    with pytest.raises(PeriodTaken, match="not in the past"):
        factories.make_pool(
            {node: "1"}, by=omar, corrects=first, reason="Wrong", effective_from=first.effective_from
            + timedelta(seconds=1),
        )  # fmt: skip


def test_shares_announced_by_a_slip_of_the_pen_are_refused() -> None:
    omar = factories.make_user("omar")
    node = factories.make_node(owner=factories.make_organisation(lead=omar))
    with pytest.raises(PoolRefused, match="more than 366 days ahead") as refused:
        factories.make_pool({node: "1"}, by=omar, effective_from=clock.now() + timedelta(days=3650))
    assert refused.value.field == "effective_from"


def test_another_owner_s_pool_is_not_corrected(owner: Organisation, omar: User) -> None:
    (node,) = make_nodes(owner, "a")
    foreign = factories.make_pool(
        {factories.make_node(owner=factories.make_organisation(lead=omar)): "1"}, by=omar
    )
    with pytest.raises(PoolRefused, match="belongs to another organisation"):
        factories.make_pool({node: "1"}, by=omar, corrects=foreign, reason="Mine now")


def test_a_name_with_an_address_of_somebody_does_not_reach_the_ledger(
    owner: Organisation, omar: User
) -> None:
    (node,) = make_nodes(owner, "a")
    with pytest.raises(EntryRefused) as refusal:
        factories.make_pool({node: "1"}, by=omar, name="Ask eve@example.org")
    assert refusal.value.field == "name"
    assert not CostPool.objects.exists()


# --- reading -------------------------------------------------------------------------------------------
def test_a_statement_of_a_node_takes_the_pools_parts_by_value(owner: Organisation, omar: User) -> None:
    one, two = make_nodes(owner, "a", "b")
    made = factories.make_pool({one: "1", two: "3"}, by=omar, kind="staff", key="staff_hours")
    (part,) = pool_parts(node=one, at=clock.now())
    assert (part.pool, part.statement, part.digest) == (str(made.pool.uid), str(made.uid), made.digest)
    assert (str(part.kind), str(part.key), part.share, part.amount_year) == (
        "staff", "staff_hours", Decimal("0.25"), 2250,
    )  # fmt: skip
    assert pool_parts(node=one, at=clock.now() - timedelta(days=1)) == ()


def test_a_node_that_is_not_listed_has_no_name_in_public(owner: Organisation, omar: User) -> None:
    shown, hidden = make_nodes(owner, "Shown", "Hidden")
    Node.objects.filter(pk=hidden.pk).update(state=Node.State.DRAFT, slug="hidden-slug")
    hidden.refresh_from_db()
    made = factories.make_pool({shown: "1", hidden: "1"}, by=omar)
    page = pool_page(pool=made.pool, at=clock.now(), reader=omar)
    assert [row.label for row in page.shares] == ["Shown", "Nodes that are not listed: 1"]
    everything = str(pool_json(list(page.statements))) + str(pool_lines(list(page.statements)))
    assert "hidden" not in everything.lower()
    assert str(hidden.uid) in everything


# --- drafts --------------------------------------------------------------------------------------------
def test_a_draft_keeps_what_was_typed_and_is_gone_once_published(owner: Organisation, omar: User) -> None:
    (node,) = make_nodes(owner, "a")
    evidence = factories.make_evidence(owner, omar)
    draft = pool_drafts.start_draft(
        organisation=owner, typed={"name": "Rack", "amount_year": "much"}, evidence=[evidence], by=omar,
        at=clock.now(),
    )  # fmt: skip
    assert PoolDraft.objects.get().typed == {"name": "Rack", "amount_year": "much"}
    wanted = service.Wanted(
        name="Rack", kind="hosting", amount_year=Decimal(9000), worked_out="Contract", key="nodes",
        bases={node.slug: Decimal(1)}, effective_from=clock.now(),
    )  # fmt: skip
    made = pool_drafts.publish_draft(
        draft=draft, wanted=wanted, reason="", version=1, by=omar, at=clock.now()
    )
    assert [one.evidence for one in made.evidence.all()] == [evidence]
    for late in (
        partial(
            pool_drafts.publish_draft,
            draft=draft,
            wanted=wanted,
            reason="",
            version=1,
            by=omar,
            at=clock.now(),
        ),
        partial(
            pool_drafts.save_draft, draft=draft, typed={}, evidence=[], version=1, by=omar, at=clock.now()
        ),
        partial(pool_drafts.discard_draft, draft=draft, version=1, by=omar),
    ):
        with pytest.raises(PoolDraftGone):
            late()


def test_drafts_are_the_leads_and_not_without_end(
    owner: Organisation, omar: User, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = partial(pool_drafts.start_draft, organisation=owner, evidence=[], at=clock.now())
    with pytest.raises(NotAllowed):
        start(typed={}, by=ada)
    with pytest.raises(PoolRefused, match="too long"):
        start(typed={"name": "x" * 100_001}, by=omar)
    foreign = factories.make_evidence(factories.make_organisation(lead=omar), omar)
    with pytest.raises(PoolRefused, match="another organisation"):
        start(typed={}, by=omar, evidence=[foreign])
    monkeypatch.setattr(pool_drafts, "MOST_DRAFTS", 1)
    start(typed={}, by=omar)
    with pytest.raises(PoolRefused, match="1 drafts are open"):
        start(typed={}, by=omar)


def test_whoever_has_read_an_older_version_overwrites_nothing(owner: Organisation, omar: User) -> None:
    (node,) = make_nodes(owner, "a")
    draft = pool_drafts.start_draft(
        organisation=owner, typed={"name": "Rack"}, evidence=[], by=omar, at=clock.now()
    )
    nina = factories.make_user("nina")
    factories.lead(owner, nina)
    save = partial(pool_drafts.save_draft, draft=draft, evidence=[], at=clock.now())
    assert save(typed={"name": "Hers"}, version=1, by=nina).version == 2
    wanted = service.Wanted(
        name="Rack", kind="hosting", amount_year=Decimal(9000), worked_out="Contract", key="nodes",
        bases={node.slug: Decimal(1)}, effective_from=clock.now(),
    )  # fmt: skip
    for late in (
        partial(save, typed={"name": "His"}, version=1, by=omar),
        partial(pool_drafts.discard_draft, draft=draft, version=1, by=omar),
        partial(
            pool_drafts.publish_draft, draft=draft, wanted=wanted, reason="", version=1, by=omar,
            at=clock.now(),
        ),
    ):  # fmt: skip
        with pytest.raises(DraftChanged, match="Nina saved this draft on") as refused:
            late()
        assert refused.value.details["version"] == 2
    assert PoolDraft.objects.get().typed == {"name": "Hers"}
    assert save(typed={"name": "Both"}, version=2, by=omar).version == 3


@pytest.mark.django_db(transaction=True)
def test_of_four_who_save_the_same_version_at_once_one_does(omar: User) -> None:
    owner = factories.make_organisation(lead=omar)
    draft = pool_drafts.start_draft(organisation=owner, typed={}, evidence=[], by=omar, at=clock.now())
    save = partial(pool_drafts.save_draft, draft=draft, evidence=[], version=1, by=omar, at=clock.now())
    calls = [partial(save, typed={"name": name}) for name in "abcd"]
    answers, refused = split(at_once(*calls))
    assert [one.version for one in answers] == [2]
    assert [type(one) for one in refused] == [DraftChanged] * 3
    assert PoolDraft.objects.get().typed == answers[0].typed


# --- the database's last word --------------------------------------------------------------------------
def test_what_is_published_cannot_be_changed(owner: Organisation, omar: User) -> None:
    (node,) = make_nodes(owner, "a")
    factories.make_pool({node: "1"}, by=omar)
    for change in (
        partial(PoolStatement.objects.update, amount_year=1),
        partial(PoolStatement.objects.all().delete),
        partial(PoolShare.objects.update, share=F("share") / 2),
        partial(PoolShare.objects.all().delete),
        partial(CostPool.objects.update, created_at=clock.now()),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_the_shares_of_a_pool_are_at_most_all_of_it(owner: Organisation, omar: User) -> None:
    one, two, three = make_nodes(owner, "a", "b", "c")
    statement = bare(factories.make_pool({one: "1"}, by=omar), node_count=3)
    share(statement, one, "0.6")
    with pytest.raises(DatabaseError, match="more than all of it"), transaction.atomic():
        share(statement, two, "0.400000000001")
    share(statement, two, "0.3")
    rows = [
        PoolShare(statement=statement, node=node, base=Decimal(1), share=Decimal("0.06"), amount_year=1)
        for node in (three, factories.make_node(owner=owner))
    ]
    with pytest.raises(DatabaseError, match="more than all of it"), transaction.atomic():
        PoolShare.objects.bulk_create(rows)  # each fits, both do not


def test_a_published_pool_gets_no_share_later(owner: Organisation, omar: User) -> None:
    one, two = make_nodes(owner, "a", "b")
    made = factories.make_pool({one: "1"}, by=omar, whole=Decimal(4))
    with pytest.raises(DatabaseError, match="all of it|complete"), transaction.atomic():
        share(made, two, "0.000000000001")


def test_periods_of_a_pool_do_not_overlap(owner: Organisation, omar: User) -> None:
    (node,) = make_nodes(owner, "a")
    made = factories.make_pool({node: "1"}, by=omar)
    made.pk, made._state.adding, made.number = None, True, 2
    made.uid, made.entry = factories.make_entry().uid, factories.make_entry()
    with pytest.raises(IntegrityError, match="pool_statements_do_not_overlap"), transaction.atomic():
        made.save()


@pytest.mark.django_db(transaction=True)
def test_shares_added_at_once_come_to_no_more_than_all(omar: User) -> None:
    """Each alone would fit: without the statement's lock both would be counted against the same rest."""
    owner = factories.make_organisation(lead=omar)
    nodes = make_nodes(owner, *"abcdefgh")
    for _round in range(3):
        statement = bare(factories.make_pool({nodes[0]: "1"}, by=omar), node_count=8)
        answers, refused = split(
            at_once(*(partial(share, statement, node, "0.6") for node in nodes), meeting_at=PoolShare)
        )
        assert (len(answers), len(refused)) == (1, 7)
        assert sum(one.share for one in statement.shares.all()) <= 1


@pytest.mark.django_db(transaction=True)
def test_of_eight_corrections_at_once_one_is_the_next(omar: User) -> None:
    owner = factories.make_organisation(lead=omar)
    (node,) = make_nodes(owner, "a")
    first = factories.make_pool({node: "1"}, by=omar)
    correct = partial(
        factories.make_pool, {node: "1"}, by=omar, corrects=first, reason="Wrong amount",
        effective_from=clock.now() + timedelta(hours=1),
    )  # fmt: skip
    answers, refused = split(at_once(*[correct] * 8, meeting_at=PoolStatement))
    assert [one.number for one in answers] == [2]
    assert {type(one) for one in refused} == {PoolRefused}
    assert first.pool.statements.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_draft_that_two_publish_at_once_is_published_once(omar: User) -> None:
    owner = factories.make_organisation(lead=omar)
    (node,) = make_nodes(owner, "a")
    draft = pool_drafts.start_draft(organisation=owner, typed={}, evidence=[], by=omar, at=clock.now())
    wanted = service.Wanted(
        name="Rack", kind="hosting", amount_year=Decimal(9000), worked_out="Contract", key="nodes",
        bases={node.slug: Decimal(1)}, effective_from=clock.now(),
    )  # fmt: skip
    publish = partial(
        pool_drafts.publish_draft, draft=draft, wanted=wanted, reason="", version=1, by=omar, at=clock.now()
    )
    answers, refused = split(at_once(*[publish] * 4))
    assert len(answers) == CostPool.objects.count() == 1
    assert {type(one) for one in refused} == {PoolDraftGone}
