"""Watching an engine fetch an image: how far it is, and that it takes no more than it may."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from equinode_agent import clock
from equinode_agent.errors import LeaseRejected
from equinode_agent.notes import note
from equinode_agent.runners.images import Image
from equinode_agent.runners.progress import Progress

# Between two lines about the same image in a job's log.
TELL_EVERY = 2.0
# For the agent's own journal and the machine's owner.
LEAST_FREE_BYTES = 1 << 30
# A layer is on the disk packed and unpacked for a while.
TWICE = 2


@dataclass(frozen=True)
class Pull:
    image: Image
    tell: Callable[[str], None]
    until: float  # on the agent's clock
    is_stopped: Callable[[], bool]
    store: Path
    most_bytes: int | None

    def follow(self, process: subprocess.Popen[bytes], terminal: int) -> str:
        """Read what is drawn to its end, telling now and then; what was said last."""
        progress, said, told, told_at = Progress(), "", "", 0.0
        free_before = self._free()
        while True:
            self._require(progress, free_before)
            if self.is_stopped():
                return said
            if select.select([terminal], [], [], 0.2)[0]:
                try:
                    piece = os.read(terminal, 1 << 16).decode(errors="replace")
                except OSError:  # the other end of a terminal is closed
                    piece = ""
                if not piece:
                    break
                said = (said + piece)[-4000:]
                progress.take(piece)
            sentence = progress.sentence()
            if sentence != told and clock.now() >= told_at + TELL_EVERY:
                self.tell(sentence)
                told, told_at = sentence, clock.now()
        process.wait()
        return said

    def _require(self, progress: Progress, free_before: int) -> None:
        image, free = str(self.image), self._free()
        if clock.now() > self.until:
            raise LeaseRejected(note("image_late", image=image))
        if free < LEAST_FREE_BYTES:
            raise LeaseRejected(note("disk_low", image=image))
        # What it says of itself, and what the disk says: a layer may unpack to a thousand times its size.
        most = self.most_bytes
        if most is not None and (progress.whole > most or free_before - free > TWICE * most):
            raise LeaseRejected(note("image_size", image=image, limit=most))

    def _free(self) -> int:
        return shutil.disk_usage(self.store).free
