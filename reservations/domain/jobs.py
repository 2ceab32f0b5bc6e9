"""What a job may ask for: size of the script, names in its environment, patterns of files.

Plain data; queueing and starting are services.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Self

from nodes.domain import confinement

LARGEST_SCRIPT = 64 * 1024  # bytes; a longer program belongs in a file that the script fetches or makes
LARGEST_ENVIRONMENT = 32 * 1024  # bytes, names and values together: far below what execve(2) takes
MOST_VARIABLES = 100
MOST_PATTERNS = 20
LONGEST_PATTERN = 255
MOST_RUNS = 500  # in one reservation; its page lists them all
# How often a job is run again by itself after a failure of its node: a node that fails three times in a
# slot fails for a reason that people must look at.
MOST_RETRIES = 3
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
    CHECKPOINT_MISSING = "checkpoint_missing"
    CHECKPOINT_UNUSED = "checkpoint_unused"
    IMAGE_MISSING = "image_missing"
    IMAGE_UNUSED = "image_unused"
    IMAGE = "image"
    NETWORK = "network"


class Retry(StrEnum):
    """What becomes of a job whose node failed under it."""

    NEVER = "never"
    FROM_START = "from_start"
    FROM_CHECKPOINT = "from_checkpoint"


class OnDisconnect(StrEnum):
    """What becomes of a job whose node and site cannot reach each other."""

    KEEP = "keep"
    STOP = "stop"


RETRIES = tuple(one.value for one in Retry)
ON_DISCONNECT = tuple(one.value for one in OnDisconnect)


@dataclass(frozen=True)
class Terms:
    """How a job is to be run, besides what: docs/agent-protocol.md, "The specification"."""

    runner: str = ""  # the node's own
    image: str = ""  # registry/name@sha256:digest, for runners that have images
    network: str = "none"
    retry: str = Retry.NEVER
    on_disconnect: str = OnDisconnect.KEEP
    checkpoint: Sequence[str] = ()  # patterns of files, as in bring_back

    @classmethod
    def pop(cls, members: dict[str, Any]) -> Self:
        """Those among these members, taken out of them; what is not there is as usual."""
        return cls(**{one.name: members.pop(one.name) for one in fields(cls) if one.name in members})

    def columns(self) -> dict[str, Any]:
        """As a run keeps them."""
        kept = {one.name: getattr(self, one.name) for one in fields(self)}
        return kept | {"checkpoint": list(self.checkpoint)}


@dataclass(frozen=True)
class Finding:
    """One fault, in which field, and the piece that has it."""

    fault: Fault
    field: str
    about: str = ""


def first_fault(
    *, script: str, environment: Mapping[str, str], bring_back: Sequence[str], terms: Terms | None = None
) -> Finding | None:
    """The first reason why this cannot be run, in the order of the form."""
    return (
        _in_script(script)
        or _in_environment(environment)
        or _in_patterns("bring_back", bring_back)
        or _in_terms(terms or Terms())
    )


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


def _in_patterns(field: str, patterns: Sequence[str]) -> Finding | None:
    if len(patterns) > MOST_PATTERNS:
        return Finding(Fault.TOO_MANY_PATTERNS, field)
    for pattern in patterns:
        if not _stays_inside(pattern):
            return Finding(Fault.PATTERN, field, pattern)
    return None


def _in_terms(terms: Terms) -> Finding | None:
    return _in_confinement(terms) or _in_checkpoint(terms)


def _in_confinement(terms: Terms) -> Finding | None:
    """What is wrong whatever the node offers. An empty runner has no images: services say which one it is."""
    if terms.runner in confinement.WITH_IMAGES:
        if not terms.image:
            return Finding(Fault.IMAGE_MISSING, "image")
        if not confinement.is_image(terms.image):
            return Finding(Fault.IMAGE, "image", terms.image)
    elif terms.image:
        return Finding(Fault.IMAGE_UNUSED, "image")
    if terms.network not in confinement.NETWORKS:
        return Finding(Fault.NETWORK, "network", terms.network)
    return None


def _in_checkpoint(terms: Terms) -> Finding | None:
    goes_on = terms.retry == Retry.FROM_CHECKPOINT
    if goes_on and not terms.checkpoint:
        return Finding(Fault.CHECKPOINT_MISSING, "checkpoint")
    if terms.checkpoint and not goes_on:
        return Finding(Fault.CHECKPOINT_UNUSED, "checkpoint")
    return _in_patterns("checkpoint", terms.checkpoint)


def may_run_again(*, retry: str, earlier: int, was_stopped: bool) -> bool:
    """Whether a job whose node failed is run again by itself, after so many earlier retries.

    One that somebody asked to stop stays stopped.
    """
    return retry != Retry.NEVER and earlier < MOST_RETRIES and not was_stopped


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
    cpus: float  # processors' time in each second
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
    return Limits(
        memory_bytes=node_memory_bytes * held // devices,
        processes=max(256, 64 * cores),
        cpus=round(node_cores * held / devices, 2),
    )
