"""The life of one lease on this node: staged, started at its moment, watched, torn down, reported."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from equinode_agent import clock, gpus, identity, outputs, policy
from equinode_agent.clock import Moment
from equinode_agent.desk import DeviceDesk
from equinode_agent.errors import AgentError, LeaseRejected
from equinode_agent.journal import LeaseRecord
from equinode_agent.lease import Lease, Specification, specification_of
from equinode_agent.logs import LogBook
from equinode_agent.network.gateway import ENVIRONMENT as PROXY
from equinode_agent.notes import Note, note, plain, sentence
from equinode_agent.policy import Policy
from equinode_agent.protocol import SiteClient
from equinode_agent.resuming import Resuming
from equinode_agent.runners import choice
from equinode_agent.sandbox.life import Box
from equinode_agent.sandbox.plan import Plan
from equinode_agent.watch import Orders, Outcome, watch

# bwrap is built this long before the moment; it takes a twentieth of a second on an idle machine.
BUILD_AHEAD = 5.0
# "It may have started" is on disk this long before the moment: a busy disk may take a second for it.
JOURNAL_AHEAD = 2.0
# A pause is looked at again this long before the moment, at the latest.
PAUSE_COUNTS_FROM = 300.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """Where executions of this agent happen."""

    state: Path
    scratch: Path
    desk: DeviceDesk
    client: SiteClient


@dataclass(frozen=True)
class Wanted:
    """Which files come back, and how large one may be."""

    patterns: tuple[str, ...]
    file_bytes: int


def wanted(specification: Specification, reason: str) -> Wanted:
    """What was asked for; and its checkpoint from a job that did not come to its own end."""
    checkpoint = () if reason == "finished" else specification.checkpoint
    return Wanted((*specification.bring_back, *checkpoint), specification.limits.file_bytes)


def bring_back(record: LeaseRecord, folder: Path, wanted: Wanted) -> tuple[Note, ...]:
    """Keep these files of a job that is gone; what is to be said of it. The job ended as it ended."""
    try:
        harvest = outputs.collect(
            folder / "work", wanted.patterns, into=record.folder / "files", limit=wanted.file_bytes
        )
        if harvest.files:
            record.add_files(harvest.files)
    except OSError as exc:
        # A full disk, say. Were the job lost for that, it would cost nothing to fill one.
        log.exception("Lease %s: no files", record.lease)
        return (note("bring_back_failed", error=exc.strerror or str(exc)),)
    return harvest.notes


class Execution:
    """One thread per lease. It lives as long as its job: bwrap dies with the thread that started it."""

    def __init__(
        self, record: LeaseRecord, lease: Lease, place: Place, *, on_change: Callable[[], None]
    ) -> None:
        self.record, self.lease, self._place = record, lease, place
        self._on_change = on_change
        received = record.received.boot
        self.orders = Orders(
            ends=received + lease.ends_in,
            expires=received + lease.expires_in,
            terminate_before_end=lease.terminate_before_end,
            kill_before_end=lease.kill_before_end,
        )
        self.moment = received + lease.starts_in
        self.thread = threading.Thread(target=self._run, name=f"lease-{record.fence}", daemon=True)

    # --- orders from outside ------------------------------------------------
    def stop(self, reason: str = "stopped", *notes: Note) -> None:
        self.orders.stop(reason, *notes)

    def discard(self) -> None:
        """The site holds this lease for over: stop, and report nothing."""
        self.orders.discard()
        self.record.close("The site holds this lease for over.")

    # --- the thread ---------------------------------------------------------
    def _run(self) -> None:
        try:
            self._live()
        except LeaseRejected as exc:
            log.warning("Lease %s: %s", self.record.lease, exc)
            self._fail(exc.note)
        except AgentError as exc:
            log.warning("Lease %s: %s", self.record.lease, exc)
            self._fail(plain(str(exc)))
        except Exception as exc:
            log.exception("Lease %s", self.record.lease)
            self._fail(plain(f"The agent failed: {exc!r}."))
        finally:
            self._on_change()

    def _fail(self, why: Note) -> None:
        reason = "lost" if self.record.may_have_started else "refused"
        self._end(Outcome(reason=reason, notes=(why,)))

    def _live(self) -> None:
        specification = specification_of(self.lease)
        sandbox = self._sandbox(specification, self._ask_owner(specification))
        book = LogBook(
            specification.limits.log_bytes, self.record.append_log, after=self.record.log_written()
        )
        try:
            if self._is_staged(sandbox, book):
                outcome = self._wait_and_run(sandbox, specification, book)
            else:
                outcome = self.orders.outcome()
        except BaseException:
            sandbox.close()
            if not self.record.may_have_started:
                sandbox.wipe()
            raise
        finally:
            # Only a job that is confirmed gone frees its devices: otherwise they stay taken.
            sandbox.close()
            self._place.desk.give_back(self.record.lease)
        if self.orders.discarded:
            sandbox.wipe()
            return
        outcome.notes += bring_back(self.record, sandbox.folder, wanted(specification, outcome.reason))
        sandbox.wipe()
        self._end(outcome)

    def _is_staged(self, sandbox: Box, book: LogBook) -> bool:
        """False if it was stopped meanwhile: an image may take minutes to come."""
        try:
            sandbox.stage(book.note)
        except LeaseRejected:
            if self.orders.stopped.is_set():
                return False
            raise
        if not self._is_resumed(sandbox):
            return False
        self.record.happened("staged", at=Moment.take())
        self._on_change()
        return True

    def _is_resumed(self, sandbox: Box) -> bool:
        """Put in place what the job goes on from; False if it was stopped meanwhile."""
        files = specification_of(self.lease).resumed
        if not files:
            return True
        record = self.record
        resuming = Resuming(self._place.client, lease=record.lease, fence=record.fence, folder=record.folder)
        kept = resuming.fetch(files, wait=self._waits_until_terminated)
        for file, path in zip(files, kept or (), strict=kept is not None):
            sandbox.take_in(file.name, path)
        return kept is not None

    def _waits_until_terminated(self, seconds: float) -> bool:
        if clock.now() >= self.orders.terminate_at:
            raise LeaseRejected(note("lease_ran_out"))
        return self.orders.wait(clock.now() + seconds)

    def _ask_owner(self, specification: Specification) -> Policy:
        """The owner's rules of this moment, once they allow the job."""
        now = datetime.now(tz=UTC)
        passed = clock.now() - self.record.received.boot
        rules = policy.load(self._place.state)
        starts_in = self.lease.starts_in - passed
        # A lease may come a day before its slot: who pauses the node now does not refuse tomorrow's jobs.
        if rules.paused and starts_in > PAUSE_COUNTS_FROM:
            rules = replace(rules, paused=False)
        rules.require(
            specification,
            starts=now + timedelta(seconds=max(0.0, starts_in)),
            ends=now + timedelta(seconds=self.lease.ends_in - passed),
        )
        rules.require_power(gpus.most_watts(self.lease.devices))
        return rules

    def _sandbox(self, specification: Specification, rules: Policy) -> Box:
        limits = specification.limits
        reach = rules.reach(specification.network)
        plan = Plan(
            owner=identity.mark(self._place.state),
            name=self.record.lease,
            script=specification.script,
            environment={
                **({} if reach is None else PROXY),
                **gpus.environment(self.lease.devices),
                **specification.environment,
            },
            memory_bytes=limits.memory_bytes,
            processes=limits.processes,
            disk_bytes=limits.disk_bytes,
            device_files=gpus.device_files(self.lease.devices),
            slot=min(device.index for device in self.lease.devices),
            cpus=limits.cpus,
            paths=rules.paths,
            network=reach,
            gpus=gpus.names(self.lease.devices),
            image_bytes=rules.max_image_bytes,
            gone_at=self.orders.kill_at,
        )
        # Looked at each time: cleaners of /var/tmp remove a folder that was empty for long.
        scratch = identity.scratch_folder(self._place.state)
        return choice.box(
            plan,
            specification,
            state=self._place.state,
            scratch=scratch,
            private=self.record.folder,
            most_kept=rules.max_images_bytes,
            is_stopped=self.orders.stopped.is_set,
        )

    def _wait_and_run(self, sandbox: Box, specification: Specification, book: LogBook) -> Outcome:
        if self.orders.wait(self.moment - BUILD_AHEAD):
            return self.orders.outcome()
        self._ask_owner(specification)
        sandbox.build()
        devices = [device.index for device in self.lease.devices]
        # Without word from the site for so long, such a job may run elsewhere by now.
        is_movable = specification.on_disconnect == "stop"
        free = self._place.desk.take(
            devices, self.record.lease, until=self.orders.terminate_at, stop=self.orders.stopped
        )
        if self.orders.wait(self.moment - JOURNAL_AHEAD):
            return self.orders.outcome()
        if not free:
            return Outcome(reason="refused", notes=(note("device_not_freed"),))
        if clock.now() >= self.orders.terminate_at or (is_movable and clock.now() >= self.orders.expires):
            return Outcome(reason="refused", notes=(note("lease_ran_out"),))
        self.record.about_to_start(sandbox.first_process)
        if self.orders.wait(self.moment):
            return self.orders.outcome()
        started = sandbox.release()
        self.record.happened(
            "started",
            at=Moment.take(started),
            start_delay_ms=round(max(0.0, started - self.moment) * 1000),
        )
        self._on_change()
        return watch(
            sandbox,
            book,
            self.orders,
            started=started,
            limits=specification.limits,
            stop_when_away=specification.on_disconnect == "stop",
        )

    def _end(self, outcome: Outcome) -> None:
        self.record.happened(
            "ended",
            at=Moment.take() if outcome.at is None else Moment.take(outcome.at),
            reason=outcome.reason,
            exit_code=outcome.exit_code,
            note=sentence(outcome.notes),
            notes=[one.body() for one in outcome.notes],
            peak_memory_bytes=outcome.peak_memory_bytes,
            cpu_seconds=outcome.cpu_seconds,
            log_bytes=outcome.log_bytes,
            log_truncated=outcome.log_truncated,
        )
