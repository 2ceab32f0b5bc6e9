"""Leases: given, carried forward by what the agent reports, stopped, and given up.

Every report names its fence. One that is not the lease's own, or does not lead forward, is stale
and changes nothing; one that repeats what is so already changes nothing either, and is welcome.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import rfc8785
from django.db import IntegrityError, connection, transaction
from django.db.models import Case, F, Q, Value, When
from django.utils.translation import gettext as _

from common.ranges import bounds
from nodes.domain import lease as rules
from nodes.errors import DeviceBusy, LeaseRefused, LeaseUnknown, StaleFence, TooManyHeartbeats
from nodes.models import Agent, Hold, Lease, LeasedHold, Node
from nodes.services import wake

State = Lease.State


@dataclass(frozen=True)
class Ending:
    """How a job ended, in the words of docs/agent-protocol.md."""

    reason: str
    exit_code: int | None = None
    note: str = ""
    notes: Sequence[Mapping[str, Any]] = ()
    peak_memory_bytes: int | None = None
    cpu_seconds: float | None = None
    log_truncated: bool = False


@dataclass(frozen=True)
class LeaseNews:
    """What a heartbeat learns about one lease. Unknown: over or replaced, so stop and discard."""

    lease: UUID
    fence: int
    known: bool
    stop: bool
    expires_in: float
    ends_in: float


# --- given ---------------------------------------------------------------------------
@transaction.atomic
def create_lease(
    *,
    node_id: int,
    reference: str,
    holds: Sequence[tuple[int, UUID]],
    not_before: datetime,
    ends_at: datetime,
    specification: dict[str, Any],
    at: datetime,
) -> Lease:
    """Give one run the right to these (device, hold) pairs of a node, above every fence before it."""
    _require_held(node_id, holds, not_before, ends_at)
    # Not the key: who books with a job refers to this node while holding devices that the lease refers to.
    node = Node.objects.select_for_update(of=("self",), no_key=True).get(pk=node_id)
    node.last_fence += 1
    node.save(update_fields=["last_fence"])
    lease = Lease.objects.create(
        node=node, reference=reference, fence=node.last_fence,
        specification=specification,
        specification_digest=hashlib.sha256(rfc8785.dumps(specification)).hexdigest(),
        not_before=not_before, ends_at=ends_at, expires_at=rules.expiry(at, ends_at), created_at=at,
    )  # fmt: skip
    rows = [LeasedHold(lease=lease, device_id=device_id, hold_uid=uid) for device_id, uid in holds]
    try:
        with transaction.atomic():
            LeasedHold.objects.bulk_create(rows)
    except IntegrityError as exc:
        if "one_live_lease_per_hold" in str(exc):
            raise LeaseRefused(
                _("Another job still has this slot on this node: it must end first."), reference=reference
            ) from exc
        raise
    wake.wake_agent(node.uid)
    return lease


def _require_held(
    node_id: int, holds: Sequence[tuple[int, UUID]], not_before: datetime, ends_at: datetime
) -> None:
    """The holds are there, on this node, for as long as the lease: or it would run on nobody's time."""
    # Locked, so that none is cancelled or shortened before the lease is there to be seen.
    rows = Hold.objects.filter(uid__in=[uid for _device, uid in holds], device__node_id=node_id)
    found = {
        (hold.device_id, hold.uid)
        for hold in rows.select_for_update(of=("self",)).order_by("device_id")
        if bounds(hold.during)[0] <= not_before and ends_at <= bounds(hold.during)[1]
    }
    if not holds or found != set(holds):
        raise LeaseRefused(_("The devices are not held for the whole time of this job."))


# --- reported ------------------------------------------------------------------------
@transaction.atomic
def stage(*, node_id: int, lease_uid: UUID, fence: int, at: datetime) -> None:
    """The agent has everything it needs to start the job."""
    lease = locked(node_id, lease_uid, fence)
    if lease.staged_at is None:
        _forward(lease, State.STAGED, staged_at=at)


@transaction.atomic
def start(
    *, node_id: int, lease_uid: UUID, fence: int, start_delay_ms: int | None, ago: float, at: datetime
) -> None:
    """The process runs, since `ago` seconds."""
    lease = locked(node_id, lease_uid, fence)
    if lease.started_at is not None:
        return
    require_forward(lease, State.RUNNING)
    try:
        with transaction.atomic():
            lease.leased_holds.update(is_running=True)
    except IntegrityError as exc:
        if "one_running_job_per_device" in str(exc):
            raise DeviceBusy(
                _("Another job still counts as running on a device. Report its end, then repeat this."),
                lease=lease.uid,
            ) from exc
        raise
    started_at = _happened(lease, ago, at)
    _forward(
        lease, State.RUNNING,
        staged_at=lease.staged_at or started_at, started_at=started_at, start_delay_ms=start_delay_ms,
    )  # fmt: skip


@transaction.atomic
def end(*, node_id: int, lease_uid: UUID, fence: int, ending: Ending, ago: float, at: datetime) -> None:
    """The job is over. `lost`: the agent or its machine restarted, nobody knows how the job ended."""
    lease = locked(node_id, lease_uid, fence)
    is_lost = ending.reason == "lost"
    state = State.LOST if is_lost else State.ENDED
    if lease.state == state:
        return
    _finish(
        lease, state, ended_at=_happened(lease, ago, at),
        end_reason=Lease.EndReason.AGENT_LOST if is_lost else ending.reason,
        end_note=ending.note[:500], end_notes=[_cut(note) for note in ending.notes],
        exit_code=ending.exit_code,
        peak_memory_bytes=ending.peak_memory_bytes, cpu_seconds=ending.cpu_seconds,
        log_truncated=lease.log_truncated or ending.log_truncated,
    )  # fmt: skip


def _cut(note: Mapping[str, Any]) -> dict[str, Any]:
    return {"code": note["code"], "text": note["text"][:500], "values": dict(note["values"])}


def heartbeat(
    *, agent: Agent, leases: Sequence[tuple[UUID, int]], at: datetime, version: str = ""
) -> list[LeaseNews]:
    """Note that the agent answers, and renew what it holds: 10 minutes at a time, never past the slot."""
    _count_beat(agent, version, at)
    renewed = _renewed(agent.node_id, leases, at)
    return [
        renewed.get(held) or LeaseNews(*held, known=False, stop=True, expires_in=0.0, ends_in=0.0)
        for held in leases
    ]


def _count_beat(agent: Agent, version: str, at: datetime) -> None:
    """In one statement: who beats a thousand times a second is refused without a race."""
    running = Q(beats_from__gt=at - rules.BEATS_WITHIN, beats_from__lte=at)
    taken = Agent.objects.filter(~running | Q(beats__lt=rules.MOST_BEATS), pk=agent.pk).update(
        last_seen_at=at,
        version=version or F("version"),
        protocol=agent.protocol,
        beats=Case(When(running, then=F("beats") + 1), default=1),
        beats_from=Case(When(running, then=F("beats_from")), default=Value(at)),
    )
    if not taken:
        limit, within = rules.MOST_BEATS, int(rules.BEATS_WITHIN.total_seconds())
        raise TooManyHeartbeats(
            _("An agent says “alive” at most %(limit)d times in %(seconds)d seconds.")
            % {"limit": limit, "seconds": within},
            limit=limit,
            seconds=within,
        )


# Only forward, and only while it lives: the sweep may give one up in this very moment.
_RENEW = """
UPDATE nodes_lease AS lease SET expires_at = GREATEST(lease.expires_at, LEAST(lease.ends_at, %(renewed)s))
  FROM unnest(%(uids)s::uuid[], %(fences)s::bigint[]) AS held (uid, fence)
 WHERE lease.uid = held.uid AND lease.fence = held.fence AND lease.node_id = %(node)s
   AND lease.state = ANY(%(live)s)
RETURNING lease.uid, lease.fence, lease.ends_at, lease.stop_requested_at IS NOT NULL
"""


def _renewed(
    node_id: int, held: Sequence[tuple[UUID, int]], at: datetime
) -> dict[tuple[UUID, int], LeaseNews]:
    """What is known of these, in one statement however many they are."""
    if not held:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            _RENEW,
            {
                "renewed": at + rules.TIME_TO_LIVE, "node": node_id, "live": [str(one) for one in Lease.LIVE],
                "uids": [uid for uid, _fence in held], "fences": [fence for _uid, fence in held],
            },
        )  # fmt: skip
        rows = cursor.fetchall()
    return {
        (uid, fence): LeaseNews(
            uid, fence, known=True, stop=is_to_stop, ends_in=seconds(ends_at - at),
            expires_in=seconds(rules.expiry(at, ends_at) - at),
        )
        for uid, fence, ends_at, is_to_stop in rows
    }  # fmt: skip


# --- stopped and given up ----------------------------------------------------------------
@transaction.atomic
def request_stop(*, reference: str, at: datetime) -> None:
    """Ask the agent to stop the job; one that no agent has got yet is over at once."""
    live = Lease.objects.live().filter(reference=reference).select_related("node")
    for lease in live.select_for_update(of=("self",)).order_by("pk"):
        if lease.handed_over_at is None:
            _finish(lease, State.ENDED, ended_at=at, end_reason=Lease.EndReason.STOPPED)
        elif lease.stop_requested_at is None:
            Lease.objects.filter(pk=lease.pk).update(stop_requested_at=at)
            wake.wake_agent(lease.node.uid)


@transaction.atomic
def give_up_unbegun(*, node_id: int, at: datetime) -> None:
    """What an agent was given and has not begun, now that it is shut out: nobody else would be told of it.

    A lease that no agent has got waits for the next one.
    """
    held = Lease.objects.filter(
        node_id=node_id, state__in=(State.WAITING, State.STAGED), handed_over_at__isnull=False
    )
    for lease in held.select_for_update(of=("self",)).order_by("pk"):
        _finish(lease, State.LOST, ended_at=at, end_reason=Lease.EndReason.NOT_STARTED)


@transaction.atomic
def expire_leases(*, at: datetime) -> list[Lease]:
    """Give up the leases whose agents have been silent for longer than what they declared allows."""
    late = Q(ends_at__lte=at - rules.REPORT_GRACE)
    silent = Q(specification__on_disconnect="stop", expires_at__lte=at - rules.SKEW)
    live = Lease.objects.live().filter(late | silent)
    lost = [
        lease
        for lease in live.select_for_update(of=("self",), skip_locked=True).order_by("pk")
        if rules.lost_from(
            on_disconnect=lease.specification.get("on_disconnect", "keep"),
            expires_at=lease.expires_at,
            ends_at=lease.ends_at,
        )
        <= at
    ]
    for lease in lost:
        reason = Lease.EndReason.AGENT_LOST if lease.started_at else Lease.EndReason.NOT_STARTED
        _finish(lease, State.LOST, ended_at=at, end_reason=reason)
    return lost


# --- shared ------------------------------------------------------------------------------
def locked(node_id: int, lease_uid: UUID, fence: int) -> Lease:
    """The lease, locked for the rest of the transaction, if this fence is still its own."""
    lease = Lease.objects.select_for_update(of=("self",)).filter(uid=lease_uid, node_id=node_id).first()
    if lease is None:
        raise LeaseUnknown(_("This node has no such lease."))
    require_own(lease, fence)
    return lease


def require_own(lease: Lease, fence: int) -> None:
    if lease.fence != fence:
        raise _stale(lease)


def require_forward(lease: Lease, state: Lease.State) -> None:
    if not rules.leads_forward(lease.state, state):
        raise _stale(lease)


def require_live(lease: Lease) -> None:
    if lease.state not in Lease.LIVE:
        raise _stale(lease)


def require_unbegun(lease: Lease, at: datetime) -> None:
    """It may still begin: not begun, not over, nobody asked to stop it."""
    may_begin = lease.state in (State.WAITING, State.STAGED) and lease.stop_requested_at is None
    if not may_begin or at >= lease.ends_at:
        raise _stale(lease)


def _stale(lease: Lease) -> StaleFence:
    return StaleFence(
        _("This lease is over or was replaced. Nothing was changed."), fence=lease.fence, state=lease.state
    )


def _forward(lease: Lease, state: Lease.State, **columns: Any) -> None:
    require_forward(lease, state)
    Lease.objects.filter(pk=lease.pk).update(state=state, **columns)
    announce_state(lease.reference, state, columns)


def _finish(lease: Lease, state: Lease.State, **columns: Any) -> None:
    _forward(lease, state, **columns)
    lease.leased_holds.update(is_live=False, is_running=False)
    for name, value in columns.items():
        setattr(lease, name, value)
    lease.state = state


def announce_state(reference: str, state: str, columns: Mapping[str, Any]) -> None:
    wake.announce(
        reference,
        {
            "type": "state",
            "state": str(state),
            "end_reason": str(columns.get("end_reason", "")),
            "exit_code": columns.get("exit_code"),
        },
    )


def _happened(lease: Lease, ago: float, at: datetime) -> datetime:
    """When it was, from how long ago it was: not before the lease, nor before what came earlier."""
    earliest = lease.started_at or lease.created_at
    return max(at - timedelta(seconds=min(ago, seconds(at - earliest))), earliest)


def seconds(span: timedelta) -> float:
    return span / timedelta(seconds=1)
