"""One reservation as its members see it: where it stands, its runs, log, files and money."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef
from django.db.models.functions import JSONObject
from django.utils.translation import gettext

from accounts.models import Project, ProjectMembership, User
from common import formats
from common.ranges import bounds
from nodes.models import Lease, LogChunk, Node, OutputFile
from pricing.models import Charge
from reservations.models import Reservation, ReservedDevice, Run
from reservations.selectors.receipt import Receipt, charged, quoted
from reservations.selectors.steps import Step, steps

# The page opens with the end of the log; the whole of it is one link away.
_TAIL_CHUNKS = 40
_TAIL_LINES = 400
_FREE_CANCELLING = timedelta(hours=24)  # DESIGN.md: free until 24 h before


@dataclass(frozen=True)
class FileRow:
    run: int
    run_uid: UUID
    name: str
    size: int
    sha256: str
    received_at: datetime


@dataclass(frozen=True)
class RunRow:
    """One execution. `tone` is the tag's: own while it runs, good or bad once it ended."""

    uid: UUID
    number: int
    script: str
    environment: str  # NAME=value lines, as they were typed
    bring_back: str  # one pattern a line
    node: str
    state: str
    label: str
    tone: str
    outcome: str
    started_at: datetime | None
    ended_at: datetime | None
    exit_code: int | None
    peak_memory: int | None
    is_live: bool
    is_stopping: bool
    log_truncated: bool
    start_delay_ms: int | None

    @property
    def first_line(self) -> str:
        lines = [line for line in self.script.splitlines() if line.strip() and not line.startswith("#!")]
        return lines[0] if lines else ""

    @property
    def has_log(self) -> bool:
        return self.started_at is not None


@dataclass(frozen=True)
class LogTail:
    """The end of the newest run's log. `seq` numbers its last piece: a stream goes on from there."""

    text: str
    seq: int
    is_whole: bool


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
    title: str  # 2 × A100 SXM4
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
    cancelling_is_free: bool

    @property
    def newest(self) -> RunRow | None:
        return self.runs[0] if self.runs else None


def reservation_page(*, uid: UUID, user: User, at: datetime) -> ReservationPage:
    """Everything on the job page; `Reservation.DoesNotExist` for whoever is not a member."""
    reservation = _reservation(uid, user)
    start, end = bounds(reservation.during)
    devices = list(reservation.devices.select_related("device__node__site").order_by("device__node_id", "id"))
    runs = list(reservation.runs.select_related("node").order_by("-number"))
    leases = _leases(runs)
    rows = tuple(_run_row(run, leases.get(run.reference)) for run in runs)
    newest = leases.get(runs[0].reference) if runs else None
    may_manage = reservation.booked_by_id == user.pk or reservation.is_lead  # type: ignore[attr-defined]
    is_booked = reservation.state == Reservation.State.BOOKED
    state, tone = _state(reservation, rows, start, end, at)
    nodes = tuple(_node_devices(devices))
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
        log=_log(newest) if newest and newest.started_at else None,
        files=tuple(_files(runs, leases)),
        receipt=_receipt(reservation, devices, rows),
        may_cancel=may_manage and is_booked and at < start,
        may_run=is_booked and at < end,
        cancelling_is_free=at <= start - _FREE_CANCELLING,
    )


def _reservation(uid: UUID, user: User) -> Reservation:
    lead = ProjectMembership.objects.filter(
        project=OuterRef("project"), user=user, role=ProjectMembership.Role.LEAD
    )
    return (
        Reservation.objects.of(user)
        .select_related("project", "decision")
        .annotate(is_lead=Exists(lead))
        .get(uid=uid)
    )


def may_manage(*, reservation: Reservation, user: User) -> bool:
    """Who booked a slot or leads its project may run jobs in it, stop them and cancel it."""
    leads = reservation.project.memberships.filter(user=user, role=ProjectMembership.Role.LEAD)
    return reservation.booked_by_id == user.pk or leads.exists()


def _leases(runs: Sequence[Run]) -> dict[str, Lease]:
    """The newest lease of each run, with its files, in one query."""
    if not runs:
        return {}
    files = (
        OutputFile.objects.filter(lease=OuterRef("pk"))
        .order_by("name")
        .values(json=JSONObject(name="name", size="size", sha256="sha256", received_at="received_at"))
    )
    leases = Lease.objects.filter(reference__in=[run.reference for run in runs]).annotate(
        outputs=ArraySubquery(files)
    )
    return {lease.reference: lease for lease in leases.order_by("fence", "pk")}


def _log(lease: Lease) -> LogTail:
    newest = list(LogChunk.objects.filter(lease=lease).order_by("-seq")[:_TAIL_CHUNKS])
    lines = "".join(chunk.text for chunk in reversed(newest)).splitlines(keepends=True)
    first = newest[-1].seq if newest else 1
    return LogTail(
        text="".join(lines[-_TAIL_LINES:]),
        seq=newest[0].seq if newest else 0,
        is_whole=first == 1 and len(lines) <= _TAIL_LINES,
    )


def _files(runs: Iterable[Run], leases: dict[str, Lease]) -> Iterator[FileRow]:
    for run in runs:
        lease = leases.get(run.reference)
        found: list[dict[str, Any]] = lease.outputs if lease else []  # type: ignore[attr-defined]
        for file in found:
            received = datetime.fromisoformat(file["received_at"])
            yield FileRow(run.number, run.uid, file["name"], file["size"], file["sha256"], received)


def _run_row(run: Run, lease: Lease | None) -> RunRow:
    label, tone = _run_state(run, lease)
    return RunRow(
        uid=run.uid,
        number=run.number,
        script=run.script,
        environment="\n".join(f"{name}={value}" for name, value in run.environment.items()),
        bring_back="\n".join(run.bring_back),
        node=run.node.name,
        state=run.live_state(lease.state if lease else ""),
        label=label,
        tone=tone,
        outcome=_outcome(run, lease),
        started_at=lease.started_at if lease else None,
        ended_at=lease.ended_at if lease else run.finished_at,
        exit_code=lease.exit_code if lease else None,
        peak_memory=lease.peak_memory_bytes if lease else None,
        is_live=not run.is_over and (lease is None or lease.state in Lease.LIVE),
        is_stopping=bool(lease and lease.stop_requested_at and not lease.ended_at),
        log_truncated=bool(lease and lease.log_truncated),
        start_delay_ms=lease.start_delay_ms if lease else None,
    )


def _run_state(run: Run, lease: Lease | None) -> tuple[str, str]:
    """The run's state in a word, and the colour of its tag. The lease knows first."""
    if lease and lease.state == Lease.State.RUNNING:
        return gettext("Running"), "own"
    if lease and lease.state == Lease.State.STAGED:
        return gettext("Staged on the node"), "info"
    if lease and lease.state == Lease.State.ENDED:
        return (gettext("Ended"), "good") if lease.exit_code == 0 else (gettext("Ended"), "bad")
    tones = {Run.State.LOST: "bad", Run.State.NOT_RUN: "warn"}
    return str(Run.State(run.state).label), tones.get(Run.State(run.state), "info")


def _outcome(run: Run, lease: Lease | None) -> str:
    """One sentence on how it ended; empty while it has not."""
    if lease is None or lease.ended_at is None:
        return ""
    reason = str(Lease.EndReason(lease.end_reason).label) if lease.end_reason else gettext("It ended")
    parts = [reason]
    if lease.exit_code is not None:
        parts.append(gettext("exit code %d") % lease.exit_code)
    if lease.started_at is not None:
        parts.append(gettext("after %s") % formats.duration(lease.ended_at - lease.started_at))
    sentence = ", ".join(parts)
    return f"{sentence}. {lease.end_note}" if lease.end_note else f"{sentence}."


def _state(
    reservation: Reservation, runs: Sequence[RunRow], start: datetime, end: datetime, at: datetime
) -> tuple[str, str]:
    if reservation.state == Reservation.State.CANCELLED:
        return gettext("Cancelled"), ""
    if reservation.state == Reservation.State.ENDED or at >= end:
        return gettext("Over"), ""
    if runs and runs[0].state == Run.State.RUNNING:
        return runs[0].label, runs[0].tone
    if at < start:
        return gettext("Booked"), "good"
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
        models = groupby(sorted(device.model for device in rows))
        title = " + ".join(f"{len(list(same))} × {model}" for model, same in models)
        yield NodeDevices(node, title, ", ".join(str(device.index) for device in rows))


def _receipt(reservation: Reservation, devices: Sequence[ReservedDevice], runs: Sequence[RunRow]) -> Receipt:
    charges = Charge.objects.filter(reference=reservation.reference).select_related("grant", "node")
    if reservation.settled_at is not None:
        return charged(list(charges), runs[0].start_delay_ms if runs else None)
    return quoted(reservation, devices)
