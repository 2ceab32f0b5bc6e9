"""The runs of a reservation: how each went, the end of a log, the files that came back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject
from django.utils.translation import gettext

from common import formats
from nodes.models import Lease, LogChunk, OutputFile
from nodes.wording import end_notes
from reservations.domain.jobs import Retry
from reservations.models import Run
from reservations.selectors import confinement

# The page opens with the end of the log; the whole of it is one link away.
_TAIL_CHUNKS = 40
_TAIL_LINES = 400


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
    retry: str
    checkpoint: str  # one pattern a line
    on_disconnect: str
    runner: str  # empty: the node's own
    image: str
    network: str
    confined: str  # under what it runs, in words, where that is not as usual
    has_log: bool
    in_place_of: str  # that it was queued again after a failure, in a sentence, or nothing
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
    cpu_seconds: Decimal | None

    @property
    def start_delay(self) -> str:
        """`18 ms`, `7.4 s`; what is charged back is on the receipt."""
        if self.start_delay_ms is not None and self.start_delay_ms >= 1000:
            return f"{formats.number(Decimal(self.start_delay_ms) / 1000, 1)} s"
        return f"{formats.number(self.start_delay_ms)} ms"

    @property
    def first_line(self) -> str:
        lines = [line for line in self.script.splitlines() if line.strip() and not line.startswith("#!")]
        return lines[0] if lines else ""


@dataclass(frozen=True)
class LogTail:
    """The end of the newest run's log. `seq` numbers its last piece: a stream goes on from there."""

    text: str
    seq: int
    is_whole: bool


def leases_of(runs: Sequence[Run]) -> dict[str, Lease]:
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


def log_tail(lease: Lease) -> LogTail:
    newest = list(LogChunk.objects.filter(lease=lease).order_by("-seq")[:_TAIL_CHUNKS])
    lines = "".join(chunk.text for chunk in reversed(newest)).splitlines(keepends=True)
    first = newest[-1].seq if newest else 1
    return LogTail(
        text="".join(lines[-_TAIL_LINES:]),
        seq=newest[0].seq if newest else 0,
        is_whole=first == 1 and len(lines) <= _TAIL_LINES,
    )


def files_of(runs: Iterable[Run], leases: Mapping[str, Lease]) -> Iterator[FileRow]:
    for run in runs:
        lease = leases.get(run.reference)
        found: list[dict[str, Any]] = lease.outputs if lease else []  # type: ignore[attr-defined]
        for file in found:
            received = datetime.fromisoformat(file["received_at"])
            yield FileRow(run.number, run.uid, file["name"], file["size"], file["sha256"], received)


def run_row(run: Run, lease: Lease | None) -> RunRow:
    label, tone = _run_state(run, lease)
    return RunRow(
        uid=run.uid,
        number=run.number,
        script=run.script,
        environment="\n".join(f"{name}={value}" for name, value in run.environment.items()),
        bring_back="\n".join(run.bring_back),
        retry=run.retry,
        checkpoint="\n".join(run.checkpoint),
        on_disconnect=run.on_disconnect,
        runner=run.runner,
        image=run.image,
        network=run.network,
        confined=_confined(run),
        # How far its image has come is told before it starts.
        has_log=lease is not None and (lease.started_at is not None or bool(run.image)),
        in_place_of=_in_place_of(run),
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
        cpu_seconds=lease.cpu_seconds if lease else None,
    )


def _run_state(run: Run, lease: Lease | None) -> tuple[str, str]:
    """The run's state in a word, and the colour of its tag. The lease knows first."""
    if lease and lease.state == Lease.State.RUNNING:
        return gettext("Running"), "own"
    if lease and lease.state == Lease.State.STAGED:
        return gettext("Staged on the node"), "info"
    if lease and lease.state == Lease.State.LOST:
        return str(Run.State.LOST.label), "bad"
    if lease and lease.state == Lease.State.ENDED:
        return (gettext("Ended"), "good") if lease.exit_code == 0 else (gettext("Ended"), "bad")
    tones = {Run.State.LOST: "bad", Run.State.NOT_RUN: "warn"}
    return str(Run.State(run.state).label), tones.get(Run.State(run.state), "info")


def _confined(run: Run) -> str:
    if not run.image and run.network == "none" and run.runner in ("", run.node.runner):
        return ""
    runner = run.runner or run.node.runner
    return gettext("Under %s.") % confinement.in_words(runner=runner, image=run.image, network=run.network)


def _in_place_of(run: Run) -> str:
    if run.retry_of is None or run.retry_of.reservation_id != run.reservation_id:
        return ""  # it came along with its slot
    told = {"number": run.retry_of.number}
    if run.retry == Retry.FROM_CHECKPOINT:
        return gettext("Queued again from its checkpoint, in place of run %(number)d.") % told
    return gettext("Queued again from its start, in place of run %(number)d.") % told


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
    sentences = [", ".join(parts) + ".", end_notes(lease.end_notes, lease.end_note)]
    if lease.state == Lease.State.LOST:
        sentences.append(gettext("Its time is not charged."))
    if lease.log_truncated:
        sentences.append(gettext("Its log was cut at %s.") % formats.size(lease.log_bytes))
    return " ".join(sentence for sentence in sentences if sentence)
