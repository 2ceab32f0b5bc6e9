"""What a heartbeat tells of its machine, taken as far as it can be true. An agent is a stranger's program."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

MOST_GPUS = 64  # numbered from 0
MOST_BYTES = 2**60
HOTTEST = 200.0  # degrees Celsius; silicon melts far above, and no sensor reads there
MOST_WATTS = 100_000.0  # of one device
MOST_SECONDS = 10_000_000.0  # that a clock may be told to be wrong by

# Minutes are kept for a day, one in fifteen for a fortnight, one an hour for a quarter.
STEPS: tuple[tuple[timedelta, timedelta], ...] = (
    (timedelta(days=1), timedelta(minutes=15)),
    (timedelta(days=14), timedelta(hours=1)),
)
KEPT = timedelta(days=90)


@dataclass(frozen=True)
class GpuLoad:
    index: int
    temperature_c: float | None = None
    power_w: float | None = None
    utilisation_percent: float | None = None
    memory_used_bytes: int | None = None


@dataclass(frozen=True)
class Load:
    """Whatever is not told, or cannot be, is None."""

    cpu_percent: float | None = None
    memory_used_bytes: int | None = None
    disk_free_bytes: int | None = None
    clock_offset_s: float | None = None
    gpus: tuple[GpuLoad, ...] = field(default=())

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [asdict(gpu) for gpu in self.gpus]


def read_load(told: object) -> Load:
    """docs/agent-protocol.md, "heartbeat": every member may be missing, and one that is wrong is missing."""
    if not isinstance(told, Mapping):
        return Load()
    return Load(
        cpu_percent=_number(told.get("cpu_percent"), 0, 100),
        memory_used_bytes=_bytes(told.get("memory_used_bytes")),
        disk_free_bytes=_bytes(told.get("disk_free_bytes")),
        clock_offset_s=_number(told.get("clock_offset_s"), -MOST_SECONDS, MOST_SECONDS),
        gpus=_gpus(told.get("gpus")),
    )


def minute_of(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _gpus(told: object) -> tuple[GpuLoad, ...]:
    if not isinstance(told, list):
        return ()
    found: dict[int, GpuLoad] = {}
    for one in told[:MOST_GPUS]:
        gpu = _gpu(one)
        if gpu is not None:
            found.setdefault(gpu.index, gpu)
    return tuple(found[index] for index in sorted(found))


def _gpu(told: object) -> GpuLoad | None:
    index = told.get("index") if isinstance(told, Mapping) else None
    # Bounded: each number that was ever told is a line of its owner's charts.
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < MOST_GPUS:
        return None
    assert isinstance(told, Mapping)
    return GpuLoad(
        index=index,
        temperature_c=_number(told.get("temperature_c"), -HOTTEST, HOTTEST),
        power_w=_number(told.get("power_w"), 0, MOST_WATTS),
        utilisation_percent=_number(told.get("utilisation_percent"), 0, 100),
        memory_used_bytes=_bytes(told.get("memory_used_bytes")),
    )


def _number(value: object, least: float, most: float) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Whole numbers of JSON have no end: compared first, since such a one is no float at all.
    return float(value) if least <= value <= most and math.isfinite(value) else None


def _bytes(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_BYTES:
        return None
    return int(value)
