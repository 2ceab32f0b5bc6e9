"""Taking a decision on what the database says now, and storing it for good."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from accounts.models import Project, User
from common.ids import uuid7
from common.prepared import prepared
from ledger.services import append
from pricing.models import Grant
from pricing.selectors import Rate, allowances
from reservations.domain import decision as values, engines, exact_json
from reservations.domain.asking import Request, Snapshot
from reservations.domain.decision import Answer
from reservations.domain.policy import Policy as Rules
from reservations.domain.rules import Case
from reservations.errors import NoShare, NotAMember
from reservations.models import Decision, Snapshot as Stored
from reservations.selectors import alternatives, policies, snapshots
from reservations.selectors.snapshots import Wanted
from reservations.services import capacity

# The project's row in the share tree is the lock that all changes of its room and budget take first.
_LOCK = """
SELECT policy.id, policy.version, policy.digest,
       EXISTS(SELECT FROM accounts_projectmembership WHERE project_id = %(project)s AND user_id = %(user)s)
  FROM reservations_vertex vertex
  LEFT JOIN reservations_policy policy ON policy.effective @> %(at)s::timestamptz
 WHERE vertex.project_id = %(project)s
   FOR NO KEY UPDATE OF vertex
"""

# By hand, as every booking needs it: a third of what the ORM's insert costs. A snapshot that has been seen
# before is there already.
_DECIDE = """
WITH seen AS (
    INSERT INTO reservations_snapshot (digest, facts) VALUES (%(taken_on)s, %(snapshot)s)
    ON CONFLICT (digest) DO NOTHING
)
INSERT INTO reservations_decision
       (uid, project_id, asked_by_id, policy_id, engine, request, taken_on_id, rules, quote, outcome, digest,
        entry_id, decided_at)
VALUES (%(uid)s, %(project)s, %(user)s, %(policy)s, %(engine)s, %(request)s, %(taken_on)s, %(rules)s,
        %(quote)s, %(outcome)s, %(digest)s, %(entry)s, %(at)s)
RETURNING id
"""
# The parts of an answer that no column of their own holds; the newest is not in older ones.
_TOLD = ("quote", "level", "nearest", "alternatives")


@dataclass(frozen=True)
class InForce:
    """The policy row that is in force, and its numbers."""

    id: int
    version: int
    rules: Rules


@dataclass(frozen=True)
class Decided:
    """One answer with all it was taken on."""

    request: Request
    snapshot: Snapshot
    answer: Answer
    wanted: Sequence[Wanted]
    rates: dict[int, Rate]


def lock_project(*, project_id: int, user_id: int, at: datetime) -> InForce:
    """Lock the project's place in the tree for a member, and tell which policy is in force. One query."""
    with prepared() as cursor:
        cursor.execute(_LOCK, {"project": project_id, "user": user_id, "at": at})
        row = cursor.fetchone()
    if row is None:
        raise NoShare(_("This project has no place in the share tree yet."))
    policy_id, version, digest, is_member = row
    if not is_member:
        raise not_a_member()
    if digest is None:
        raise policies.none_in_force()
    return InForce(policy_id, version, policies.by_digest(digest))


def decide(
    *,
    request: Request,
    project_id: int,
    asked_by_id: int,
    wanted: Sequence[Wanted],
    grants: Iterable[Grant],
    rules: Rules,
) -> Decided:
    """Read the snapshot and ask the engine. Nothing is written."""

    def read() -> tuple[Snapshot, dict[int, Rate]]:
        return snapshots.snapshot_of(
            request=request, project_id=project_id, asked_by_id=asked_by_id, wanted=wanted,
            grants=grants, policy=rules,
        )  # fmt: skip

    snapshot, rates = read()
    if not snapshot.standing.capacity_hours:  # nobody has measured yet; afterwards a sweep does
        capacity.measure(at=request.at)
        snapshot, rates = read()
    answer = engines.decide(request, snapshot, rules)
    if not answer.is_granted:
        # Read only now: whoever gets what they ask for need not be told what else there is.
        snapshot = replace(
            snapshot,
            allowance=_missing_allowance(answer, project_id, grants, request),
            candidates=alternatives.nearby_of(
                case=Case.of(request, snapshot, rules),
                refused=[rule.code for rule in answer.refusing],
                asked_ids=[device.id for device in wanted],
                project_id=project_id,
            ),
        )
        answer = engines.decide(request, snapshot, rules)
    return Decided(request, snapshot, answer, wanted, rates)


def _missing_allowance(
    answer: Answer, project_id: int, grants: Iterable[Grant], request: Request
) -> str | None:
    """Why the universal allowance does not pay what is short; None where nothing is or it is not theirs."""
    if not any(rule.code == "budget" for rule in answer.refusing):
        return None
    missing = allowances.why_short(project_id=project_id, grants=grants, start=request.start, at=request.at)
    return missing or None


def record(*, decided: Decided, project: Project, asked_by: User, policy: InForce) -> Decision:
    """Store the answer with its inputs; the ledger gets its digest, nothing of its content."""
    request, snapshot = exact_json.written(decided.request), exact_json.written(decided.snapshot)
    answer, at, uid = decided.answer.to_json(), decided.request.at, uuid7()
    digest = values.digest(policy=policy.rules, request=request, snapshot=snapshot, answer=answer)
    body = {
        "decision": uid, "policy": policy.version, "engine": decided.answer.engine,
        "outcome": decided.answer.outcome, "digest": digest,
    }  # fmt: skip
    decision = Decision(
        uid=uid, project=project, asked_by=asked_by, policy_id=policy.id, engine=decided.answer.engine,
        request=request, rules=answer["rules"],
        taken_on=Stored(digest=exact_json.digest(snapshot), facts=snapshot),
        quote={name: answer[name] for name in _TOLD if name in answer},
        outcome=decided.answer.outcome, digest=digest, decided_at=at,
        entry=append(kind="decision", body=body, at=at),
    )  # fmt: skip
    with prepared() as cursor:
        cursor.execute(_DECIDE, _columns(decision))
        (decision.pk,) = cursor.fetchone()
    decision._state.adding = False
    return decision


def _columns(decision: Decision) -> dict[str, Any]:
    return {
        "uid": decision.uid, "project": decision.project_id, "user": decision.asked_by_id,
        "policy": decision.policy_id, "engine": decision.engine, "request": Jsonb(decision.request),
        "taken_on": decision.taken_on_id, "snapshot": Jsonb(decision.snapshot),
        "rules": Jsonb(decision.rules), "quote": Jsonb(decision.quote),
        "outcome": decision.outcome, "digest": decision.digest, "entry": decision.entry_id,
        "at": decision.decided_at,
    }  # fmt: skip


def not_a_member() -> NotAMember:
    return NotAMember(_("Only members of this project may do that."))
