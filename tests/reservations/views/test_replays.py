"""Stewards hold the past against another policy: who may, how it is worked on, what pages and files say."""

from __future__ import annotations

import csv
import json
from datetime import timedelta
from fractions import Fraction
from io import StringIO
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common import clock
from nodes.models import Device
from reservations.domain import exact_json, flips
from reservations.domain.policy import Policy as Rules
from reservations.errors import PolicyRefused, Refused
from reservations.models import Decision, Policy, PolicyDraft, PolicyReplay, ReplayPart
from reservations.selectors.replays import files
from reservations.services import replays
from tests import factories
from tests.reservations.services.worlds import Lab, in_days, make_open_node
from tests.reservations.views.cast import Cast, make_cast

pytestmark = pytest.mark.django_db
STEWARDS_ONLY = {"stranger": 302, "outsider": 404, "member": 404, "lead": 404, "steward": 200}
PAGE = "/steward/replay/"


@pytest.fixture
def cast(db: None) -> Cast:
    """Four decisions: slots of 2, 10 and 20 hours granted, one of 300 refused."""
    factories.make_policy()
    cast, node = make_cast(name="Ocean eddies", slug="eddies"), make_open_node(devices=3)
    factories.make_grant(cast.project, "10000")
    lab = Lab(cast.project, cast.lead, factories.make_vertex(cast.project))
    for index, hours in enumerate((2, 10, 20)):
        lab.book([node.devices.get(index=index)], in_days(2), hours=hours)
    with pytest.raises(Refused):
        lab.book([node.devices.first()], in_days(4), hours=300)
    return cast


def make_draft(cast: Cast, **numbers: int) -> PolicyDraft:
    at = clock.now()
    return PolicyDraft.objects.create(
        based_on=Policy.objects.get(), rules=Rules(**numbers).to_json(), created_by=cast.steward,
        created_at=at, changed_by=cast.steward, changed_at=at,
    )  # fmt: skip


def replayed(of: Policy | PolicyDraft, cast: Cast) -> PolicyReplay:
    replay = replays.ask_replay(of=of, by=cast.steward, at=clock.now())
    assert not replays.work_on_replays(at=clock.now())
    replay.refresh_from_db()
    return replay


# --- who, and how ----------------------------------------------------------------------------------
def test_stewards_alone_ask_watch_and_read(cast: Cast) -> None:
    assert cast.statuses("get", PAGE) == STEWARDS_ONLY
    draft = make_draft(cast, longest_hours=12)
    asked = {"policy": f"draft-{draft.uid}"}
    assert cast.statuses("post", PAGE, asked) == {**STEWARDS_ONLY, "steward": 302}
    replay = PolicyReplay.objects.get()
    assert (replay.draft, replay.total, replay.asked_by) == (draft.uid, 4, cast.steward)
    own = replay.get_absolute_url()
    for address in (own, f"{own}progress/", f"{own[:-1]}.json", f"{own[:-1]}.csv"):
        assert cast.statuses("get", address) == STEWARDS_ONLY, address


def test_the_page_says_what_flips_by_rule_class_and_week(cast: Cast) -> None:
    replay = replayed(make_draft(cast, longest_hours=12), cast)
    assert (replay.done, replay.outcome["all"]["lost"], replay.outcome["all"]["won"]) == (4, 1, 0)
    steward = cast.signed_in("steward")
    with CaptureQueriesContext(connection) as queries:
        text = steward.get(replay.get_absolute_url()).content.decode()
    assert (
        len(queries) <= 9
    )  # with those of the time's half-life, of the flips' projects and of their devices
    assert "Granted then, refused now" in text
    assert "Length (20.00 of 12.00)" in text
    assert "What this cannot know." in text
    assert 'href="/steward/projects/eddies/"' in text
    assert f"1 × {Device.objects.first().model}" in text  # type: ignore[union-attr]
    assert "half-life" not in text
    told = steward.get(f"{replay.get_absolute_url()[:-1]}.json").json()
    assert told["digest"] == exact_json.digest(told["outcome"])
    assert told["charts"]["weeks"]["data"][0]["y"] == [1]
    assert told["charts"]["weeks"]["layout"]["yaxis"]["dtick"] == 1  # no halves of a decision
    (flipped,) = told["outcome"]["flipped"]
    assert (flipped["before"]["outcome"], flipped["after"]["refusing"][0]["code"]) == ("granted", "length")
    lines = list(
        csv.DictReader(StringIO(steward.get(f"{replay.get_absolute_url()[:-1]}.csv").content.decode()))
    )
    assert [(line["decision"], line["after_rules"]) for line in lines] == [(flipped["decision"], "length")]


def test_a_looser_policy_grants_what_was_refused(cast: Cast) -> None:
    at = clock.now()
    draft = PolicyDraft.objects.create(
        rules=Rules(longest_hours=336, model_share=Fraction(1), least_factor=Fraction(2)).to_json(),
        created_by=cast.steward, created_at=at, changed_by=cast.steward, changed_at=at,
    )  # fmt: skip
    outcome = replayed(draft, cast).outcome
    assert (outcome["all"]["lost"], outcome["all"]["won"]) == (0, 1)
    assert [one["key"] for one in outcome["rules"]] == ["length"]


def test_it_says_that_another_half_life_cannot_be_tried_on_the_past(cast: Cast) -> None:
    replay = replayed(make_draft(cast, half_life_hours=168), cast)
    text = cast.signed_in("steward").get(replay.get_absolute_url()).content.decode()
    assert "its half-life of 168 hours changes no answer here" in text


@pytest.mark.parametrize(("most", "step"), [(0, 1), (4, 1), (9, 2), (21, 5), (130, 50)])
def test_ticks_are_whole_decisions_and_few(most: int, step: int) -> None:
    assert files.whole_step(most) == step


def test_under_the_version_of_the_time_nothing_flips(cast: Cast) -> None:
    replay = replayed(Policy.objects.get(), cast)
    assert replay.outcome["flipped"] == []
    text = cast.signed_in("steward").get(replay.get_absolute_url()).content.decode()
    assert "None: every answer stays as it was." in text


def test_a_decision_that_cannot_be_decided_again_is_told_so_and_keeps_no_other_waiting(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken, compared = str(Decision.objects.order_by("pk")[1].uid), flips.compared

    def failing(*, decision: str, **facts: Any) -> flips.Compared:
        if decision == broken:
            raise KeyError("a fact that old snapshots do not have")
        return compared(decision=decision, **facts)

    monkeypatch.setattr(flips, "compared", failing)
    replay = replayed(make_draft(cast, longest_hours=12), cast)
    assert (replay.done, replay.outcome["all"]["unknown"]) == (4, 1)
    assert replay.finished_at is not None
    assert broken in caplog.text


# --- how it is worked on ---------------------------------------------------------------------------
def test_it_is_worked_on_in_parts_and_each_says_how_far_it_is(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = replayed(make_draft(cast, longest_hours=12), cast)
    PolicyReplay.objects.all().delete()
    monkeypatch.setattr(replays, "_AT_ONCE", 3)
    monkeypatch.setattr(replays, "_TURN", 0.0)  # no time for anything
    replay = replays.ask_replay(of=make_draft(cast, longest_hours=12), by=cast.steward, at=clock.now())
    assert replays.work_on_replays(at=clock.now())
    assert replays._next_part(clock.now())
    replay.refresh_from_db()
    assert (replay.done, replay.finished_at) == (3, None)
    progress = cast.signed_in("steward").get(f"{replay.get_absolute_url()}progress/")
    assert "3" in progress.content.decode()
    assert "HX-Refresh" not in progress.headers
    assert replays._next_part(clock.now())
    replay.refresh_from_db()
    assert replay.done == 4
    assert (
        cast.signed_in("steward").get(f"{replay.get_absolute_url()}progress/").headers["HX-Refresh"] == "true"
    )
    assert not ReplayPart.objects.exists()
    assert exact_json.canonical(replay.outcome) == exact_json.canonical(whole.outcome)


def test_asked_again_it_is_the_one_there_is_until_there_is_another_decision(cast: Cast) -> None:
    draft = make_draft(cast, longest_hours=12)
    first = replays.ask_replay(of=draft, by=cast.steward, at=clock.now())
    assert replays.ask_replay(of=draft, by=cast.steward, at=clock.now()) == first
    draft.rules = Rules(longest_hours=13).to_json()
    assert replays.ask_replay(of=draft, by=cast.steward, at=clock.now()) != first
    assert PolicyReplay.objects.count() == 2


def test_decisions_of_before_and_after_are_not_in_it(cast: Cast) -> None:
    draft = make_draft(cast, longest_hours=12)
    assert replays.ask_replay(of=draft, by=cast.steward, at=clock.now() + timedelta(days=120)).total == 0
    replay = replays.ask_replay(of=draft, by=cast.steward, at=clock.now())
    node = make_open_node(devices=1)
    Lab(cast.project, cast.lead, factories.make_vertex(cast.project)).book([node.devices.first()], in_days(3))
    assert not replays.work_on_replays(at=clock.now())
    replay.refresh_from_db()
    assert (replay.total, replay.done) == (4, 4)


def test_a_policy_that_could_not_be_published_decides_nothing(cast: Cast) -> None:
    draft = make_draft(cast, mark_minutes=0)
    with pytest.raises(PolicyRefused) as refusal:
        replays.ask_replay(of=draft, by=cast.steward, at=clock.now())
    assert "mark_minutes" in refusal.value.details["faults"]
    answer = cast.signed_in("steward").post(PAGE, {"policy": f"draft-{draft.uid}"})
    assert answer.status_code == 400
    assert "A policy that could not be published decides nothing" in answer.content.decode()


def test_a_draft_is_chosen_already_by_its_link_and_one_that_is_gone_is_said(cast: Cast) -> None:
    draft = make_draft(cast)
    steward = cast.signed_in("steward")
    assert f'value="draft-{draft.uid}" selected' in steward.get(f"{PAGE}?draft={draft.uid}").content.decode()
    draft.delete()
    answer = steward.post(PAGE, {"policy": f"draft-{draft.uid}"})
    assert answer.status_code == 400
    assert "That draft is gone." in answer.content.decode()


# --- the API ---------------------------------------------------------------------------------------
def test_a_program_asks_and_reads_the_same(cast: Cast) -> None:
    draft = make_draft(cast, longest_hours=12)
    steward = cast.signed_in("steward")
    body = {"draft": str(draft.uid)}
    made = steward.post("/api/v1/replays", json.dumps(body), content_type="application/json")
    assert made.status_code == 201, made.content
    assert not replays.work_on_replays(at=clock.now())
    told = steward.get(made.headers["Location"]).json()
    assert (told["is_over"], told["outcome"]["all"]["lost"]) == (True, 1)
    listed = steward.get("/api/v1/replays").json()
    assert [one["replay"] for one in listed["items"]] == [told["replay"]]
    for wrong in ({}, {"draft": str(draft.uid), "version": 1}):
        answer = steward.post("/api/v1/replays", json.dumps(wrong), content_type="application/json")
        assert answer.status_code == 400
    assert cast.signed_in("lead").get("/api/v1/replays").status_code == 404
