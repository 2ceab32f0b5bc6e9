"""Delivers what the journal holds: reports, log, files. In order, once, however long the site is away."""

from __future__ import annotations

import logging
import random
import threading
import urllib.parse
from collections.abc import Callable
from typing import Any

from equinode_agent.clock import Moment
from equinode_agent.errors import Refused, SiteAway
from equinode_agent.journal import CLOSED, LeaseRecord
from equinode_agent.notes import LONGEST, note
from equinode_agent.protocol import SAFE_IN_PATH, SiteClient

# docs/agent-protocol.md: at most 64 KiB of text and 1000 pieces a call.
LARGEST_TEXT = 60 << 10
MOST_PIECES = 500
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
# Between two looks without any news: a lease may lie here for a day before it begins.
LONGEST_REST = 60.0
# The site holds the lease for over, or for none of ours: nothing more is wanted.
OVER = frozenset({"stale_fence", "lease_unknown"})

log = logging.getLogger(__name__)


class Courier:
    """One thread per lease, so that a large file of one does not hold up the log of another."""

    def __init__(
        self, record: LeaseRecord, client: SiteClient, *, on_over: Callable[[LeaseRecord], None]
    ) -> None:
        self._record, self._client, self._on_over = record, client, on_over
        self._pause = FIRST_PAUSE
        self._log_place = 0
        self._unwanted: list[str] = []
        self._stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, name=f"courier-{record.fence}", daemon=True)

    def stop(self) -> None:
        self._stopping.set()
        self._record.wake()

    def _run(self) -> None:
        while not self._stopping.is_set() and self._record.state != CLOSED:
            seen = self._record.news_seen
            try:
                delivered = self._deliver_next()
            except (SiteAway, OSError, ValueError) as exc:
                # A full or damaged disk as well: what can be delivered later must not end this thread.
                log.info("Lease %s: %r", self._record.lease, exc)
                self._back_off()
            except Refused as exc:
                self._refused(exc)
            else:
                self._pause = FIRST_PAUSE
                if not delivered:
                    self._record.await_news(seen, LONGEST_REST)
        self._client.close()

    def _back_off(self) -> None:
        # Spread out, so that a site that comes back is not met by all nodes at once.
        self._stopping.wait(self._pause * random.uniform(0.7, 1.3))  # noqa: S311 - not a secret
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def _refused(self, refusal: Refused) -> None:
        log.warning("Lease %s: the site refused (%s): %s", self._record.lease, refusal.code, refusal)
        if refusal.code in OVER:
            self._on_over(self._record)
            self._record.close(str(refusal))
        elif refusal.code == "device_busy":
            # The job before on this device has ended here; its courier is still telling so.
            self._back_off()
        else:
            # A key that was revoked, a report the site cannot read: people must look, the report stays.
            self._pause = LONGEST_PAUSE
            self._back_off()

    # --- one step at a time ---------------------------------------------------
    def _deliver_next(self) -> bool:
        """Deliver the first thing that is due: staged, started, log, files, ended."""
        # Looked at first: what a job printed last is written before its end is.
        has_ended = self._record.event("ended") is not None
        if self._event("staged") or self._event("started") or self._log() or self._file():
            return True
        if has_ended and self._event("ended"):
            self._record.close()
            return True
        return False

    def _event(self, name: str) -> bool:
        event = self._record.event(name)
        if event is None or self._record.is_delivered(name):
            return False
        body: dict[str, Any] = {"fence": self._record.fence, **event["body"]}
        if name != "staged":
            body["ago"] = round(Moment.load(event["at"]).ago(), 3)
        if name == "ended" and self._unwanted:
            untaken = note("not_taken", files=", ".join(self._unwanted))
            body["note"] = f"{body['note']} {untaken}"[:LONGEST].strip()
            body["notes"] = [*body.get("notes", ()), untaken.body()]
        self._client.post(f"leases/{self._record.lease}/{name}", body)
        self._record.delivered(name)
        return True

    def _log(self) -> bool:
        chunks: list[dict[str, Any]] = []
        size, place = 0, self._log_place
        for chunk, after in self._record.log_after(self._record.log_delivered, skip_bytes=self._log_place):
            size += len(chunk["text"].encode())
            if chunks and (size > LARGEST_TEXT or len(chunks) == MOST_PIECES):
                break
            ago = round(Moment.load(chunk["at"]).ago(), 3)
            chunks.append({"seq": chunk["seq"], "ago": ago, "text": chunk["text"]})
            place = after
        if not chunks:
            return False
        body = {"fence": self._record.fence, "chunks": chunks}
        answer = self._client.post(f"leases/{self._record.lease}/log", body)
        last = chunks[-1]["seq"]
        taken = min(int(answer.get("next_seq", last + 1)) - 1, last)
        # Behind what was sent: the site lacks something before it, so go on from there.
        self._log_place = place if taken == last else 0
        has_moved = taken > self._record.log_delivered
        self._record.log_delivered_up_to(taken)
        if not has_moved and chunks[0]["seq"] > taken + 1:
            # What it waits for was lost here; the end of the job must not wait for it as well.
            log.warning("Lease %s: pieces %s to %s of the log are lost", self._record.lease, taken + 1, last)
            self._record.log_delivered_up_to(last)
        elif not has_moved:
            raise SiteAway("The site took nothing of the log.")
        return True

    def _file(self) -> bool:
        for file in self._record.files:
            mark = f"file {file['name']}"
            if self._record.is_delivered(mark):
                continue
            try:
                self._put(file)
            except Refused as exc:
                if exc.code in OVER or exc.status == 401:
                    raise
                # One file the site will not have must not keep the end of the job from it.
                log.warning("Lease %s: %s was refused: %s", self._record.lease, file["name"], exc)
                self._unwanted.append(file["name"])
            self._record.delivered(mark)
            return True
        return False

    def _put(self, file: dict[str, Any]) -> None:
        self._client.put_file(
            f"leases/{self._record.lease}/files/{urllib.parse.quote(file['name'], safe=SAFE_IN_PATH)}",
            self._record.folder / "files" / file["kept"],
            size=file["size"],
            sha256=file["sha256"],
            fence=self._record.fence,
        )
