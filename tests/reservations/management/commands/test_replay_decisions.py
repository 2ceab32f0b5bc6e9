from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pgtrigger
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction

from common import clock
from reservations.domain import exact_json
from reservations.domain.decision import digest
from reservations.domain.engines import CURRENT
from reservations.domain.policy import Policy
from reservations.errors import Refused
from reservations.models import Decision, Snapshot
from reservations.selectors import decisions
from reservations.selectors.decision import decision_json
from tests.reservations.services.worlds import in_days, make_lab, make_open_node


@pytest.fixture
def two(db: None) -> tuple[Decision, Decision]:
    """One granted, one refused."""
    lab, node = make_lab(), make_open_node(devices=1)
    granted = lab.book([node.devices.first()], in_days(2)).decision
    with pytest.raises(Refused) as refusal:
        lab.book([node.devices.first()], in_days(2), hours=300)
    return granted, refusal.value.decision


def replay(*arguments: str) -> str:
    out = StringIO()
    call_command("replay_decisions", *arguments, stdout=out)
    return out.getvalue().strip()


def tamper(decision: Decision, **fields: Any) -> None:
    """What only somebody past the trigger can do."""
    with pgtrigger.ignore("reservations.Decision:decision_is_immutable"):
        Decision.objects.filter(pk=decision.pk).update(**fields)


def test_every_decision_comes_out_the_same(two: tuple[Decision, Decision]) -> None:
    assert replay() == "2 decisions replayed; every one comes out the same."


def test_it_can_begin_at_a_day(two: tuple[Decision, Decision]) -> None:
    tomorrow = (clock.now() + timedelta(days=1)).date().isoformat()
    assert replay("--since", tomorrow) == "0 decisions replayed; every one comes out the same."


def test_a_changed_row_no_longer_has_its_digest(two: tuple[Decision, Decision]) -> None:
    granted, _ = two
    tamper(granted, request={**granted.request, "end": granted.request["start"]})
    with pytest.raises(CommandError, match=f"{granted.uid}: what is stored does not have the stored digest"):
        replay()


def test_a_changed_answer_is_found_even_with_a_digest_to_match(two: tuple[Decision, Decision]) -> None:
    _, refused = two
    rules = [{**rule, "verdict": "pass"} if rule["code"] == "length" else rule for rule in refused.rules]
    tamper(refused, rules=rules)
    refused.refresh_from_db()
    tamper(refused, digest=decisions.digest_of(refused))
    with pytest.raises(CommandError, match=r"answer.rules\[3\].verdict was 'pass' and is 'refuse' now"):
        replay()


def test_an_engine_that_is_gone_is_named(
    two: tuple[Decision, Decision], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reservations.domain.engines.ENGINES", {})
    with pytest.raises(CommandError, match=f"this site no longer has engine {CURRENT}"):
        replay()


def test_anybody_can_replay_one_out_of_its_file(two: tuple[Decision, Decision], tmp_path: Path) -> None:
    for decision in two:
        told = decision_json(decision=Decision.objects.select_related("policy", "entry").get(pk=decision.pk))
        file = tmp_path / f"{decision.uid}.json"
        file.write_text(json.dumps(told))
        assert decision.digest in replay("--file", str(file))
        told["answer"]["level"]["after"] = "9.000000"
        file.write_text(json.dumps(told))
        with pytest.raises(CommandError, match="does not have the stored digest"):
            replay("--file", str(file))


def test_a_file_needs_no_database(tmp_path: Path) -> None:
    case = json.loads((Path(__file__).parents[2] / "domain/engines/answers_of_engine_1.json").read_text())[8]
    file = tmp_path / "decision.json"
    file.write_text(json.dumps({**case, "engine": "1"}))
    assert replay("--file", str(file)).startswith("It comes out the same with engine 1.")
    case["answer"]["nearest"] = None
    policy = Policy.from_json(case["policy"])
    case["digest"] = digest(policy=policy, **{name: case[name] for name in ("request", "snapshot", "answer")})
    file.write_text(json.dumps({**case, "engine": "1"}))
    with pytest.raises(CommandError, match=r"answer\.nearest"):
        replay("--file", str(file))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"engine": "1"}'])
def test_a_file_that_is_no_decision_is_refused(content: str, tmp_path: Path) -> None:
    file = tmp_path / "decision.json"
    file.write_text(content)
    with pytest.raises(CommandError, match="is not the JSON of a decision"):
        replay("--file", str(file))


@pytest.mark.django_db
def test_the_same_snapshot_is_kept_once() -> None:
    lab, node = make_lab(), make_open_node(devices=1)
    at, before = clock.now(), Snapshot.objects.count()
    for hours in (300, 400):  # at one moment: the same facts, whatever is asked
        with pytest.raises(Refused):
            lab.book([node.devices.first()], in_days(2), hours=hours, at=at)
    first, second = Decision.objects.order_by("pk")
    assert first.digest != second.digest
    assert first.taken_on_id == second.taken_on_id == exact_json.digest(first.snapshot)
    assert Snapshot.objects.count() == before + 1


@pytest.mark.django_db
def test_a_snapshot_can_be_neither_changed_nor_deleted(two: tuple[Decision, Decision]) -> None:
    seen = Snapshot.objects.filter(pk=two[0].taken_on_id)
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        seen.update(facts={})
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        seen._raw_delete("default")
