"""What the agent must not forget: fences seen, leases accepted, reports not yet delivered.

A lease is a folder: `record.json` (replaced atomically), `log.ndjson` (appended), `files/` (moved in).
"""

from __future__ import annotations

import errno
import json
import logging
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from equinode_agent import disk
from equinode_agent.clock import Moment
from equinode_agent.lease import Lease, SignedLease

# Delivered leases are kept for `equinode-agent status`; the fence is kept on its own, for good.
KEPT_DELIVERED = 200

log = logging.getLogger(__name__)

ACCEPTED, STAGED, RUNNING, ENDED, CLOSED = "accepted", "staged", "running", "ended", "closed"


class LeaseRecord:
    """One lease on disk. Its execution and its courier share it, so every change is under a lock."""

    def __init__(self, folder: Path, content: dict[str, Any]) -> None:
        self.folder = folder
        self._content = content
        self._lock = threading.RLock()
        # Told whenever there is something new to deliver, and counted: a wait for what has come is none.
        self.news = threading.Condition(self._lock)
        self._news = 0

    @classmethod
    def make(
        cls, folder: Path, *, lease: Lease, signed: SignedLease, received: Moment, site_key: str = ""
    ) -> LeaseRecord:
        folder.mkdir(mode=0o700)
        record = cls(
            folder,
            {
                "lease": lease.lease,
                "fence": lease.fence,
                "reference": lease.reference,
                "signed": {"payload": signed.payload, "signature": signed.signature},
                "site_key": site_key,
                "received": received.dump(),
                "state": ACCEPTED,
                "events": {},
                "delivered": [],
                "log_delivered": 0,
                "files": [],
                "box": None,
            },
        )
        record._save()
        return record

    @classmethod
    def load(cls, folder: Path) -> LeaseRecord:
        return cls(folder, json.loads((folder / "record.json").read_text()))

    def _save(self, *, durable: bool = True) -> None:
        disk.write_json(self.folder / "record.json", self._content, durable=durable)

    # --- news -----------------------------------------------------------------
    @property
    def news_seen(self) -> int:
        """To be read before looking for something to deliver."""
        with self._lock:
            return self._news

    def await_news(self, seen: int, seconds: float) -> None:
        """Until there is news after those seen."""
        with self.news:
            self.news.wait_for(lambda: self._news != seen, seconds)

    def wake(self) -> None:
        with self.news:
            self._news += 1
            self.news.notify_all()

    # --- reading ------------------------------------------------------------
    @property
    def lease(self) -> str:
        return str(self._content["lease"])

    @property
    def fence(self) -> int:
        return int(self._content["fence"])

    @property
    def reference(self) -> str:
        return str(self._content["reference"])

    @property
    def state(self) -> str:
        return str(self._content["state"])

    @property
    def signed(self) -> SignedLease:
        return SignedLease.load(self._content["signed"])

    @property
    def site_key(self) -> str:
        """Under which it was accepted: the site may sign with another one since. Empty in old records."""
        return str(self._content.get("site_key", ""))

    @property
    def received(self) -> Moment:
        return Moment.load(self._content["received"])

    @property
    def box(self) -> dict[str, Any] | None:
        """The sandbox's first process, so that a later agent can make sure that it is gone."""
        return self._content["box"]  # type: ignore[no-any-return]

    def event(self, name: str) -> dict[str, Any] | None:
        with self._lock:
            found = self._content["events"].get(name)
            return None if found is None else dict(found)

    # --- what happened ------------------------------------------------------
    def happened(self, name: str, *, at: Moment, **body: Any) -> None:
        """`staged`, `started` or `ended`, once each; the courier delivers it with how long ago it was."""
        with self.news:
            if name in self._content["events"] or self.state == CLOSED:
                return
            self._content["events"][name] = {"at": at.dump(), "body": body}
            self._content["state"] = {"staged": STAGED, "started": RUNNING, "ended": ENDED}[name]
            # A slow disk must not hold up a job that has just started: that it may have is on disk.
            self._save(durable=name == "ended")
            self.wake()

    def received_again(self, *, signed: SignedLease, received: Moment, site_key: str) -> None:
        """The same lease, its durations counted from now: those before count on a clock that is gone."""
        with self._lock:
            self._content["signed"] = {"payload": signed.payload, "signature": signed.signature}
            self._content["site_key"] = site_key
            self._content["received"] = received.dump()
            self._content["state"] = STAGED if "staged" in self._content["events"] else ACCEPTED
            self._save()

    def about_to_start(self, box: dict[str, Any]) -> None:
        """On disk before the gate opens: a lease that may have started is never started again."""
        with self._lock:
            if self.state == CLOSED:
                return
            self._content["box"] = box
            self._content["state"] = RUNNING
            self._save()

    @property
    def may_have_started(self) -> bool:
        return self.state == RUNNING or "started" in self._content["events"]

    def add_files(self, files: list[dict[str, Any]]) -> None:
        with self.news:
            self._content["files"] = files
            self._save()
            self.wake()

    # --- the log ------------------------------------------------------------
    def append_log(self, seq: int, text: str) -> bool:
        """Whether it is kept. A full disk costs a part of the log, never the job."""
        line = json.dumps({"seq": seq, "text": text, "at": Moment.take().dump()}).encode() + b"\n"
        with self.news:
            if self.state == CLOSED:
                return True  # nobody wants it any more
            try:
                self._append(line)
            except OSError as exc:
                log.warning("Lease %s: a part of the log is lost: %s", self.lease, exc)
                return False
            self.wake()
        return True

    def _append(self, line: bytes) -> None:
        with (self.folder / "log.ndjson").open("ab", buffering=0) as file:
            end = file.tell()
            try:
                if file.write(line) != len(line):
                    raise OSError(errno.ENOSPC, "the disk is full")
            except OSError:
                file.truncate(end)  # half a line would spoil the next one
                raise

    def log_after(self, seq: int, *, skip_bytes: int = 0) -> Iterator[tuple[dict[str, Any], int]]:
        """Chunks above `seq`, each with the place in the file right after it, to go on from."""
        try:
            file = (self.folder / "log.ndjson").open("rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(skip_bytes)
            while (line := file.readline()).endswith(b"\n"):
                chunk = json.loads(line)
                if chunk["seq"] > seq:
                    yield chunk, file.tell()

    def log_written(self) -> int:
        """The number of the last chunk on disk: an agent that was restarted goes on after it."""
        return max((int(chunk["seq"]) for chunk, _place in self.log_after(0)), default=0)

    # --- delivering ---------------------------------------------------------
    @property
    def log_delivered(self) -> int:
        return int(self._content["log_delivered"])

    @property
    def files(self) -> list[dict[str, Any]]:
        with self._lock:
            return [dict(file) for file in self._content["files"]]

    def is_delivered(self, name: str) -> bool:
        return name in self._content["delivered"]

    def delivered(self, name: str) -> None:
        with self._lock:
            self._content["delivered"].append(name)
            # After a power cut it is delivered again, and the site takes repeats for what they are.
            self._save(durable=False)

    def log_delivered_up_to(self, seq: int) -> None:
        # Not flushed: after a crash the chunks are sent again, and the site ignores repeated numbers.
        self._content["log_delivered"] = seq

    def close(self, note: str = "") -> None:
        """Nothing more to deliver: keep the record, drop the job with its variables, its log and files."""
        with self.news:
            self._content["signed"] = None
            self._content["state"] = CLOSED
            self._content["closing_note"] = note
            self._save(durable=False)
            (self.folder / "log.ndjson").unlink(missing_ok=True)
            for name in ("files", "resume"):
                shutil.rmtree(self.folder / name, ignore_errors=True)
            self.wake()

    def summary(self) -> dict[str, Any]:
        with self._lock:
            return {
                name: self._content[name] for name in ("lease", "fence", "reference", "state", "delivered")
            } | {"ended": self._content["events"].get("ended", {}).get("body", {})}


class Journal:
    """All leases of this node and the highest fence seen for each reference."""

    def __init__(self, state: Path) -> None:
        self._folder = state / "leases"
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._fences_path = state / "fences.json"
        self._fences: dict[str, int] = {}
        if self._fences_path.exists():
            self._fences = json.loads(self._fences_path.read_text())
        self._lock = threading.Lock()

    def fence_seen(self, reference: str) -> int:
        return self._fences.get(reference, -1)

    def accept(
        self, lease: Lease, *, signed: SignedLease, received: Moment, site_key: str = ""
    ) -> LeaseRecord:
        """Write the fence, then the lease. In this order a crash between them refuses, and never repeats."""
        with self._lock:
            seen = dict(self._fences)
            self._fences[lease.reference] = max(lease.fence, self.fence_seen(lease.reference))
            try:
                disk.write_json(self._fences_path, self._fences)
                folder = self._folder / lease.lease
                shutil.rmtree(folder, ignore_errors=True)  # half made, before a disk was full
                return LeaseRecord.make(
                    folder, lease=lease, signed=signed, received=received, site_key=site_key
                )
            except OSError:
                # Not accepted: the site offers it again, and then it must not look like a replay.
                self._fences = seen
                raise

    def knows(self, lease: str) -> bool:
        return (self._folder / lease / "record.json").exists()

    def records(self) -> list[LeaseRecord]:
        """All leases on disk, oldest first."""
        found = []
        for path in self._folder.glob("*/record.json"):
            try:
                found.append(LeaseRecord.load(path.parent))
            except ValueError:
                log.exception("%s is damaged: the site will hold its job for lost", path)
        return sorted(found, key=lambda record: (record.received.wall, record.fence))

    def prune(self) -> None:
        closed = [record for record in self.records() if record.state == CLOSED]
        for record in closed[:-KEPT_DELIVERED]:
            shutil.rmtree(record.folder, ignore_errors=True)
