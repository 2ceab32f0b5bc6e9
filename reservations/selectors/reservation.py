"""One reservation as its members see it: where it stands, its runs, log, files and money."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from accounts.models import Project, ProjectMembership, User
from common import formats
from common.ranges import bounds
from nodes.models import Node
from pricing.models import Charge
from reservations.domain.policy import Policy as Rules
from reservations.models import Reservation, ReservedDevice, Run
from reservations.selectors import confinement, decisions
from reservations.selectors.afterwards import Afterwards, afterwards, with_changes
from reservations.selectors.instead import TakenBack, taken_back
from reservations.selectors.keepers import is_keeper, who_keeps
from reservations.selectors.receipt import Receipt, charged, quoted
from reservations.selectors.runs import FileRow, LogTail, RunRow, files_of, leases_of, log_tail, run_row
from reservations.selectors.steps import Step, steps


@dataclass(frozen=True)
class Countdown:
    """The time until the slot starts or ends; the page counts on from `seconds`."""

    label: str
    until: datetime
    seconds: int
    length: int  # seconds from `since` to `until`, for the bar
    done: str  # SVG percentage of the slot that has passed
    note: str


@dataclass(frozen=True)
class NodeDevices:
    node: Node
    title: str  # 2 × A100 SXM4 80 GB
    indexes: str  # devices 2 and 3


@dataclass(frozen=True)
class ReservationPage:
    reservation: Reservation
    project: Project
    title: str
    nodes: tuple[NodeDevices, ...]
    start: datetime
    end: datetime
    state: str
    tone: str
    steps: tuple[Step, ...]
    countdown: Countdown | None
    runs: tuple[RunRow, ...]  # newest first
    log: LogTail | None
    files: tuple[FileRow, ...]
    receipt: Receipt
    may_cancel: bool
    may_run: bool
    may_stop: bool
    keepers: str  # who can do what this member cannot; empty for who can, and once it is over
    zone: str
    cancelling: str  # what cancelling now would cost
    place: str  # who can read there, and what isolates the job
    choices: confinement.Choices  # what a job may ask to run in
    idle: str  # which of the nodes cannot run a job yet; empty where all can
    afterwards: Afterwards
    taken_back: TakenBack | None

    @property
    def during(self) -> str:
        return formats.span(self.start, self.end)

    @property
    def newest(self) -> RunRow | None:
        return self.runs[0] if self.runs else None

    @property
    def current(self) -> RunRow | None:
        return current(self.runs)


def reservations_of(user: User) -> QuerySet[Reservation]:
    """Those of this person's projects, with their `role` there and what the page shows of the slot."""
    role = ProjectMembership.objects.filter(project=OuterRef("project"), user=user).values("role")
    mine = Reservation.objects.of(user).select_related("project", "decision__policy")
    # What a decision was taken on is long, and has its own page.
    heavy = [f"decision__{name}" for name in ("request", "rules")]
    return with_changes(mine.defer(*heavy).annotate(role=Subquery(role)))


def is_kept_by(reservation: Reservation, user: User) -> bool:
    """Whether this person may change it; of one out of `reservations_of`."""
    role: str = reservation.role  # type: ignore[attr-defined] # as annotated
    return is_keeper(reservation=reservation, role=role, user=user)


def reservation_page(*, reservation: Reservation, user: User, at: datetime) -> ReservationPage:
    """Everything on the job page, of one out of `reservations_of`."""
    start, end = bounds(reservation.during)
    reserved = reservation.devices.select_related("device__node__site", "tariff__statement")
    devices = list(reserved.order_by("device__node_id", "id"))
    runs = list(reservation.runs.select_related("node", "retry_of").order_by("-number"))
    leases = leases_of(runs)
    rows = tuple(run_row(run, leases.get(run.reference)) for run in runs)
    shown = current(rows)
    newest = next((leases.get(run.reference) for run in runs if shown and run.uid == shown.uid), None)
    is_booked = reservation.state == Reservation.State.BOOKED
    is_open, may_change = is_booked and at < end, is_kept_by(reservation, user)
    state, tone = _state(reservation, rows, start, end, at)
    nodes = tuple(_node_devices(devices))
    told = confinement.told_of([part.node for part in nodes]) if is_open else {}
    return ReservationPage(
        reservation=reservation,
        project=reservation.project,
        title=" + ".join(node.title for node in nodes),
        nodes=nodes,
        start=start,
        end=end,
        state=state,
        tone=tone,
        steps=steps(reservation, newest),
        countdown=_countdown(reservation, at),
        runs=rows,
        log=log_tail(newest) if newest and shown and shown.has_log else None,
        files=tuple(files_of(runs, leases)),
        receipt=_receipt(reservation, devices),
        may_cancel=is_booked and at < start and may_change,
        may_run=is_open and may_change,
        may_stop=may_change,
        keepers=who_keeps(reservation) if is_open and not may_change else "",
        zone=timezone.get_current_timezone_name(),
        cancelling=_cancelling(reservation, start, at),
        place=_place(nodes),
        idle=idle([part.node for part in nodes], told) if is_open else "",
        choices=confinement.choices([part.node for part in nodes], told),
        afterwards=afterwards(
            reservation, user=user, may_change=may_change, at=at,
            has_run=any(row.started_at is not None for row in rows),
        ),
        taken_back=None if is_booked else taken_back(reservation, at=at),
    )  # fmt: skip


def _cancelling(reservation: Reservation, start: datetime, at: datetime) -> str:
    """By the numbers that it was booked under."""
    return cancelling(decisions.numbers_of(reservation.decision), start, at)


def cancelling(policy: Rules, start: datetime, at: datetime) -> str:
    """What cancelling costs, and until when it costs nothing."""
    free_until = start - policy.free_cancel
    if at <= free_until:
        return gettext("Cancelling is free until %s.") % formats.moment(free_until)
    return gettext(
        "It starts within %(hours)d hours, so cancelling is not free:"
        " you pay for hours that nobody else takes."
    ) % {"hours": policy.free_cancel_hours}


def idle(nodes: Sequence[Node], told: confinement.Told) -> str:
    """A slot on a node without an agent can be booked, but nothing would run in it."""
    names = sorted({node.name for node in nodes if node.pk not in told})
    if not names:
        return ""
    return gettext(
        "No job runs on %(nodes)s until its owner connects it to this site."
        " While a queued job waits for that, you pay nothing."
    ) % {"nodes": ", ".join(names)}


def _place(nodes: Sequence[NodeDevices]) -> str:
    countries = ", ".join(sorted({formats.country(part.node.site.country) for part in nodes}))
    return gettext("The node’s administrators, in %s, can read its data, whatever it runs under.") % countries


def current(runs: Sequence[RunRow]) -> RunRow | None:
    """Of runs, newest first, the one that the page is about: what runs goes before what waits behind it."""
    for state in (Run.State.RUNNING, Run.State.LEASED):
        if in_hand := [run for run in runs if run.state == state]:
            return in_hand[0]
    return runs[0] if runs else None


def _state(
    reservation: Reservation, runs: Sequence[RunRow], start: datetime, end: datetime, at: datetime
) -> tuple[str, str]:
    if reservation.state == Reservation.State.CANCELLED:
        return gettext("Cancelled"), ""
    if reservation.state == Reservation.State.RELEASED:
        return gettext("Released early"), ""
    if reservation.state == Reservation.State.ENDED or at >= end:
        return gettext("Over"), ""
    shown = current(runs)
    if shown is not None and shown.state == Run.State.RUNNING:
        return shown.label, shown.tone
    if at < start:
        return gettext("Booked"), "good"
    if shown is not None and shown.is_live:
        return gettext("Waiting for the node"), "info"
    return gettext("Slot is open, nothing runs"), "warn" if not runs else "info"


def _countdown(reservation: Reservation, at: datetime) -> Countdown | None:
    start, end = bounds(reservation.during)
    if reservation.state != Reservation.State.BOOKED or at >= end:
        return None
    if at < start:
        note = gettext("Starts %(start)s, ends %(end)s.")
        label, since, until = gettext("Starts in"), reservation.created_at, start
    else:
        note = gettext("Ends %(end)s. A job still running is asked to stop 90 s before.")
        label, since, until = gettext("Left in this slot"), start, end
    length = max(1, round((until - since).total_seconds()))
    left = round((until - at).total_seconds())
    return Countdown(
        label=label,
        until=until,
        seconds=left,
        length=length,
        done=f"{min(100, max(0, 100 * (length - left) / length)):.2f}%",
        note=note % {"start": formats.moment(start), "end": formats.moment(end)},
    )


def _node_devices(devices: Sequence[ReservedDevice]) -> Iterator[NodeDevices]:
    for node, group in groupby(devices, key=lambda reserved: reserved.device.node):
        rows = [reserved.device for reserved in group]
        models = groupby(sorted(f"{device.model} {formats.memory(device.memory_bytes)}" for device in rows))
        title = " + ".join(f"{len(list(same))} × {model}" for model, same in models)
        indexes = ", ".join(str(device.index) for device in rows)
        yield NodeDevices(node, title, ngettext("device %s", "devices %s", len(rows)) % indexes)


def _receipt(reservation: Reservation, devices: Sequence[ReservedDevice]) -> Receipt:
    costs = {one.device.node.slug: one.tariff.statement.full_delivered for one in devices}
    charges = Charge.objects.filter(reference=reservation.reference).select_related("grant", "node")
    if reservation.settled_at is not None:
        return charged(list(charges), costs)
    return quoted(reservation, costs)
