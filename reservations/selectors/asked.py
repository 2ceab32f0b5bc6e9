"""Stored decisions as lines: what was asked, when, the outcome and the rules behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import ngettext

from common import formats
from reservations import wording
from reservations.domain.rules import PASS, REFUSE
from reservations.models import Decision


@dataclass(frozen=True)
class DecisionRow:
    pk: int
    url: str
    title: str
    decided_at: datetime
    start: datetime
    end: datetime
    is_granted: bool
    because: str


def decision_rows(decisions: Iterable[Decision]) -> tuple[DecisionRow, ...]:
    return tuple(_row(decision) for decision in decisions)


def _row(decision: Decision) -> DecisionRow:
    start, end = (datetime.fromisoformat(decision.request[name]) for name in ("start", "end"))
    return DecisionRow(
        pk=decision.pk,
        url=decision.get_absolute_url(),
        title=f"{devices_of(decision.snapshot)}, {formats.duration(end - start)}",
        decided_at=decision.decided_at,
        start=start,
        end=end,
        is_granted=decision.outcome == Decision.Outcome.GRANTED,
        because=_because(decision.rules),
    )


def devices_of(snapshot: Mapping[str, Any]) -> str:
    """`4 × H100 SXM5`, from a stored snapshot."""
    names = {model["key"]: model["name"] for model in snapshot["models"]}
    counts = Counter(names.get(device["model"], device["model"]) for device in snapshot["devices"])
    return " + ".join(f"{count} × {name}" for name, count in counts.items())


def _because(rules: Any) -> str:
    refusing = [rule["code"] for rule in rules if rule["verdict"] == REFUSE]
    if refusing:
        return ", ".join(str(wording.name(code)) for code in refusing)
    passed: int = sum(rule["verdict"] == PASS for rule in rules)  # some do not apply
    return ngettext("%d rule passed", "%d rules passed", passed) % passed
