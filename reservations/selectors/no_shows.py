"""What is known of slots that nobody seemed to use, and what no-shows count against a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, Q

from accounts.models import User
from common.ranges import bounds
from nodes.domain import confinement, lease as rules_of_leases
from nodes.models import HoldEvent, Lease, Node
from nodes.selectors import is_recent, last_seen
from reservations.domain import no_shows
from reservations.domain.exact_json import moment
from reservations.domain.no_shows import Facts, Times
from reservations.domain.policy import Policy
from reservations.models import NoShow, Reservation, Run, SlotChange
from reservations.selectors import policies

_STOPPED_BEFORE = rules_of_leases.TERMINATE_BEFORE_END
_KEPT = (Reservation.State.BOOKED, Reservation.State.ENDED)
_FAULTS = (Lease.EndReason.REFUSED, Lease.EndReason.NOT_STARTED, Lease.EndReason.AGENT_LOST)


@dataclass(frozen=True)
class PersonalRecord:
    """How many no-shows of the policy's days stand, and until when they cost something."""

    count: int
    until: datetime | None  # None: nothing follows from them now


def standing_of(*, user: User | int, policy: Policy, at: datetime) -> PersonalRecord | None:
    """What stands against whoever asks at this moment; None where the policy has no such rule. One query."""
    most, days, sanction = policy.no_shows_most, policy.no_show_days, policy.sanction_days
    if most is None or days is None or sanction is None:
        return None
    window, length = timedelta(days=days), timedelta(days=sanction)
    person = user if isinstance(user, int) else user.pk
    lately = NoShow.objects.counted().filter(
        person_id=person, judged_at__gt=at - window - length, judged_at__lte=at
    )
    judged: Sequence[datetime] = sorted(
        moment for moment in lately.values_list("judged_at", flat=True) if moment is not None
    )
    return PersonalRecord(
        count=sum(moment > at - window for moment in judged),
        until=no_shows.sanctioned_until(judged, most=most, window=window, length=length, at=at),
    )


# --- for the sweep ------------------------------------------------------------------------
def not_looked_at(at: datetime, most: int) -> list[int]:
    """Slots that have begun, at whatever time, and were not looked at yet; those that are due."""
    begun = Reservation.objects.filter(looked_at=None, during__startswith__lte=at)
    begun = begun.exclude(state=Reservation.State.CANCELLED).select_related("decision__policy")
    heavy = [f"decision__{name}" for name in ("request", "rules", "quote")]
    found = begun.defer(*heavy).order_by("during__startswith", "pk")[:most]
    return [one.pk for one in found if (times := times_of(one)) is None or at >= times.warned]


def warned(most: int) -> list[int]:
    return list(NoShow.objects.pending().order_by("pk").values_list("reservation", flat=True)[:most])


def times_of(reservation: Reservation) -> Times | None:
    """Under the policy it was booked under, counted from when whoever holds it got it."""
    start, end = bounds(reservation.during)
    handed = SlotChange.objects.filter(reservation=reservation, kind=SlotChange.Kind.HANDED_OVER)
    last: datetime | None = handed.aggregate(last=Max("at"))["last"]
    since = max(start, last) if last is not None else start
    return no_shows.times_of(since, end, policies.by_digest(reservation.decision.policy.digest))


def facts_of(reservation: Reservation, *, at: datetime, warned_at: datetime | None = None) -> Facts:
    """What bears on whether anybody came, as the database says it now."""
    runs = list(reservation.runs.all())
    leases = _leases_of(runs)
    begun = [lease.started_at for lease in leases.values() if lease.started_at is not None]
    before = goes_on_from(reservation)
    given_up = (Reservation.State.CANCELLED, Reservation.State.RELEASED)
    taken_away = HoldEvent.objects.filter(
        reference=reservation.reference, event=HoldEvent.Event.WITHDRAWN
    ).exists()
    return Facts(
        checked_in_at=reservation.checked_in_at or before.checked_in_at,
        ran_at=min(begun, default=before.ran_until),
        is_waiting=any(_waits(run, leases.get(run.reference)) for run in runs),
        is_node_at_fault=taken_away or any(map(_is_of_its_node, leases.values())),
        silent_nodes=_silent(reservation, at),
        is_suspended=reservation.project.suspended_at is not None,
        is_given_up=reservation.state in given_up,
        warned_at=warned_at,
    )


@dataclass(frozen=True)
class Before:
    """What speaks for somebody in the slots that one goes on from: they are there already."""

    checked_in_at: datetime | None = None
    ran_until: datetime | None = None  # the end of such a slot, where a job ran until then


def goes_on_from(reservation: Reservation) -> Before:
    """Only of a slot that was kept until its own end: whoever gave it back has left."""
    before = reservation.descendant_of
    if before is None or reservation.change != Reservation.Change.EXTENDED or before.state not in _KEPT:
        return Before()
    _start, end = bounds(before.during)
    runs = before.runs.exclude(lease_uid=None)
    leases = Lease.objects.filter(uid__in=runs.values("lease_uid"), started_at__isnull=False)
    until_its_end = leases.filter(
        Q(ended_at=None) | Q(ended_at__gte=end - _STOPPED_BEFORE) | Q(end_reason=Lease.EndReason.SLOT_END)
    )
    earlier = goes_on_from(before)
    return Before(
        checked_in_at=before.checked_in_at or earlier.checked_in_at,
        ran_until=end if until_its_end.exists() else None,
    )


def _leases_of(runs: Sequence[Run]) -> dict[str, Lease]:
    found = Lease.objects.filter(reference__in=[run.reference for run in runs]).order_by("fence", "pk")
    return {lease.reference: lease for lease in found}


def _waits(run: Run, lease: Lease | None) -> bool:
    if run.state == Run.State.QUEUED:
        return True
    return run.state == Run.State.LEASED and (lease is None or lease.state in Lease.LIVE)


def _nodes_of(reservation: Reservation) -> list[Node]:
    return list(
        Node.objects.filter(devices__in=reservation.devices.values("device")).distinct().order_by("slug")
    )


def _silent(reservation: Reservation, at: datetime) -> tuple[str, ...]:
    nodes = _nodes_of(reservation)
    seen = last_seen(nodes)
    return tuple(node.name for node in nodes if not is_recent(seen.get(node.pk), at))


def evidence_of(reservation: Reservation, *, warned_at: datetime | None, at: datetime) -> dict[str, Any]:
    """Everything it was judged on, kept with the verdict."""
    start, end = bounds(reservation.during)
    nodes = _nodes_of(reservation)
    seen = last_seen(nodes)
    runs = list(reservation.runs.order_by("number"))
    leases, before = _leases_of(runs), goes_on_from(reservation)
    return {
        "begins_at": moment(start),
        "ends_at": moment(end),
        "looked_at": moment(at),
        "warned_at": _moment(warned_at),
        "checked_in_at": _moment(reservation.checked_in_at or before.checked_in_at),
        "ran_until_here_at": _moment(before.ran_until),
        "suspended": reservation.project.suspended_at is not None,
        "state": str(reservation.state),
        "nodes": [{"name": node.name, "heard_at": _moment(seen.get(node.pk))} for node in nodes],
        "runs": [_run(run, leases.get(run.reference)) for run in runs],
    }


def _run(run: Run, lease: Lease | None) -> dict[str, Any]:
    return {
        "number": run.number,
        "state": str(run.live_state(lease.state if lease else "")),
        "started_at": _moment(lease.started_at if lease else None),
        "end_reason": str(lease.end_reason) if lease else "",
    }


def _moment(value: datetime | None) -> str | None:
    return None if value is None else moment(value)


def _is_of_its_node(lease: Lease) -> bool:
    """Whether a job came to nothing by its node, and not by what it asked for."""
    asked_for = confinement.is_asked_for(lease.end_notes, lease.specification)
    return lease.end_reason in _FAULTS and not asked_for
