"""What a job prints: cut into chunks, capped, and always read to its end so that printing never blocks."""

from __future__ import annotations

import codecs
from collections.abc import Callable

FLUSH_SECONDS = 0.2
# Bytes read at once. Damaged UTF-8 grows to three bytes each, and a call holds 64 KiB of text.
LARGEST_CHUNK = 16 << 10


class LogBook:
    """Counts everything, keeps the first `cap` bytes, hands them on in numbered chunks."""

    def __init__(self, cap: int, keep: Callable[[int, str], bool], *, after: int = 0) -> None:
        """`keep` takes a number and a text, and says whether it could; `after` is the last number so far."""
        self._cap = cap
        self._keep = keep
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._waiting = bytearray()
        self._flush_at: float | None = None
        self._seq = after
        self._has_lost_some = False
        self.seen_bytes = 0
        self._taken = 0

    @property
    def is_truncated(self) -> bool:
        return self._has_lost_some or self.seen_bytes > self._cap

    def take(self, printed: bytes, now: float) -> None:
        self.seen_bytes += len(printed)
        wanted = printed[: max(0, self._cap - self._taken)]
        self._taken += len(wanted)
        self._waiting += wanted
        if self._waiting and self._flush_at is None:
            self._flush_at = now + FLUSH_SECONDS
        while len(self._waiting) >= LARGEST_CHUNK:
            self._write(LARGEST_CHUNK, final=False)

    def note(self, line: str) -> None:
        """A line of the agent's own before the job: it counts for nothing that the job printed."""
        if self._keep(self._seq + 1, f"[equinode] {line}\n"):
            self._seq += 1

    def due(self, now: float) -> bool:
        return self._flush_at is not None and now >= self._flush_at

    def flush(self, *, final: bool = False) -> None:
        self._write(len(self._waiting), final=final)
        self._flush_at = None

    def _write(self, size: int, *, final: bool) -> None:
        # A zero byte is text to Python and not to a database.
        text = self._decoder.decode(bytes(self._waiting[:size]), final).replace("\0", "\ufffd")
        del self._waiting[:size]
        if text and self._keep(self._seq + 1, text):
            # Only what is kept gets a number: the site takes no log with a gap.
            self._seq += 1
        elif text:
            self._has_lost_some = True
