from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pgtrigger
import pytest
from django.core.management import CommandError, call_command

from common import clock
from reservations.domain import engines
from reservations.errors import Refused
from reservations.models import Decision
from reservations.selectors import decisions
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
    with pytest.raises(CommandError, match=f"{granted.uid}: the stored row does not have the stored digest"):
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
    monkeypatch.setattr(engines, "ENGINES", {})
    with pytest.raises(CommandError, match=f"this site no longer has engine {engines.CURRENT}"):
        replay()
