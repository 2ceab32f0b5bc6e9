from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from threading import Event
from typing import Any

import pytest

from accounts.models import Organisation, User
from common import clock
from nodes.models import Node
from pricing.domain.declared import from_json, to_json
from pricing.errors import DraftChanged, DraftGone, DraftOpen, PeriodTaken, StatementRefused
from pricing.models import CostStatement, Evidence, StatementDraft
from pricing.selectors.pools import pool_parts
from pricing.selectors.wizard import day_ahead_of
from pricing.services import drafts
from tests import factories
from tests.live import eventually
from tests.races import at_once, split, waiting

pytestmark = pytest.mark.django_db
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
START = datetime(2023, 1, 1, tzinfo=UTC)


@pytest.fixture
def lead() -> User:
    return factories.make_user("omar")


@pytest.fixture
def node(lead: User) -> Node:
    owner = factories.make_organisation(lead=lead)
    return factories.make_node(devices=8, owner=owner, cpu_model="EPYC 9334", cpu_cores=64)


def start(node: Node, by: User, **fields: Any) -> StatementDraft:
    return drafts.start_draft(node=node, by=by, at=clock.now(), **fields)


def whole(node: Node, by: User, **changes: Any) -> StatementDraft:
    """A draft that can be published."""
    body = to_json(factories.make_declared(**changes))
    return drafts.replace_draft(node=node, declared=body, version=None, by=by, at=clock.now())


def publish(node: Node, by: User, **fields: Any) -> CostStatement:
    at = clock.now()
    fields = {"version": None, "effective_from": at, "at": at} | fields
    return drafts.publish_draft(node=node, by=by, **fields)


def put_in_force(node: Node, by: User) -> CostStatement:
    return factories.publish_prices(node, by=by).statement


# --- beginning -----------------------------------------------------------------------------------------
def test_a_first_draft_knows_the_place_and_the_machine(node: Node, lead: User) -> None:
    body = start(node, lead).declared
    assert body["pue"] == "1.25"
    assert body["active_kilowatts"] == "7.52"  # 8 x 700 W, 2 x 210 W, and a quarter
    assert body["sources"]["power"] == "NVIDIA H100 datasheet; AMD, product page of the EPYC 9334"
    assert body["assets"] == [{"name": node.name}]


def test_the_next_draft_begins_with_the_last_statement(node: Node, lead: User) -> None:
    statement = put_in_force(node, lead)
    draft = start(node, lead)
    assert from_json(draft.declared) == from_json(statement.declared)
    assert draft.corrects is None


def test_a_node_has_one_draft(node: Node, lead: User) -> None:
    assert start(node, lead) == start(node, factories.make_user())
    assert StatementDraft.objects.count() == 1


def test_a_correction_waits_for_the_open_draft(node: Node, lead: User) -> None:
    statement = put_in_force(node, lead)
    start(node, lead)
    with pytest.raises(DraftOpen, match="Publish it or discard it first"):
        start(node, lead, corrects=statement, reason="Staff was counted twice")


def test_a_correction_says_why(node: Node, lead: User) -> None:
    statement = put_in_force(node, lead)
    with pytest.raises(StatementRefused, match="says why") as refused:
        start(node, lead, corrects=statement, reason="  ")
    assert refused.value.field == "reason"


def test_a_correction_stays_on_its_node(node: Node, lead: User) -> None:
    other = factories.publish_prices(factories.make_node()).statement
    with pytest.raises(StatementRefused, match="another node"):
        start(node, lead, corrects=other, reason="Wrong")


# --- saving --------------------------------------------------------------------------------------------
def test_what_is_wrong_is_kept_as_it_was_typed(node: Node, lead: User) -> None:
    start(node, lead)
    members = {"used_share": "about half", "assets": [{"name": "DGX", "price": "-3"}]}
    drafts.save_draft(node=node, members=members, version=1, by=lead, at=clock.now(), step="purchase")
    kept = StatementDraft.objects.get(node=node)
    assert (kept.declared["used_share"], kept.declared["assets"]) == ("about half", members["assets"])
    assert (kept.version, kept.steps_saved) == (2, ["purchase"])


def test_who_saves_after_somebody_else_is_told(node: Node, lead: User) -> None:
    other = factories.make_user("ines")
    seen = start(node, lead).version
    drafts.save_draft(node=node, members={"pue": "1.3"}, version=seen, by=other, at=clock.now())
    with pytest.raises(DraftChanged, match="Ines saved this draft on") as refused:
        drafts.save_draft(node=node, members={"pue": "1.4"}, version=seen, by=lead, at=clock.now())
    assert refused.value.details["version"] == seen + 1
    assert StatementDraft.objects.get(node=node).declared["pue"] == "1.3"


def test_letters_that_no_database_holds_are_left_out(node: Node, lead: User) -> None:
    start(node, lead)
    drafts.save_draft(node=node, members={"pue": "1\0.3"}, version=None, by=lead, at=clock.now())
    assert StatementDraft.objects.get(node=node).declared["pue"] == "1.3"


def test_a_draft_has_an_end(node: Node, lead: User) -> None:
    start(node, lead)
    save = partial(drafts.save_draft, node=node, version=None, by=lead, at=clock.now())
    with pytest.raises(StatementRefused, match="at most 200,000 characters"):
        save(members={"sources": {"staff": "x" * 200_001}})
    deep: Any = "x"
    for _level in range(900):
        deep = [deep]
    with pytest.raises(StatementRefused, match="nested too deeply"):
        save(members={"assets": deep})


# --- evidence ------------------------------------------------------------------------------------------
def make_file(owner: Organisation, by: User, title: str = "Invoice") -> Evidence:
    return Evidence.objects.create(
        organisation=owner, title=title, kind="pdf", sha256=f"{Evidence.objects.count():064x}", size=9,
        content="kept.pdf", added_by=by, added_at=clock.now(),
    )  # fmt: skip


def test_files_go_with_the_statement(node: Node, lead: User) -> None:
    whole(node, lead)
    file = make_file(node.owner, lead)
    for _again in range(2):
        drafts.add_evidence(node=node, part="purchase", evidence=file, version=None, by=lead, at=clock.now())
    statement = publish(node, lead)
    assert [(row.part, row.evidence) for row in statement.evidence.all()] == [("purchase", file)]


def test_the_files_of_others_stay_theirs(node: Node, lead: User) -> None:
    start(node, lead)
    file = make_file(factories.make_organisation(), lead)
    with pytest.raises(StatementRefused, match="belongs to another organisation"):
        drafts.add_evidence(node=node, part="", evidence=file, version=None, by=lead, at=clock.now())


def test_a_file_stands_behind_a_part_that_there_is(node: Node, lead: User) -> None:
    start(node, lead)
    file = make_file(node.owner, lead)
    with pytest.raises(StatementRefused, match="no part “weather”"):
        drafts.add_evidence(node=node, part="weather", evidence=file, version=None, by=lead, at=clock.now())


def test_a_file_can_be_left_out_again(node: Node, lead: User) -> None:
    start(node, lead)
    file = make_file(node.owner, lead)
    draft = drafts.add_evidence(node=node, part="", evidence=file, version=None, by=lead, at=clock.now())
    drafts.drop_evidence(node=node, pk=draft.evidence.get().pk, version=None, by=lead, at=clock.now())
    assert not draft.evidence.exists()
    assert Evidence.objects.filter(pk=file.pk).exists()


# --- publishing ----------------------------------------------------------------------------------------
def test_a_draft_becomes_a_statement_and_is_gone(node: Node, lead: User) -> None:
    draft = whole(node, lead)
    statement = publish(node, lead, version=draft.version)
    assert (statement.number, statement.published_by) == (1, lead)
    assert not StatementDraft.objects.filter(node=node).exists()


def test_a_correction_names_what_it_corrects(node: Node, lead: User) -> None:
    first = put_in_force(node, lead)
    start(node, lead, corrects=first, reason="Staff was counted twice")
    second = publish(node, lead)
    assert (second.corrects, second.reason) == (first, "Staff was counted twice")
    first.refresh_from_db()
    assert first.effective_until == second.effective_from


def test_everything_wrong_is_told_at_once(node: Node, lead: User) -> None:
    body = to_json(factories.make_declared()) | {"used_share": "x", "pue": "0.5"}
    drafts.replace_draft(node=node, declared=body, version=None, by=lead, at=clock.now())
    with pytest.raises(StatementRefused) as refused:
        publish(node, lead)
    assert set(refused.value.details["faults"]) == {"used_share", "pue"}
    assert StatementDraft.objects.filter(node=node).exists()


def test_it_takes_effect_now_at_the_earliest(node: Node, lead: User) -> None:
    whole(node, lead)
    with pytest.raises(StatementRefused, match="not in the past") as refused:
        publish(node, lead, effective_from=clock.now() - DAY)
    assert refused.value.field == "effective_from"


def test_it_begins_under_no_other_statement(node: Node, lead: User) -> None:
    whole(node, lead)
    publish(node, lead, effective_from=clock.now() + 10 * DAY)
    whole(node, lead)
    with pytest.raises(PeriodTaken, match="takes effect on") as refused:
        publish(node, lead, effective_from=clock.now() + DAY)
    assert refused.value.field == "effective_from"
    assert StatementDraft.objects.filter(node=node).exists()


def test_what_was_changed_since_it_was_read_is_not_published(node: Node, lead: User) -> None:
    seen = whole(node, lead).version
    drafts.save_draft(node=node, members={"pue": "1.9"}, version=seen, by=lead, at=clock.now())
    with pytest.raises(DraftChanged):
        publish(node, lead, version=seen)
    assert not CostStatement.objects.exists()


def test_a_share_of_a_pool_is_what_is_published_of_it(node: Node, lead: User) -> None:
    factories.make_pool({node: "8"}, lead, amount_year=Decimal(9000), whole=Decimal(42))
    (part,) = pool_parts(node=node, at=clock.now())
    whole(node, lead, pools=(replace(part, amount_year=Decimal(1)),))
    with pytest.raises(StatementRefused, match="is not what is published") as refused:
        publish(node, lead)
    assert refused.value.field == "pools"
    whole(node, lead, pools=(part,))
    assert publish(node, lead).declared["pools"][0]["statement"] == part.statement


def test_a_day_ahead_price_is_the_mean_of_the_hours_that_are_known(node: Node, lead: User) -> None:
    hours = "".join(f"{START + HOUR * at:%Y-%m-%dT%H:%MZ},{40 + at % 3}\n" for at in range(48))
    factories.import_hours(f"hour_utc,FR\n{hours}")
    mean = day_ahead_of(zone="FR")
    assert mean is not None
    assert (mean.eur_per_mwh, mean.hours_known, mean.hours_missing) == (Decimal(41), 48, 365 * 24 - 48)
    whole(node, lead, contract_price=None, day_ahead=replace(mean, eur_per_mwh=Decimal(1)))
    with pytest.raises(StatementRefused, match="not the mean that this site knows"):
        publish(node, lead)
    whole(node, lead, contract_price=None, day_ahead=mean)
    assert publish(node, lead).declared["day_ahead"]["hours_known"] == "48"


def test_who_comes_late_is_told_what_became_of_the_draft(node: Node, lead: User) -> None:
    start(node, lead)
    drafts.discard_draft(node=node, version=None)
    with pytest.raises(DraftGone, match="somebody has discarded it"):
        publish(node, lead)
    whole(node, lead)
    publish(node, lead)
    with pytest.raises(DraftGone, match="Statement 1 was published by Omar on"):
        publish(node, lead)


# --- at once -------------------------------------------------------------------------------------------
def many(call: Callable[[], Any]) -> tuple[list[Any], list[Exception]]:
    return split(at_once(*[call] * 6, meeting_at=StatementDraft))


@pytest.mark.django_db(transaction=True)
def test_of_many_who_begin_at_once_all_have_the_same_draft(node: Node, lead: User) -> None:
    begun, refused = many(partial(start, node, lead))
    assert refused == []
    assert len({draft.pk for draft in begun}) == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_who_publish_at_once_one_does(node: Node, lead: User) -> None:
    version = whole(node, lead).version
    published, refused = many(partial(publish, node, lead, version=version))
    assert len(published) == 1
    assert {type(one) for one in refused} == {DraftGone}
    assert CostStatement.objects.filter(node=node).count() == 1


@pytest.mark.django_db(transaction=True)
def test_who_publishes_and_who_rewrites_do_not_wait_for_each_other(
    node: Node, lead: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to end in a deadlock where publishing locks the draft before the node."""
    whole(node, lead)
    declared = to_json(factories.make_declared())
    start_draft, node_is_held = drafts.start_draft, Event()

    def start_and_wait(**said: Any) -> StatementDraft:
        found = start_draft(**said)
        node_is_held.set()
        eventually(lambda: waiting() == 1, "the one who publishes waits for the node")
        return found

    def publish_then() -> CostStatement:
        assert node_is_held.wait(timeout=60)
        return publish(node, lead)

    monkeypatch.setattr(drafts, "start_draft", start_and_wait)
    rewrite = partial(
        drafts.replace_draft, node=node, declared=declared, version=None, by=lead, at=clock.now()
    )
    answers = at_once(publish_then, rewrite)
    assert split(answers)[1] == []


@pytest.mark.django_db(transaction=True)
def test_of_many_who_save_the_same_version_one_does(node: Node, lead: User) -> None:
    version = start(node, lead).version
    save = partial(
        drafts.save_draft, node=node, members={"pue": "1.4"}, version=version, by=lead, at=clock.now()
    )
    saved, refused = many(save)
    assert len(saved) == 1
    assert {type(one) for one in refused} == {DraftChanged}
    assert StatementDraft.objects.get(node=node).version == version + 1
