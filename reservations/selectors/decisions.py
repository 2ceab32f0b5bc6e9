"""Stored decisions: what they say, and what the engine says today on the snapshot they store."""

from __future__ import annotations

from reservations.domain import decision as values, engines, exact_json
from reservations.domain.asking import Request, Snapshot
from reservations.domain.decision import Answer
from reservations.domain.exact_json import Json
from reservations.domain.policy import Policy as Rules
from reservations.models import Decision
from reservations.selectors import policies


def answer_of(decision: Decision) -> Answer:
    """The answer as it was given."""
    return Answer.from_json(answer_json(decision))


def answer_json(decision: Decision) -> dict[str, Json]:
    return {
        "engine": decision.engine, "outcome": decision.outcome, "rules": decision.rules,
        **(decision.quote or {}),
    }  # fmt: skip


def numbers_of(decision: Decision) -> Rules:
    """The policy it was taken under, by the numbers of the class that the project had then."""
    rules = policies.by_digest(decision.policy.digest)
    if not any(numbers.own for numbers in rules.classes):
        return rules  # without reading the snapshot
    project = decision.snapshot.get("project") or {}
    return rules.for_class(project.get("project_class"))


def digest_of(decision: Decision) -> str:
    """The digest of the row as it is stored now."""
    return values.digest(
        policy=Rules.from_json(decision.policy.rules),
        request=decision.request,
        snapshot=decision.snapshot,
        answer=answer_json(decision),
    )


def replayed(decision: Decision) -> Answer:
    """The answer of the engine the decision names, computed again. LookupError where it is gone."""
    return engines.engine_of(decision.engine).decide(
        exact_json.read(Request, decision.request),
        exact_json.read(Snapshot, decision.snapshot),
        Rules.from_json(decision.policy.rules),
    )
