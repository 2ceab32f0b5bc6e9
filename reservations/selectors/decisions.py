"""Stored decisions: what they say, and all that they can be replayed from."""

from __future__ import annotations

from reservations.domain import decision as values
from reservations.domain.decision import Answer
from reservations.domain.engines.replaying import Kept
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


def kept(decision: Decision) -> Kept:
    """With the policy and the snapshot read along."""
    return Kept(
        engine=decision.engine,
        policy=decision.policy.rules,
        request=decision.request,
        snapshot=decision.snapshot,
        answer=answer_json(decision),
        digest=decision.digest,
    )


def digest_of(decision: Decision) -> str:
    """The digest of the row as it is stored now."""
    return values.digest(
        policy=Rules.from_json(decision.policy.rules),
        request=decision.request,
        snapshot=decision.snapshot,
        answer=answer_json(decision),
    )
