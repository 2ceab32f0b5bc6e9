"""The clock deadlines are counted on. It goes on while the machine sleeps and cannot be set."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def now() -> float:
    """Seconds since the machine started, suspended time included: sleep never lengthens a slot."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot_id() -> str:
    return BOOT_ID.read_text().strip()


@dataclass(frozen=True)
class Moment:
    """A point in time that can be told after a restart of the agent, and roughly after one of the machine."""

    boot: float
    boot_id: str
    wall: float

    @classmethod
    def take(cls, at: float | None = None) -> Moment:
        """Now, or the moment `at` on the clock of this boot."""
        current = now()
        at = current if at is None else at
        return cls(boot=at, boot_id=boot_id(), wall=time.time() - (current - at))

    @classmethod
    def load(cls, stored: dict[str, Any]) -> Moment:
        return cls(boot=float(stored["boot"]), boot_id=str(stored["boot_id"]), wall=float(stored["wall"]))

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def is_of_this_boot(self) -> bool:
        return self.boot_id == boot_id()

    def ago(self) -> float:
        """Seconds since then. The wall clock is asked only where the machine restarted in between."""
        passed = now() - self.boot if self.is_of_this_boot else time.time() - self.wall
        return max(0.0, passed)
