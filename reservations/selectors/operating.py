"""A node as its owner runs it: whether it answers, what runs, what is booked and closed, what was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _, ngettext

from accounts.selectors import public_names
from common import formats
from common.ranges import bounds
from nodes.models import Closure, Hold, Lease, Node, NodeChange, NodeSample
from reservations.domain.policy import Policy
from reservations.errors import NoPolicy
from reservations.models import Reservation, ReservedDevice, Run
from reservations.selectors import policies
from reservations.selectors.enlisting import AgentState, agent_state
from reservations.selectors.taking_back import booked

AHEAD = timedelta(days=35)  # the horizon and the longest slot that begins within it
_CHANGES = 10


@dataclass(frozen=True)
class RunningRow:
    """A lease that an agent holds, or is about to get."""

    holder: str  # the project's public name, never a person
    devices: str
    state: str
    tone: str
    started_at: datetime | None
    ends_at: datetime
    runner: str


@dataclass(frozen=True)
class SlotRow:
    """A booked slot that is not over."""

    uid: UUID
    holder: str
    devices: str
    start: datetime
    end: datetime
    has_begun: bool
    price: Decimal  # EUR for the owner, as quoted: without the site's fee


@dataclass(frozen=True)
class ClosureRow:
    uid: UUID
    kind: str
    label: str
    reason: str
    devices: str
    start: datetime
    end: datetime
    has_begun: bool


@dataclass(frozen=True)
class Fact:
    name: str
    text: str


@dataclass(frozen=True)
class ChangeRow:
    said: str
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class Now:
    """The part of the page that is asked for again every few seconds."""

    node: Node
    agent: AgentState | None
    sample: NodeSample | None
    running: tuple[RunningRow, ...]
    at: datetime

    @property
    def power_w(self) -> float | None:
        """Of all devices that tell it."""
        return _sum(self.sample, "power_w")

    @property
    def hottest_c(self) -> float | None:
        told = [gpu.get("temperature_c") for gpu in (self.sample.gpus if self.sample else [])]
        return max((one for one in told if one is not None), default=None)


@dataclass(frozen=True)
class OperatingPage:
    node: Node
    is_lead: bool
    now: Now
    slots: tuple[SlotRow, ...]
    closures: tuple[ClosureRow, ...]
    rules: tuple[Fact, ...]
    changes: tuple[ChangeRow, ...]
    has_samples: bool
    has_devices_told: bool  # whether temperature and power have anything to draw
    at: datetime

    @property
    def state(self) -> str:
        return str(self.node.get_state_display())

    @property
    def tone(self) -> str:
        return {"listed": "good", "drained": "warn", "draft": "info"}.get(self.node.state, "")

    @property
    def is_draft(self) -> bool:
        return self.node.state == Node.State.DRAFT

    @property
    def is_open(self) -> bool:
        """Neither a draft nor withdrawn."""
        return self.node.state in Node.ON_SITE

    @property
    def may_drain(self) -> bool:
        return self.is_open and self.node.drained_at is None

    @property
    def may_resume(self) -> bool:
        return self.node.state == Node.State.DRAINED and self.node.drained_at is not None


def operating_page(*, node: Node, is_lead: bool, at: datetime) -> OperatingPage:
    """As many queries however much is booked."""
    devices = {device.pk: device.index for device in node.devices.all()}
    reserved = booked(device_ids=list(devices), start=at, end=at + AHEAD)
    try:
        policy: Policy | None = policies.in_force(at)[1]
    except NoPolicy:
        policy = None
    return OperatingPage(
        node=node,
        is_lead=is_lead,
        now=now(node=node, at=at),
        slots=tuple(slot_rows(reserved, node, at)),
        closures=tuple(closures(node=node, at=at)),
        rules=tuple(_rules(node, policy)),
        changes=tuple(_changes(node)),
        has_samples=NodeSample.objects.filter(node=node).exists(),
        has_devices_told=NodeSample.objects.filter(node=node).exclude(gpus=[]).exists(),
        at=at,
    )


def now(*, node: Node, at: datetime) -> Now:
    return Now(
        node=node,
        agent=agent_state(node=node, at=at),
        sample=NodeSample.objects.filter(node=node).order_by("-minute").first(),
        running=tuple(_running(node, at)),
        at=at,
    )


# --- what runs, what is booked, what is closed -----------------------------------------------------------
_TONES = {"running": "own", "staged": "info", "waiting": "info"}


def _running(node: Node, at: datetime) -> list[RunningRow]:
    live = Lease.objects.live().filter(node=node).prefetch_related("leased_holds__device").order_by("fence")
    leases = list(live.defer("specification", "end_notes")[:200])
    runs = Run.objects.filter(lease_uid__in=[lease.uid for lease in leases])
    of_lease = {
        run.lease_uid: run for run in runs.select_related("reservation").defer("script", "environment")
    }
    names = public_names({run.reservation.project_id for run in of_lease.values()}, at) if of_lease else {}
    rows = []
    for lease in leases:
        run = of_lease.get(lease.uid)
        rows.append(
            RunningRow(
                holder=names[run.reservation.project_id] if run else formats.NOTHING,
                devices=_indexes([held.device.index for held in lease.leased_holds.all()], node),
                state=str(lease.get_state_display()),
                tone=_TONES.get(lease.state, ""),
                started_at=lease.started_at,
                ends_at=lease.ends_at,
                runner=str(node.get_runner_display()),
            )
        )
    return rows


def slot_rows(reserved: Sequence[Reservation], node: Node, at: datetime) -> list[SlotRow]:
    """Two queries, however many they are."""
    if not reserved:
        return []
    names = public_names({one.project_id for one in reserved}, at)
    rows = ReservedDevice.objects.filter(reservation__in=[one.pk for one in reserved], device__node=node)
    of_slot: dict[int, list[ReservedDevice]] = {}
    for row in rows.select_related("device").order_by("device__index"):
        of_slot.setdefault(row.reservation_id, []).append(row)
    return [_slot(one, of_slot.get(one.pk, []), names, node, at) for one in reserved]


def _slot(
    one: Reservation, held: Sequence[ReservedDevice], names: Mapping[int, str], node: Node, at: datetime
) -> SlotRow:
    start, end = bounds(one.during)
    hours = Decimal((end - start) // timedelta(seconds=1)) / 3600
    return SlotRow(
        uid=one.uid,
        holder=names[one.project_id],
        devices=_indexes([row.device.index for row in held], node),
        start=start,
        end=end,
        has_begun=start <= at,
        price=sum((row.price for row in held), Decimal(0)) * hours,
    )


def closures(*, node: Node, at: datetime) -> list[ClosureRow]:
    """Those that are not over, soonest first; what is closed in several pieces is one row."""
    index_of = {device.pk: device.index for device in node.devices.all()}
    holds = Hold.objects.filter(
        device__node=node, kind__in=(Hold.Kind.CLOSURE, Hold.Kind.OWNER), during__endswith__gt=at
    )
    grouped = groupby(holds.order_by("reference", "during"), key=lambda hold: hold.reference)
    by_reference = {reference: list(group) for reference, group in grouped}
    uids = [UUID(reference.removeprefix("closure-")) for reference in by_reference]
    rows = []
    for closure in Closure.objects.filter(uid__in=uids):
        its = by_reference[closure.reference]
        start = min(bounds(hold.during)[0] for hold in its)
        rows.append(
            ClosureRow(
                uid=closure.uid,
                kind=closure.kind,
                label=str(closure.get_kind_display()),
                reason=closure.reason,
                devices=_indexes(sorted({index_of[hold.device_id] for hold in its}), node),
                start=start,
                end=max(bounds(hold.during)[1] for hold in its),
                has_begun=start <= at,
            )
        )
    return sorted(rows, key=lambda row: (row.start, row.end, str(row.uid)))


def in_the_way(
    *, node: Node, device_ids: Sequence[int], start: datetime, end: datetime, at: datetime
) -> list[SlotRow]:
    """The booked slots that a closure of these devices would take back."""
    return slot_rows(booked(device_ids=device_ids, start=start, end=end), node, at)


def _indexes(indexes: Sequence[int], node: Node) -> str:
    every = node.devices.all()
    if len(indexes) == len(every):
        return _("all devices") if len(every) > 1 else _("the device")
    return ngettext("device %s", "devices %s", len(indexes)) % ", ".join(map(str, indexes))


# --- who may book, and what was done ---------------------------------------------------------------------
def _rules(node: Node, policy: Policy | None) -> list[Fact]:
    """Under the policy in force; the owner's own rules are in a file on the node, which nobody here sees."""
    facts = [
        Fact(
            _("Who"),
            _("Members of a project with a share and money for it. You see projects, never people."),
        ),
        Fact(
            _("What runs"),
            _("Jobs under %(runner)s, without your keys and files, and without network unless you give one.")
            % {"runner": node.get_runner_display()},
        ),
    ]
    if policy is not None:
        lengths = _("%(shortest)s to %(longest)s at a time, over within %(days)d days.") % {
            "shortest": formats.duration(policy.shortest),
            "longest": formats.duration(policy.longest),
            "days": policy.horizon_days,
        }
        facts.insert(1, Fact(_("How long"), lengths))
    return facts


def _changes(node: Node) -> list[ChangeRow]:
    rows = NodeChange.objects.filter(node=node).select_related("by").order_by("-id")[:_CHANGES]
    return [
        ChangeRow(str(row.get_kind_display()), str(row.by) if row.by else _("the site"), row.reason, row.at)
        for row in rows
    ]


def _sum(sample: NodeSample | None, name: str) -> float | None:
    told: list[Any] = [gpu.get(name) for gpu in (sample.gpus if sample else [])]
    known = [one for one in told if one is not None]
    return float(sum(known)) if known else None
