"""The agent itself: takes leases from the site, keeps them running, and picks up after a crash."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from equinode_agent import __version__, disk, identity, inventory, policy, selfcheck
from equinode_agent.clock import Moment
from equinode_agent.courier import Courier
from equinode_agent.desk import DeviceDesk
from equinode_agent.errors import LeaseForged, Refused, SiteAway
from equinode_agent.executor import Execution, Place
from equinode_agent.heartbeat import Heartbeat, protect
from equinode_agent.inventory.telling import Teller
from equinode_agent.journal import CLOSED, ENDED, RUNNING, STAGED, Journal, LeaseRecord
from equinode_agent.lease import SignedLease
from equinode_agent.notes import note
from equinode_agent.protocol import CALL_SECONDS
from equinode_agent.recovery import Recovery
from equinode_agent.trust import PinnedKey

POLL_SECONDS = 25
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
TELL_HEARTBEAT_EVERY = 5.0
# What a stopped agent gives its jobs to end, and itself to say so.
FAREWELL_SECONDS = 12.0
NICE, OOM_SCORE = -10, -500
TOLD_STATES = {STAGED: "staged", RUNNING: "running"}
# docs/agent-protocol.md, "heartbeat".
MOST_TOLD = 1000
STATUS_FILE = "status.json"

log = logging.getLogger(__name__)


class Agent:
    """Serves one node. Whoever makes one holds the lock on its state folder."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._identity = identity.load(state)
        self._client = identity.client(state)
        self._journal = Journal(state)
        self._place = Place(
            state=state, scratch=identity.scratch_folder(state), desk=DeviceDesk(), client=self._client
        )
        self._pinned = PinnedKey(state, self._identity, self._client)
        self._executions: dict[str, Execution] = {}
        self._couriers: list[Courier] = []
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._is_told_to_stop = False
        self._heartbeat: Heartbeat | None = None

    # --- the main thread ------------------------------------------------------
    def run(self) -> None:
        found = selfcheck.check(self._state)
        log.info("The sandbox works: %s", found)
        protect(NICE, OOM_SCORE)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        self._heartbeat = Heartbeat(self._state, on_answer=self._on_heartbeat, on_refusal=self._on_refusal)
        Recovery(
            place=self._place,
            journal=self._journal,
            pinned=self._pinned,
            stopping=self._stopping,
            execute=self._execute,
            deliver=self._deliver,
        ).run()
        threading.Thread(target=self._keep_telling, name="telling", daemon=True).start()
        # A thread, since a long-poll would hold up the end of the agent for half a minute.
        threading.Thread(target=self._poll, name="poll", daemon=True).start()
        teller = Teller(self._client, collect=self._describe)
        threading.Thread(
            target=teller.keep_telling, args=(self._stopping,), name="inventory", daemon=True
        ).start()
        log.info("Serving %s for %s", self._identity.node_name, self._identity.site)
        # A signal may reach another thread and not wake this one: look up now and then.
        while not self._is_told_to_stop:
            time.sleep(0.2)
        self._stopping.set()
        self._say_farewell()

    def _describe(self) -> dict[str, Any]:
        return inventory.collect() | {"offers": policy.load(self._state).offers()}

    def _on_signal(self, _number: int, _frame: object) -> None:
        # Only a flag: taking a lock here could wait for the very code that was interrupted.
        self._is_told_to_stop = True

    def _say_farewell(self) -> None:
        """Jobs cannot outlive the agent: end them properly and say so, as far as time allows."""
        with self._lock:
            running = [e for e in self._executions.values() if e.record.may_have_started]
        for execution in running:
            execution.stop("lost", note("agent_stopped"))
        until = time.monotonic() + FAREWELL_SECONDS
        for execution in running:
            execution.thread.join(max(0.0, until - time.monotonic()))
        while any(e.record.state == ENDED for e in running) and time.monotonic() < until:
            time.sleep(0.1)
        for courier in self._couriers:
            courier.stop()
        if self._heartbeat is not None:
            self._heartbeat.stop()
        with contextlib.suppress(OSError):
            self._place.scratch.rmdir()  # if nothing is in it

    def _poll(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            try:
                answer = self._client.get(f"work?wait={POLL_SECONDS}", timeout=POLL_SECONDS + CALL_SECONDS)
            except SiteAway as exc:
                log.warning("%s Trying again in %.0f s.", exc, pause)
            except Refused as exc:
                self._on_refusal(exc.code, str(exc))
                pause = LONGEST_PAUSE
            else:
                if self._take_safely(answer, received=Moment.take()):
                    pause = FIRST_PAUSE
                    continue
                # The site repeats a lease until its `staged` arrived: do not ask in a tight circle.
                pause = min(pause, FIRST_PAUSE)
            self._stopping.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _on_refusal(self, code: str, message: str) -> None:
        log.error("The site refuses this agent (%s): %s", code or "no code", message)
        if code == "agent_unknown":
            self._drop_what_has_not_begun()

    def _drop_what_has_not_begun(self) -> None:
        """Shut out: another agent may have been given these by now. What runs may run on."""
        with self._lock:
            waiting = [e for e in self._executions.values() if not e.record.may_have_started]
        for execution in waiting:
            if not _is_over(execution.record):
                log.warning("Lease %s: dropped, this agent was shut out", execution.record.lease)
                execution.discard()

    # --- leases -----------------------------------------------------------------
    def _take_safely(self, answer: Mapping[str, Any], *, received: Moment) -> bool:
        """As `_take`; whatever goes wrong with one answer, the next one is asked for."""
        try:
            return self._take(answer, received=received)
        except Exception:
            log.exception("An answer of the site could not be acted on; asking again")
            return False

    def _take(self, answer: Mapping[str, Any], *, received: Moment) -> bool:
        """Act on an answer of `work`; True unless all it held was known already."""
        leases, stops = answer.get("leases", []), answer.get("stop", [])
        news = [self._take_stop(raw) for raw in stops]
        news += [self._take_lease(raw, received=received) for raw in leases]
        return any(news) or not (leases or stops)

    def _take_lease(self, raw: object, *, received: Moment) -> bool:
        try:
            signed = SignedLease.load(raw)
            lease = self._pinned.verified(signed)
            if self._journal.knows(lease.lease):
                return False
            if lease.fence <= self._journal.fence_seen(lease.reference):
                raise LeaseForged(f"Lease {lease.lease} has a fence that is not above all seen before.")
        except LeaseForged as exc:
            log.error("Ignored: %s", exc)
            return False
        record = self._journal.accept(lease, signed=signed, received=received, site_key=self._pinned.public)
        log.info("Lease %s (fence %s): starts in %.1f s", lease.lease, lease.fence, lease.starts_in)
        self._supersede(lease.reference, lease.fence)
        self._execute(record)
        return True

    def _supersede(self, reference: str, fence: int) -> None:
        """A higher fence for the same reference ends all lower ones: the site holds them for over."""
        with self._lock:
            older = [e for e in self._executions.values() if e.record.reference == reference]
        for execution in older:
            if execution.record.fence < fence and not _is_over(execution.record):
                execution.discard()

    def _execute(self, record: LeaseRecord) -> None:
        lease = self._pinned.verified(record.signed, accepted_under=record.site_key)
        execution = Execution(record, lease, self._place, on_change=self._tell)
        with self._lock:
            self._executions[record.lease] = execution
        self._deliver(record)
        execution.thread.start()

    def _deliver(self, record: LeaseRecord) -> None:
        courier = Courier(record, self._client, on_over=self._discard)
        with self._lock:
            self._couriers = [c for c in self._couriers if c.thread.is_alive()] + [courier]
        courier.thread.start()

    def _discard(self, record: LeaseRecord) -> None:
        with self._lock:
            execution = self._executions.get(record.lease)
        if execution is not None:
            execution.discard()

    def _take_stop(self, raw: Mapping[str, Any]) -> bool:
        with self._lock:
            execution = self._executions.get(str(raw.get("lease")))
        if execution is None or execution.record.fence != raw.get("fence"):
            return False
        if execution.orders.stopped.is_set():
            return False
        log.info("Lease %s: stopped on request", execution.record.lease)
        execution.stop()
        return True

    # --- heartbeats -----------------------------------------------------------------
    def _tell(self) -> None:
        with self._lock:
            for lease in [e.record.lease for e in self._executions.values() if e.record.state == CLOSED]:
                if not self._executions[lease].thread.is_alive():
                    del self._executions[lease]
            live = [(e, state) for e in self._executions.values() if (state := e.record.state) in TOLD_STATES]
            # What runs, then what begins first: a day's leases may be more than one heartbeat names.
            live.sort(key=lambda one: (one[1] != RUNNING, one[0].moment))
            told = [
                {"lease": e.record.lease, "fence": e.record.fence, "state": TOLD_STATES[state]}
                for e, state in live[:MOST_TOLD]
            ]
        if self._heartbeat is not None:
            self._heartbeat.tell(told)

    def _keep_telling(self) -> None:
        while not self._stopping.wait(TELL_HEARTBEAT_EVERY):
            self._tell()
            if self._heartbeat is not None:
                self._heartbeat.look_after()

    def _on_heartbeat(self, leases: list[dict[str, Any]], received: float) -> None:
        for told in leases:
            with self._lock:
                execution = self._executions.get(str(told.get("lease")))
            if execution is None or execution.record.fence != told.get("fence"):
                continue
            if _is_over(execution.record):
                continue
            if not told.get("known", True):
                log.warning("Lease %s: the site holds it for over", execution.record.lease)
                execution.discard()
                continue
            execution.orders.renew(
                ends=received + float(told["ends_in"]), expires=received + float(told["expires_in"])
            )
            if told.get("stop"):
                execution.stop()
        disk.write_json(
            self._state / STATUS_FILE,
            {"pid": os.getpid(), "version": __version__, "heartbeat": Moment.take(received).dump()},
            durable=False,
        )


def _is_over(record: LeaseRecord) -> bool:
    return record.state in (ENDED, CLOSED)


def seconds_since_heartbeat(state: Path) -> float | None:
    """Since the site last answered one; None if it never did."""
    try:
        told = json.loads((state / STATUS_FILE).read_text())
        return Moment.load(told["heartbeat"]).ago()
    except (OSError, ValueError, KeyError):
        return None
