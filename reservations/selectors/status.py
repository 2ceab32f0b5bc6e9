"""Whether the site is well: the age of each sweep, the nodes that answer, how far the ledger is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.utils.translation import gettext

from ledger.models import Checkpoint, Entry
from nodes.models import Agent, Lease, Node
from nodes.selectors import is_recent
from reservations.domain import sweeps
from reservations.models import Run, Sweep


@dataclass(frozen=True)
class SweepRow:
    """A repeated task; `finished_at` is None where it never has."""

    name: str
    purpose: str
    every: timedelta
    finished_at: datetime | None
    age: timedelta | None
    took_ms: int | None
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
        return not self.stale and not self.silent


def status_page(*, at: datetime) -> StatusPage:
    unfinished = Run.objects.filter(state__in=(Run.State.QUEUED, Run.State.LEASED, Run.State.RUNNING))
    runs = unfinished.aggregate(
        queued=Count("pk", filter=Q(state=Run.State.QUEUED)),
        running=Count("pk", filter=Q(state=Run.State.RUNNING)),
    )
    return StatusPage(
        at=at,
        sweeps=sweep_rows(at),
        nodes=tuple(_node(agent, at) for agent in _agents()),
        listed=Node.objects.on_site().count(),
        ledger=_ledger(),
        queued=runs["queued"],
        running=runs["running"],
    )


def sweep_rows(at: datetime) -> tuple[SweepRow, ...]:
    known = {sweep.name: sweep for sweep in Sweep.objects.all()}
    return tuple(_sweep(name, every, known.get(name), at) for name, every in sweeps.EVERY.items())


def _sweep(name: str, every: timedelta, sweep: Sweep | None, at: datetime) -> SweepRow:
    if sweep is None:
        return SweepRow(name, _purpose(name), every, None, None, None, is_stale=True)
    is_stale = sweeps.is_stale(name, sweep.finished_at, at)
    return SweepRow(
        name, _purpose(name), every, sweep.finished_at, at - sweep.finished_at, sweep.took_ms, is_stale
    )


def _purpose(name: str) -> str:
    return {
        "dispatch_due": gettext("Hand due jobs to their nodes"),
        "reap": gettext("Take in what ended or was lost"),
        "sequence_ledger": gettext("Number and sign ledger entries"),
        "settle_ended": gettext("Charge slots that are over"),
        "look_after_slots": gettext("Release slots that nobody uses"),
        "let_policy_take_effect": gettext("Count use again when a policy takes effect"),
        "measure_capacity": gettext("Measure what can be booked"),
        "work_on_replays": gettext("Decide the past again for stewards"),
        "forget_agent_calls": gettext("Forget old calls of nodes"),
        "forget_kept_answers": gettext("Forget answers kept for repeated writes"),
        "send_mail": gettext("Send mail that is due"),
        "tell_what_comes": gettext("Tell people of what comes soon"),
        "tell_owners": gettext("Tell owners what is to be looked at again"),
        "count_reliability": gettext("Count what became of the slots of nodes"),
        "thin_samples": gettext("Thin out what nodes told of themselves"),
        "check_nodes": gettext("Check nodes, and read back what their checks came to"),
        "begin_spot_checks": gettext("Look for nodes whose speed is to be measured again"),
        "sweep_evidence": gettext("Delete files that nothing names"),
        "count_weeks": gettext("Count what weeks came to"),
        "renew_allowances": gettext("Give the month’s universal allowance"),
        "end_what_is_over": gettext("End classes and projects whose day has come"),
    }[name]


def _agents() -> list[Agent]:
    live = Count("node__leases", filter=Q(node__leases__state__in=Lease.LIVE))
    agents = Agent.objects.filter(revoked_at__isnull=True, node__state__in=Node.ON_SITE)
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
    # Each from an index of its own: one count over all entries would read the whole log at every look.
    last = Entry.objects.sequenced().newest_first().values_list("index", flat=True).first()
    waiting = Entry.objects.filter(index__isnull=True).count()
    entries = 0 if last is None else last + 1
    checkpoint = Checkpoint.objects.order_by("-size").first()
    signed = checkpoint.size if checkpoint else 0
    return LedgerState(entries, waiting, checkpoint, entries - signed)
