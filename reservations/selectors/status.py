"""Whether the site is well: the age of each sweep, the nodes that answer, how far the ledger is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Q

from ledger.models import Checkpoint, Entry
from nodes.models import Agent, Lease, Node
from nodes.selectors import is_recent
from reservations.models import Run, Sweep

# Every sweep repeats at least once a minute; five missed ones in a row are not chance.
STALE_AFTER = timedelta(minutes=5)


@dataclass(frozen=True)
class SweepRow:
    name: str
    finished_at: datetime
    age: timedelta
    took_ms: int
    is_stale: bool


@dataclass(frozen=True)
class NodeRow:
    name: str
    url: str
    last_seen_at: datetime | None
    age: timedelta | None
    is_answering: bool
    version: str
    live_leases: int


@dataclass(frozen=True)
class LedgerState:
    entries: int
    waiting: int  # appended, not numbered yet
    checkpoint: Checkpoint | None
    unsigned: int  # numbered, not under a signed checkpoint yet


@dataclass(frozen=True)
class StatusPage:
    at: datetime
    sweeps: tuple[SweepRow, ...]
    nodes: tuple[NodeRow, ...]
    listed: int
    ledger: LedgerState
    queued: int
    running: int

    @property
    def stale(self) -> int:
        return sum(sweep.is_stale for sweep in self.sweeps)

    @property
    def silent(self) -> int:
        return sum(not node.is_answering for node in self.nodes)

    @property
    def is_well(self) -> bool:
        return bool(self.sweeps) and not self.stale and not self.silent


def status_page(*, at: datetime) -> StatusPage:
    runs = Run.objects.aggregate(
        queued=Count("pk", filter=Q(state=Run.State.QUEUED)),
        running=Count("pk", filter=Q(state=Run.State.RUNNING)),
    )
    return StatusPage(
        at=at,
        sweeps=tuple(_sweep(sweep, at) for sweep in Sweep.objects.order_by("name")),
        nodes=tuple(_node(agent, at) for agent in _agents()),
        listed=Node.objects.listed().count(),
        ledger=_ledger(),
        queued=runs["queued"],
        running=runs["running"],
    )


def _sweep(sweep: Sweep, at: datetime) -> SweepRow:
    age = at - sweep.finished_at
    return SweepRow(sweep.name, sweep.finished_at, age, sweep.took_ms, age > STALE_AFTER)


def _agents() -> list[Agent]:
    live = Count("node__leases", filter=Q(node__leases__state__in=Lease.LIVE))
    agents = Agent.objects.filter(revoked_at__isnull=True, node__state=Node.State.LISTED)
    return list(agents.select_related("node").annotate(live_leases=live).order_by("node__name"))


def _node(agent: Agent, at: datetime) -> NodeRow:
    seen = agent.last_seen_at
    return NodeRow(
        name=agent.node.name,
        url=agent.node.get_absolute_url(),
        last_seen_at=seen,
        age=at - seen if seen else None,
        is_answering=is_recent(seen, at),
        version=agent.version,
        live_leases=agent.live_leases,  # type: ignore[attr-defined]  # annotated above
    )


def _ledger() -> LedgerState:
    counted = Entry.objects.aggregate(last=Max("index"), waiting=Count("pk", filter=Q(index__isnull=True)))
    entries = 0 if counted["last"] is None else counted["last"] + 1
    checkpoint = Checkpoint.objects.order_by("-size").first()
    signed = checkpoint.size if checkpoint else 0
    return LedgerState(entries, counted["waiting"], checkpoint, entries - signed)
