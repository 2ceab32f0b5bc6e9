"""What an agent finds of the one before it: what may have started is lost, the rest begins when it was to."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from equinode_agent import disk, identity
from equinode_agent.clock import Moment
from equinode_agent.errors import LeaseForged, LeaseRejected, Refused, SiteAway
from equinode_agent.executor import Place, Wanted, bring_back
from equinode_agent.journal import CLOSED, ENDED, Journal, LeaseRecord
from equinode_agent.lease import SignedLease, specification_of
from equinode_agent.notes import Note, note, sentence
from equinode_agent.runners import engine
from equinode_agent.sandbox import cgroups, leftovers
from equinode_agent.trust import PinnedKey

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
Take = Callable[[LeaseRecord], None]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recovery:
    """`execute` and `deliver` are the agent's: they begin a lease's life and its reports."""

    place: Place
    journal: Journal
    pinned: PinnedKey
    stopping: threading.Event
    execute: Take
    deliver: Take

    def run(self) -> None:
        """Nothing runs that this agent did not start itself; what may have started never starts again."""
        mark = identity.mark(self.place.state)
        cgroups.sweep(mark)
        engine.sweep(self.place.state, mark)
        records = self.journal.records()
        for record in records:
            if record.state == ENDED:
                self.deliver(record)
        open_ones = [record for record in records if record.state not in (ENDED, CLOSED)]
        begun = [record for record in open_ones if self._has_begun(record)]
        for record in begun:
            self._lose(record, note("restarted"), *self._checkpoint(record))
        # Of the others nothing is kept but what the journal holds: they are staged anew.
        for folder in self.place.scratch.iterdir():
            disk.wipe(folder)
        for record in open_ones:
            if record not in begun:
                self._go_on(record)
        self.journal.prune()

    def _has_begun(self, record: LeaseRecord) -> bool:
        """Whether it may have; whatever is left of it is gone afterwards."""
        if record.box is not None:
            leftovers.finish_off(record.box)
        return record.may_have_started

    def _go_on(self, record: LeaseRecord) -> None:
        if not record.received.is_of_this_boot:
            # Its start was counted on a clock that is gone. The site may be away: not in this thread.
            threading.Thread(target=self._take_again, args=(record,), name="again", daemon=True).start()
            return
        try:
            self.execute(record)
        except LeaseForged as exc:
            record.close(str(exc))

    # --- after a restart of the machine ---------------------------------------------
    def _take_again(self, record: LeaseRecord) -> None:
        """Ask the site when this lease begins, however long that takes."""
        pause = FIRST_PAUSE
        while not self.stopping.is_set():
            try:
                self._sign_again(record)
            except SiteAway as exc:
                log.warning("%s Asking again for lease %s in %.0f s.", exc, record.lease, pause)
            except (Refused, LeaseForged) as exc:
                log.warning("Lease %s: %s", record.lease, exc)
                self._lose(record, note("restarted_before_start"))
                return
            else:
                self.execute(record)
                return
            self.stopping.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _sign_again(self, record: LeaseRecord) -> None:
        answer = self.place.client.post(f"leases/{record.lease}/again", {"fence": record.fence})
        received, signed = Moment.take(), SignedLease.load(answer)
        lease = self.pinned.verified(signed)
        if (lease.lease, lease.fence) != (record.lease, record.fence):
            raise LeaseForged("The site answered with another lease.")
        record.received_again(signed=signed, received=received, site_key=self.pinned.public)

    # --- what may have started --------------------------------------------------------
    def _checkpoint(self, record: LeaseRecord) -> tuple[Note, ...]:
        """What a job left behind that the agent before this one can no longer speak for."""
        try:
            lease = self.pinned.verified(record.signed, accepted_under=record.site_key)
            specification = specification_of(lease)
        except LeaseRejected:
            return ()
        kept = Wanted(specification.checkpoint, specification.limits.file_bytes)
        return bring_back(record, self.place.scratch / record.lease, kept)

    def _lose(self, record: LeaseRecord, *why: Note) -> None:
        log.warning("Lease %s: %s", record.lease, sentence(why))
        record.happened(
            "ended",
            at=Moment.take(),
            reason="lost",
            exit_code=None,
            note=sentence(why),
            notes=[one.body() for one in why],
            peak_memory_bytes=None,
            cpu_seconds=None,
            log_bytes=0,
            log_truncated=False,
        )
        self.deliver(record)
