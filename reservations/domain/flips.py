"""Decisions of the past held against another policy: which answers flip. Pure.

Each is decided again on the snapshot it was taken on, by the rules of the engine in use. Usage counts as the
policy of the time had counted it at the moment of the request, since a stored sum tells nothing of another
half-life. What a snapshot says nothing of, a cell of other peak hours say, is unknown, and not a refusal.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from reservations.domain import decay, exact_json
from reservations.domain.asking import Request, Snapshot
from reservations.domain.decision import GRANTED, REFUSED
from reservations.domain.engines import CURRENT, engine_of
from reservations.domain.exact_json import Json
from reservations.domain.policy import Policy
from reservations.domain.room import Standing, rounded_up
from reservations.domain.rules import Rule
from reservations.domain.slots import Week

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Refusing:
    """A rule that says no, with its numbers."""

    code: str
    limit: str | None
    actual: str | None


@dataclass(frozen=True)
class Side:
    """One of two answers to the same request."""

    outcome: str  # granted, refused or unknown
    refusing: tuple[Refusing, ...]


@dataclass(frozen=True)
class Compared:
    """A decision of the past, beside what it would be."""

    decision: str
    digest: str  # as the ledger has it
    decided_at: datetime
    project_class: str  # empty: its snapshot is older than that
    device_hours: Decimal
    before: Side
    after: Side

    @property
    def flips(self) -> bool:
        return UNKNOWN != self.after.outcome != self.before.outcome

    @property
    def is_lost(self) -> bool:
        return self.flips and self.after.outcome == REFUSED

    @property
    def week(self) -> str:
        return str(Week.of(self.decided_at))


@dataclass(frozen=True)
class Tally:
    """How many of some decisions flip. `key`: a rule, a class or a week."""

    key: str
    decided: int
    lost: int  # granted then, refused now
    won: int  # the other way round
    unknown: int


@dataclass(frozen=True)
class Outcome:
    """All of a replay, and nothing of when or by whom: the same decisions give the same bytes."""

    policy: str  # its digest
    engine: str
    decisions: str  # SHA-256 of all their digests, one after the other
    all: Tally
    granted_before: int
    granted_after: int
    rules: tuple[Tally, ...]  # those that refused what was lost, or had refused what was won
    classes: tuple[Tally, ...]
    weeks: tuple[Tally, ...]
    flipped: tuple[Compared, ...]

    def to_json(self) -> Json:
        return exact_json.written(self)

    @classmethod
    def from_json(cls, outcome: Json) -> Outcome:
        return exact_json.read(cls, outcome)


def compared(
    *,
    decision: str,
    digest: str,
    request: Json,
    snapshot: Json,
    rules: Json,
    outcome: str,
    under: Policy,
    then: Policy,
) -> Compared:
    """One stored decision under another policy. `then`: the one it was taken under."""
    asked, facts = exact_json.read(Request, request), exact_json.read(Snapshot, snapshot)
    project = facts.project
    facts = replace(
        facts,
        candidates=None,
        standing=as_seen(facts.standing, at=asked.at, counted=then.half_life, reads=under.half_life),
    )
    before = [exact_json.read(Rule, rule) for rule in rules] if isinstance(rules, list) else []
    after = engine_of(CURRENT).verdicts(asked, facts, under)
    hours = asked.slot.hours * len(asked.devices) if asked.has_length else Fraction(0)
    return Compared(
        decision=decision,
        digest=digest,
        decided_at=asked.at,
        project_class=(project.project_class or "") if project else "",
        device_hours=rounded_up(hours),
        before=Side(outcome, _refusing(before)),
        after=_side(after),
    )


def untold(*, decision: str, digest: str, decided_at: datetime, outcome: str) -> Compared:
    """A stored decision that cannot be decided again: unknown, and no flip."""
    return Compared(
        decision, digest, decided_at, "", Decimal(0), before=Side(outcome, ()), after=Side(UNKNOWN, ())
    )


def as_seen(standing: Standing, *, at: datetime, counted: timedelta, reads: timedelta) -> Standing:
    """Stored usage of one half-life as another one reads it, so that at this moment it is as much."""
    if counted == reads:
        return standing

    def read(stored: Decimal) -> Decimal:
        return decay.seen_at(at, stored, counted) * decay.growth(at - decay.LANDMARK, reads)

    def read_if_any(stored: Decimal | None) -> Decimal | None:
        return None if stored is None else read(stored)

    steps = tuple(
        replace(step, stored=read_if_any(step.stored), stored_of_all=read_if_any(step.stored_of_all))
        for step in standing.path
    )
    return replace(
        standing,
        path=steps,
        stored=read(standing.stored),
        stored_by_all=read(standing.stored_by_all),
    )


def told(*, compared: Sequence[Compared], policy: str) -> Outcome:
    """All of them together, in their order. `policy` is the digest of the numbers."""
    decisions = hashlib.sha256(bytes.fromhex("".join(one.digest for one in compared))).hexdigest()
    return Outcome(
        policy=policy,
        engine=CURRENT,
        decisions=decisions,
        all=_tally("", compared),
        granted_before=sum(one.before.outcome == GRANTED for one in compared),
        granted_after=sum(one.after.outcome == GRANTED for one in compared),
        rules=tuple(_by_rule(compared)),
        classes=_grouped(compared, lambda one: one.project_class),
        weeks=_grouped(compared, lambda one: one.week),
        flipped=tuple(one for one in compared if one.flips),
    )


def _refusing(rules: Iterable[Rule]) -> tuple[Refusing, ...]:
    return tuple(Refusing(rule.code, rule.limit, rule.actual) for rule in rules if rule.refuses)


def _side(rules: Sequence[Rule]) -> Side:
    refusing = [rule for rule in rules if rule.refuses]
    known = [rule for rule in refusing if not rule.facts.get("unknown")]
    if known:
        return Side(REFUSED, _refusing(known))
    return Side(UNKNOWN if refusing else GRANTED, _refusing(refusing))


def _tally(key: str, compared: Sequence[Compared]) -> Tally:
    lost = sum(one.is_lost for one in compared)
    flips = sum(one.flips for one in compared)
    unknown = sum(one.after.outcome == UNKNOWN for one in compared)
    return Tally(key, len(compared), lost, flips - lost, unknown)


def _grouped(compared: Sequence[Compared], key: Callable[[Compared], str]) -> tuple[Tally, ...]:
    groups: dict[str, list[Compared]] = {}
    for one in compared:
        groups.setdefault(key(one), []).append(one)
    return tuple(_tally(name, its) for name, its in sorted(groups.items()))


def _by_rule(compared: Sequence[Compared]) -> Iterator[Tally]:
    """A decision that several rules refuse counts with each."""
    lost = Counter(rule.code for one in compared if one.is_lost for rule in one.after.refusing)
    won = Counter(
        rule.code for one in compared if one.flips and not one.is_lost for rule in one.before.refusing
    )
    unknown = Counter(
        rule.code for one in compared if one.after.outcome == UNKNOWN for rule in one.after.refusing
    )
    for code in sorted(lost | won | unknown):
        total = lost[code] + won[code] + unknown[code]
        yield Tally(code, total, lost[code], won[code], unknown[code])
