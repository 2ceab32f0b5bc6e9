"""What the report of a conformance job is worth: requirements met or not, figures, and a node's level.

docs/node-profile.md says all of it for people. A report comes from a stranger's machine: nothing in it is
trusted to have the right form.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

TOLERANCE = 0.05
# So many good results in a row make a node trusted; then one day in so many is looked at.
TRUSTED_AFTER = 10
# So many in a row that had their time and were not made are no chance.
MOST_MISSED = 3
# A job of ours is a shell and a Python; pods and init processes add a few.
MOST_PROCESSES = 20
MOST_GPUS = 64
JOB = "1."

LISTED, DESCRIBED, CONFORMING, MEASURED = range(4)


@dataclass(frozen=True)
class Carried:
    """What the site itself saw of the job."""

    has_started: bool
    exit_code: int | None
    has_log: bool  # the line that the job prints, with its nonce, arrived
    nonce: str
    gpus_held: int | None  # None: a whole host may show whatever it has


@dataclass(frozen=True)
class Requirement:
    code: str
    is_met: bool
    told: str = ""  # what was found instead, as names and numbers

    def to_json(self) -> dict[str, Any]:
        return {"code": self.code, "is_met": self.is_met, "told": self.told}


@dataclass(frozen=True)
class Figures:
    """None is what was not measured."""

    matrix_gflops: float | None = None
    matrix_method: str = ""
    memory_gbps: float | None = None
    disk_mbps: float | None = None
    gpu_gflops: tuple[float, ...] = ()
    gpu_method: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "matrix_gflops": self.matrix_gflops, "matrix_method": self.matrix_method,
            "memory_gbps": self.memory_gbps, "disk_mbps": self.disk_mbps,
            "gpu_gflops": list(self.gpu_gflops), "gpu_method": self.gpu_method,
        }  # fmt: skip

    @classmethod
    def of_json(cls, stored: Mapping[str, Any]) -> Figures:
        return cls(**{**stored, "gpu_gflops": tuple(stored.get("gpu_gflops", ()))})

    @property
    def gpu_mean(self) -> float | None:
        return sum(self.gpu_gflops) / len(self.gpu_gflops) if self.gpu_gflops else None


def judge(report: object, carried: Carried) -> tuple[Requirement, ...]:
    """Every requirement, in the order of the profile. What cannot be told is not met."""
    told = report if isinstance(report, dict) else {}
    is_ours = str(told.get("job", "")).startswith(JOB) and told.get("nonce") == carried.nonce
    seen = told.get("seen") if is_ours else None
    requirements = [
        Requirement("starts", carried.has_started),
        Requirement("ends", carried.exit_code == 0, _or_none(carried.exit_code)),
        Requirement("prints", carried.has_log),
        Requirement("returns", is_ours),
    ]
    return (*requirements, *_of_sandbox(seen if isinstance(seen, dict) else {}, carried))


def _of_sandbox(seen: Mapping[str, Any], carried: Carried) -> list[Requirement]:
    uid, processes = seen.get("uid"), seen.get("processes")
    files = seen.get("gpu_files")
    given = len(files) if isinstance(files, list) else None
    return [
        Requirement("unprivileged", _is_number(uid) and uid != 0, _or_none(uid)),
        Requirement(
            "own_processes", _is_number(processes) and 0 < processes <= MOST_PROCESSES, _or_none(processes)
        ),
        Requirement("no_network", seen.get("interfaces") == [], _names(seen.get("interfaces"))),
        Requirement("no_metadata", seen.get("reaches_metadata") is False),
        Requirement("hides_host", seen.get("readable") == [], _names(seen.get("readable"))),
        Requirement("keeps_system", seen.get("writable") == [], _names(seen.get("writable"))),
        Requirement(
            "held_devices", given is not None and carried.gpus_held in (None, given), _or_none(given)
        ),
    ]


def figures(report: object) -> Figures:
    """Those that are numbers, above nothing and below anything that exists."""
    told = _part(report, "benchmark")
    matrix, gpus = _part(told, "matrix"), told.get("gpus")
    measured = [_part(gpu, "") for gpu in gpus[:MOST_GPUS]] if isinstance(gpus, list) else []
    speeds = [_speed(gpu.get("gflops")) for gpu in measured]
    is_whole = bool(speeds) and all(speed is not None for speed in speeds)
    return Figures(
        matrix_gflops=_speed(matrix.get("gflops")),
        matrix_method=_name(matrix.get("method")),
        memory_gbps=_speed(_part(told, "memory").get("gbps")),
        disk_mbps=_speed(_part(told, "disk").get("mbps")),
        gpu_gflops=tuple(speed for speed in speeds if speed is not None) if is_whole else (),
        gpu_method=_name(measured[0].get("method")) if is_whole else "",
    )


def off(figures: Figures, reference: Figures) -> dict[str, float]:
    """By how much each judged figure lies above or below its reference; a disk is shared and not judged.

    A figure of another method is another figure: it is as if it had not been measured.
    """
    pairs = {
        "matrix": (figures.matrix_gflops, reference.matrix_gflops),
        "memory": (figures.memory_gbps, reference.memory_gbps),
        "gpu": (figures.gpu_mean, reference.gpu_mean),
    }
    same = {
        "matrix": figures.matrix_method == reference.matrix_method,
        "memory": True,
        "gpu": figures.gpu_method == reference.gpu_method,
    }
    return {
        name: round(now / then - 1, 4) if now and same[name] else -1.0
        for name, (now, then) in pairs.items()
        if then
    }


def is_good(deviations: Mapping[str, float]) -> bool:
    return bool(deviations) and all(abs(one) <= TOLERANCE for one in deviations.values())


def in_a_row(results: Sequence[bool]) -> int:
    """Good ones since the last that was not; the newest first."""
    return next((place for place, good in enumerate(results) if not good), len(results))


def is_looked_at(consecutive: int, draw: float) -> bool:
    """Whether a day with jobs ends with a spot check. `draw` is in [0, 1)."""
    return consecutive < TRUSTED_AFTER or draw * consecutive < 1


def level(*, is_described: bool, has_passed: bool, consecutive: int, missed: int = 0) -> int:
    if not is_described:
        return LISTED
    if not has_passed or missed >= MOST_MISSED:
        return DESCRIBED
    return MEASURED if consecutive >= TRUSTED_AFTER else CONFORMING


def _part(told: object, name: str) -> Mapping[str, Any]:
    found = told.get(name) if name and isinstance(told, dict) else told
    return found if isinstance(found, dict) else {}


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _speed(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and 0 < value < 1e9 else None


def _name(value: object) -> str:
    return value[:60] if isinstance(value, str) else ""


def _names(value: object) -> str:
    listed = value if isinstance(value, list) else []
    return ", ".join(str(one)[:40] for one in listed[:10])


def _or_none(value: object) -> str:
    return "" if value is None else str(value)[:40]
