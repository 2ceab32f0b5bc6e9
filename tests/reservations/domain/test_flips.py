from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from reservations.domain import decay, exact_json, flips
from reservations.domain.flips import UNKNOWN, Compared, Outcome
from reservations.domain.policy import Policy, standard
from tests.reservations.domain.worlds import NOW, make_standing

PINNED: dict[str, dict[str, Any]] = {
    case["name"]: case
    for case in json.loads((Path(__file__).parent / "engines/answers_of_engine_1.json").read_text())
}
OF_THE_TIME = [case for case in PINNED.values() if Policy.from_json(case["policy"]) == Policy()]


def against(under: Policy, *names: str) -> list[Compared]:
    """Decisions of those names; all that were taken under the default policy without one."""
    cases = [PINNED[name] for name in names] or OF_THE_TIME
    return [
        flips.compared(
            decision=str(number), digest=case["digest"], request=case["request"], snapshot=case["snapshot"],
            rules=case["answer"]["rules"], outcome=case["answer"]["outcome"], under=under, then=Policy(),
        )
        for number, case in enumerate(cases)
    ]  # fmt: skip


def outcome_of(under: Policy, *names: str) -> Outcome:
    return flips.told(compared=against(under, *names), policy=under.digest)


def test_under_the_policy_of_the_time_nothing_flips() -> None:
    assert outcome_of(Policy()).flipped == ()
    assert outcome_of(standard()).flipped == ()  # whose rules those snapshots say nothing of


def test_a_longer_slot_turns_the_refusal_of_its_length_and_no_other() -> None:
    (won,) = against(replace(Policy(), longest_hours=200), "refused: too long")
    assert won.before.outcome == "refused"
    assert [rule.code for rule in won.before.refusing] == ["length"]
    assert (won.after.outcome, won.after.refusing) == ("granted", ())
    assert won.flips
    assert not won.is_lost
    (still,) = against(replace(Policy(), longest_hours=336), "exception: refused all the same")
    assert {rule.code for rule in still.after.refusing} == {"budget", "length"}
    assert not still.flips


def test_a_stricter_policy_loses_what_had_been_granted_and_names_the_rule() -> None:
    outcome = outcome_of(replace(Policy(), longest_hours=3))
    assert outcome.all.lost > 0
    assert outcome.all.won == 0
    assert all(one.before.outcome == "granted" for one in outcome.flipped)
    assert {rule.key for rule in outcome.rules} == {"length"}
    lost = outcome.flipped[0]
    assert [(rule.code, rule.limit) for rule in lost.after.refusing] == [("length", "3.000000")]


def test_groups_add_up_to_all() -> None:
    outcome = outcome_of(replace(Policy(), longest_hours=3, exempt_hours=0, model_share=Fraction(1, 50)))
    for groups in (outcome.classes, outcome.weeks):
        for name in ("decided", "lost", "won", "unknown"):
            assert sum(getattr(group, name) for group in groups) == getattr(outcome.all, name)
    assert outcome.granted_after == outcome.granted_before - outcome.all.lost + outcome.all.won


def test_usage_counts_as_it_had_been_counted_whatever_the_half_life() -> None:
    """A stored sum of one half-life, read with another, would be off by powers of two."""
    then, now = timedelta(hours=336), timedelta(hours=100)
    standing = make_standing(stored=Decimal("123456789.123"), stored_by_all=Decimal("3e9"))
    seen = flips.as_seen(standing, at=NOW, counted=then, reads=now)
    for name in ("stored", "stored_by_all"):
        before, after = getattr(standing, name), getattr(seen, name)
        assert decay.seen_at(NOW, after, now) == pytest.approx(
            decay.seen_at(NOW, before, then), rel=Decimal("1e-25")
        )
    assert flips.as_seen(standing, at=NOW, counted=then, reads=then) is standing


def test_what_a_snapshot_says_nothing_of_is_unknown_and_no_refusal() -> None:
    """It is of before the floor: nobody had looked at the cells that a floor counts in."""
    case = PINNED["granted: devices of two nodes, with usage"]
    snapshot = {
        **case["snapshot"],
        "nodes": [{**node, "zone": "Europe/Paris", "funded": "0.5"} for node in case["snapshot"]["nodes"]],
        "project": {"is_suspended": False, "expires_at": None, "project_class": "research"},
    }
    one = flips.compared(
        decision="1", digest=case["digest"], request=case["request"], snapshot=snapshot,
        rules=case["answer"]["rules"], outcome="granted", under=replace(standard(), floor_ahead_hours=0),
        then=Policy(),
    )  # fmt: skip
    assert one.after.outcome == UNKNOWN
    assert not one.flips
    assert one.project_class == "research"


def test_the_same_decisions_give_the_same_bytes() -> None:
    under = replace(Policy(), longest_hours=3)
    first, second = (exact_json.canonical(outcome_of(under).to_json()) for _ in range(2))
    assert first == second
    assert Outcome.from_json(json.loads(first)) == outcome_of(under)
    assert exact_json.canonical(outcome_of(replace(under, longest_hours=4)).to_json()) != first
