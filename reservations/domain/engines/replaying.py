"""Whether a stored decision still comes out the same, and if not, where the first difference is. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from reservations.domain import exact_json
from reservations.domain.asking import Request, Snapshot
from reservations.domain.decision import Answer, digest
from reservations.domain.engines import engine_of
from reservations.domain.exact_json import Json
from reservations.domain.policy import Policy


@dataclass(frozen=True)
class Kept:
    """A decision as it is kept: all that it was taken on and all that it says, and the digest of both."""

    engine: str
    policy: Json
    request: Json
    snapshot: Json
    answer: Json
    digest: str

    @classmethod
    def of(cls, told: Json) -> Kept:
        """Out of a decision's JSON. KeyError or TypeError where a member is missing."""
        if not isinstance(told, dict):
            raise TypeError("not a JSON object")
        return cls(
            engine=str(told["engine"]),
            policy=told["policy"],
            request=told["request"],
            snapshot=told["snapshot"],
            answer=told["answer"],
            digest=str(told["digest"]),
        )


def again(kept: Kept, policy: Policy) -> Answer:
    """The answer of the engine it names, computed again. LookupError where that is gone."""
    return engine_of(kept.engine).decide(
        exact_json.read(Request, kept.request), exact_json.read(Snapshot, kept.snapshot), policy
    )


def difference(kept: Kept, policy: Policy | None = None) -> str:
    """The first difference, named; empty where there is none. `policy`: read already."""
    try:
        policy = policy or Policy.from_json(kept.policy)
        found = digest(policy=policy, request=kept.request, snapshot=kept.snapshot, answer=kept.answer)
        if found != kept.digest:
            return f"what is stored does not have the stored digest {kept.digest}"
        answer = again(kept, policy).to_json()
    except (ValueError, TypeError, KeyError) as exc:
        return f"it cannot be read: {exc!r}"
    except LookupError as exc:
        return f"this site no longer has {exc}"
    return _first_difference("answer", kept.answer, answer)


def _first_difference(path: str, stored: Json, now: Json) -> str:
    if isinstance(stored, dict) and isinstance(now, dict):
        for name in sorted(stored.keys() | now.keys()):
            if found := _first_difference(f"{path}.{name}", stored.get(name), now.get(name)):
                return found
        return ""
    if isinstance(stored, list) and isinstance(now, list) and len(stored) == len(now):
        for number, (one, other) in enumerate(zip(stored, now, strict=True)):
            if found := _first_difference(f"{path}[{number}]", one, other):
                return found
        return ""
    return "" if stored == now else f"{path} was {stored!r} and is {now!r} now"
