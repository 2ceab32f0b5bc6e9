"""The files that a job goes on from: fetched before it begins, checked, kept for a restart of the agent."""

from __future__ import annotations

import hashlib
import logging
import random
import urllib.parse
from collections.abc import Callable
from pathlib import Path

from equinode_agent import disk
from equinode_agent.errors import LeaseRejected, Refused, SiteAway
from equinode_agent.lease import ResumedFile
from equinode_agent.notes import note
from equinode_agent.protocol import SAFE_IN_PATH, SiteClient

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0

log = logging.getLogger(__name__)


class Resuming:
    """Brings the files of one lease from the site into its folder in the journal."""

    def __init__(self, client: SiteClient, *, lease: str, fence: int, folder: Path) -> None:
        self._client, self._lease, self._fence = client, lease, fence
        self._folder = folder / "resume"

    def fetch(self, files: tuple[ResumedFile, ...], *, wait: Callable[[float], bool]) -> list[Path] | None:
        """Where each of them lies now; None if told to stop meanwhile. `wait` sleeps, and tells of that."""
        found = []
        for number, file in enumerate(files):
            kept = self._folder / str(number)
            if not _is_there(kept, file) and not self._bring(file, kept, wait):
                return None
            found.append(kept)
        return found

    def _bring(self, file: ResumedFile, kept: Path, wait: Callable[[float], bool]) -> bool:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        name = urllib.parse.quote(file.name, safe=SAFE_IN_PATH)
        path = f"leases/{self._lease}/resume/{name}?fence={self._fence}"
        pause = FIRST_PAUSE
        while True:
            try:
                self._client.get_file(path, kept, size=file.size, sha256=file.sha256)
            except SiteAway as exc:
                log.info("Lease %s: %s", self._lease, exc)
                # Spread out, so that a site that comes back is not met by all nodes at once.
                if wait(pause * random.uniform(0.7, 1.3)):  # noqa: S311 - not a secret
                    return False
                pause = min(pause * 2, LONGEST_PAUSE)
            except Refused as exc:
                raise LeaseRejected(note("checkpoint_unfetched", file=file.name)) from exc
            else:
                return True

    def forget(self) -> None:
        disk.wipe(self._folder)


def _is_there(kept: Path, file: ResumedFile) -> bool:
    """From before a restart: only what is whole."""
    try:
        if kept.stat().st_size != file.size:
            return False
        with kept.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest() == file.sha256
    except FileNotFoundError:
        return False
