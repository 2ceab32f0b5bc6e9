"""When a slot that nobody uses is warned of and given back, what can be said of it, and what follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from reservations.domain.policy import Policy


@dataclass(frozen=True)
class Times:
    """When whoever holds a slot is warned, and from when on the rest is given back."""

    warned: datetime
    released: datetime


def times_of(start: datetime, end: datetime, policy: Policy) -> Times | None:
    """None where the policy has no such rule. Warned half-way, so that there is time to come."""
    if policy.no_show_minutes is None or policy.no_show_part is None:
        return None
    part = Fraction(policy.no_show_part)
    patience = min(
        timedelta(minutes=policy.no_show_minutes), (end - start) * part.numerator / part.denominator
    )
    return Times(warned=start + patience / 2, released=start + patience)


def released_from(times: Times, warned_at: datetime) -> datetime:
    """However late the warning came, there is as much time after it as if it had come in time."""
    return max(times.released, warned_at + (times.released - times.warned))


@dataclass(frozen=True)
class Facts:
    """What is known of a slot when it is judged. Nothing here is guessed."""

    checked_in_at: datetime | None = None
    ran_at: datetime | None = None  # when the first of its jobs began
    is_waiting: bool = False  # a job is queued or handed to the node, and did not begin
    is_node_at_fault: bool = False  # refused, lost or never started a job, or was taken away
    silent_nodes: Sequence[str] = ()  # whose agent does not answer, or that have none
    is_suspended: bool = False  # no job of the project starts
    is_given_up: bool = False  # cancelled, released or moved
    warned_at: datetime | None = None


@dataclass(frozen=True)
class Judgement:
    verdict: bool | None
    reason: str


def judge(facts: Facts) -> Judgement:
    """Whether nobody came. What speaks for the person is looked at first; in doubt nothing is said."""
    if facts.checked_in_at is not None:
        return Judgement(False, "checked_in")
    if facts.ran_at is not None:
        return Judgement(False, "run")
    doubts = (
        (facts.is_node_at_fault, "node_fault"),
        (facts.is_waiting, "queued"),
        (facts.is_suspended, "suspended"),
        (facts.is_given_up, "given_up"),
        (bool(facts.silent_nodes), "node_away"),
        (facts.warned_at is None, "not_warned"),
    )
    for is_so, reason in doubts:
        if is_so:
            return Judgement(None, reason)
    return Judgement(True, "unused")


def sanctioned_until(
    judged: Sequence[datetime], *, most: int, window: timedelta, length: timedelta, at: datetime
) -> datetime | None:
    """Until when `most` no-shows within the window cost something, from the last of them on.

    `judged` in order. None where nothing follows from them at this moment.
    """
    ends = [
        last + length
        for first, last in zip(judged, judged[most - 1 :], strict=False)
        if last - first < window
    ]
    until = max(ends, default=None)
    return until if until is not None and until > at else None
