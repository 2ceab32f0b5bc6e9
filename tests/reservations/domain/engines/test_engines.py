from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reservations.domain import decision, engines, exact_json
from reservations.domain.asking import Request, Snapshot
from reservations.domain.policy import Policy

# What engine 1 answered while it was the one in use: granted, refused by each rule, under each exception.
PINNED: list[dict[str, Any]] = json.loads(Path(__file__).with_name("answers_of_engine_1.json").read_text())
RULES_OF_ENGINE_1 = {
    "grid", "order", "past", "length", "horizon", "project_standing", "free", "price", "room", "model_half",
    "member_cap", "budget",
}  # fmt: skip


def answer_to(case: dict[str, Any], engine: str) -> exact_json.Json:
    request, snapshot = (
        exact_json.read(kind, case[name]) for kind, name in ((Request, "request"), (Snapshot, "snapshot"))
    )
    return engines.decide(request, snapshot, Policy.from_json(case["policy"]), engine=engine).to_json()


@pytest.mark.parametrize("case", PINNED, ids=[case["name"] for case in PINNED])
def test_engine_1_answers_as_it_did_byte_for_byte(case: dict[str, Any]) -> None:
    answer = answer_to(case, "1")
    assert exact_json.canonical(answer) == exact_json.canonical(case["answer"])
    parts = {name: case[name] for name in ("request", "snapshot")}
    found = decision.digest(policy=Policy.from_json(case["policy"]), answer=answer, **parts)
    assert found == case["digest"]


@pytest.mark.parametrize("case", PINNED, ids=[case["name"] for case in PINNED])
def test_what_was_stored_is_read_and_written_again_byte_for_byte(case: dict[str, Any]) -> None:
    for kind, name in ((Request, "request"), (Snapshot, "snapshot"), (decision.Answer, "answer")):
        again = exact_json.written(exact_json.read(kind, case[name]))
        assert exact_json.canonical(again) == exact_json.canonical(case[name])


def test_the_pinned_answers_are_of_every_kind() -> None:
    refused = {
        rule["code"] for case in PINNED for rule in case["answer"]["rules"] if rule["verdict"] == "refuse"
    }
    assert refused == RULES_OF_ENGINE_1
    assert {case["answer"]["outcome"] for case in PINNED} == {"granted", "refused"}
    assert any("exceptions" in rule["facts"] for case in PINNED for rule in case["answer"]["rules"])
    assert {case["answer"]["engine"] for case in PINNED} == {"1"}


@pytest.mark.parametrize("case", PINNED, ids=[case["name"] for case in PINNED])
def test_the_engine_in_use_agrees_with_the_first_where_nothing_new_is_said(case: dict[str, Any]) -> None:
    """So that old decisions can be held against a policy of today."""
    answer = answer_to(case, engines.CURRENT)
    assert isinstance(answer, dict)
    assert answer["engine"] == engines.CURRENT
    assert {**answer, "engine": "1"} == case["answer"]


def test_an_engine_that_never_was_is_named() -> None:
    with pytest.raises(LookupError, match="engine 0"):
        engines.engine_of("0")


def test_each_engine_goes_by_its_own_number() -> None:
    assert {number: engine.version for number, engine in engines.ENGINES.items()} == {"1": "1", "2": "2"}
    assert engines.CURRENT in engines.ENGINES
