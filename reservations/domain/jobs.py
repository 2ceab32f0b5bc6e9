"""What a job may ask for: size of the script, names in its environment, patterns of files.

Plain data; queueing and starting are services.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

LARGEST_SCRIPT = 64 * 1024  # bytes; a longer program belongs in a file that the script fetches or makes
LARGEST_ENVIRONMENT = 32 * 1024  # bytes, names and values together: far below what execve(2) takes
MOST_VARIABLES = 100
MOST_PATTERNS = 20
LONGEST_PATTERN = 255
MOST_RUNS = 500  # in one reservation; its page lists them all
# POSIX.1-2017, Base Definitions 8.1: what every shell can name.
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")

GIB = 1024**3
MIB = 1024**2


class Fault(StrEnum):
    """What is wrong with a job; reservations.services.runs has the sentences."""

    SCRIPT_EMPTY = "script_empty"
    SCRIPT_TOO_LONG = "script_too_long"
    SCRIPT_HAS_NUL = "script_has_nul"
    TOO_MANY_VARIABLES = "too_many_variables"
    VARIABLE_NAME = "variable_name"
    VARIABLE_VALUE = "variable_value"
    ENVIRONMENT_TOO_LONG = "environment_too_long"
    TOO_MANY_PATTERNS = "too_many_patterns"
    PATTERN = "pattern"


@dataclass(frozen=True)
class Finding:
    """One fault, in which field, and the piece that has it."""

    fault: Fault
    field: str
    about: str = ""


def first_fault(*, script: str, environment: Mapping[str, str], bring_back: Sequence[str]) -> Finding | None:
    """The first reason why this cannot be run, in the order of the form."""
    return _in_script(script) or _in_environment(environment) or _in_patterns(bring_back)


def _in_script(script: str) -> Finding | None:
    if not script.strip():
        return Finding(Fault.SCRIPT_EMPTY, "script")
    if "\0" in script:
        return Finding(Fault.SCRIPT_HAS_NUL, "script")
    if _size(script) > LARGEST_SCRIPT:
        return Finding(Fault.SCRIPT_TOO_LONG, "script")
    return None


def _in_environment(environment: Mapping[str, str]) -> Finding | None:
    if len(environment) > MOST_VARIABLES:
        return Finding(Fault.TOO_MANY_VARIABLES, "environment")
    for name, value in environment.items():
        if not VARIABLE.fullmatch(name):
            return Finding(Fault.VARIABLE_NAME, "environment", name)
        if not isinstance(value, str) or "\0" in value:
            return Finding(Fault.VARIABLE_VALUE, "environment", name)
    if sum(_size(name) + _size(value) for name, value in environment.items()) > LARGEST_ENVIRONMENT:
        return Finding(Fault.ENVIRONMENT_TOO_LONG, "environment")
    return None


def _in_patterns(bring_back: Sequence[str]) -> Finding | None:
    if len(bring_back) > MOST_PATTERNS:
        return Finding(Fault.TOO_MANY_PATTERNS, "bring_back")
    for pattern in bring_back:
        if not _stays_inside(pattern):
            return Finding(Fault.PATTERN, "bring_back", pattern)
    return None


def _stays_inside(pattern: str) -> bool:
    """A relative path below the job's own folder."""
    parts = pattern.split("/")
    return (
        0 < len(pattern) <= LONGEST_PATTERN
        and "\0" not in pattern
        and not pattern.startswith("/")
        and ".." not in parts
    )


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True)
class Limits:
    """What one run may use; docs/agent-protocol.md names the members."""

    memory_bytes: int
    processes: int
    disk_bytes: int = 20 * GIB
    log_bytes: int = 10 * MIB
    file_bytes: int = GIB  # the most that one PUT of a file may carry
    wall_seconds: int | None = None  # no shorter than the slot


def limits(*, node_cores: int, node_memory_bytes: int, held: int, devices: int) -> Limits:
    """The part of the node that belongs to the held devices: cores and memory are split evenly.

    Processes: 64 for each core of that part, and 256 at least: a shell with a parallel build and a
    Python with its thread pools fit. A job that forks without end gets no more, and its page says so.
    """
    if not 0 < held <= devices:
        raise ValueError(f"{held} of {devices} devices")
    cores = max(1, node_cores * held // devices)
    return Limits(memory_bytes=node_memory_bytes * held // devices, processes=max(256, 64 * cores))
