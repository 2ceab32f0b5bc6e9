"""The owner's own rules, in a file on the node. They hold whatever the site signs."""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from equinode_agent.errors import LeaseRejected, StateError
from equinode_agent.lease import Specification
from equinode_agent.network.rules import Entry, Range, Rules
from equinode_agent.notes import note
from equinode_agent.runners.images import LONGEST, PUBLIC, Image

POLICY_FILE = "policy.toml"
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SPAN = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
NETWORKS = ("none", "internet", "list")
# What a job may never be shown, nor anything above it: the machine itself, and other people's files.
NEVER_SHOWN = (
    "/",
    "/etc",
    "/proc",
    "/sys",
    "/dev",
    "/run",
    "/root",
    "/boot",
    "/var",
    "/tmp",  # noqa: S108 - a name to compare with
    "/work",
    "/usr",
)


@dataclass(frozen=True)
class Policy:
    paused: bool = False
    # Minutes of the day in which jobs may run, by day of the week; None: always.
    hours: dict[int, tuple[tuple[int, int], ...]] | None = None
    time_zone: str = "UTC"
    max_memory_bytes: int | None = None
    max_disk_bytes: int | None = None
    max_slot_hours: float | None = None
    networks: tuple[str, ...] = ("none",)
    # What network "list" reaches, and what no network reaches.
    network_list: tuple[Entry, ...] = ()
    blocked: tuple[Range, ...] = ()
    images: tuple[str, ...] = PUBLIC
    # Of one image, and of all that are kept for the next job that wants them.
    max_image_bytes: int = 20_000_000_000
    max_images_bytes: int = 50_000_000_000
    # Folders that every job may read, such as data sets.
    paths: tuple[str, ...] = ()
    max_gpu_watts: float | None = None

    def require(self, specification: Specification, *, starts: datetime, ends: datetime) -> None:
        """LeaseRejected, with the rule that forbids it, or nothing."""
        limits = specification.limits
        if self.paused:
            raise LeaseRejected(note("owner_paused"))
        if self.max_memory_bytes is not None and limits.memory_bytes > self.max_memory_bytes:
            raise LeaseRejected(note("owner_memory", limit=self.max_memory_bytes))
        if self.max_disk_bytes is not None and limits.disk_bytes > self.max_disk_bytes:
            raise LeaseRejected(note("owner_disk", limit=self.max_disk_bytes))
        if self.max_slot_hours is not None and ends - starts > timedelta(hours=self.max_slot_hours):
            raise LeaseRejected(note("owner_length", limit=f"{self.max_slot_hours:g}"))
        if specification.network not in self.networks:
            raise LeaseRejected(note("owner_network", network=specification.network))
        if specification.image is not None and not self._has_image(specification.image):
            raise LeaseRejected(note("owner_image", image=specification.image[:LONGEST]))
        if not self._covers(starts, ends):
            raise LeaseRejected(note("owner_hours"))

    def require_power(self, watts: float | None) -> None:
        """LeaseRejected where a held GPU may draw more than the owner allows; `watts`: its own limit."""
        if self.max_gpu_watts is not None and watts is not None and watts > self.max_gpu_watts:
            raise LeaseRejected(note("owner_power", limit=f"{self.max_gpu_watts:g}", actual=f"{watts:g}"))

    def reach(self, network: str) -> Rules | None:
        """What a job with this network may reach; None: nothing."""
        if network == "none":
            return None
        return Rules(hosts=self.network_list if network == "list" else None, blocked=self.blocked)

    def offers(self) -> dict[str, Any]:
        """What of these rules the site is told, so that nobody books what would be refused."""
        listed = [str(entry) for entry in self.network_list] if "list" in self.networks else []
        return {"networks": list(self.networks), "network_list": listed, "images": list(self.images)}

    def _has_image(self, text: str) -> bool:
        try:
            return Image.read(text).is_covered(self.images)
        except ValueError:
            return True  # said better by who reads it

    def _covers(self, starts: datetime, ends: datetime) -> bool:
        """Whether every minute from `starts` to `ends` lies in the owner's hours."""
        if self.hours is None:
            return True
        zone = ZoneInfo(self.time_zone)
        at = starts
        while at < ends:
            local = at.astimezone(zone)
            minute = local.hour * 60 + local.minute
            span = next((s for s in self.hours.get(local.weekday(), ()) if s[0] <= minute < s[1]), None)
            if span is None:
                return False
            # Steps in real time, so that a change of the clocks inside the slot is met as it comes.
            at += timedelta(minutes=max(1, min(span[1] - minute, 15)), seconds=-local.second)
        return True


def load(state: Path) -> Policy:
    """The owner's file, or no rules where there is none. A file with a mistake allows nothing."""
    path = state / POLICY_FILE
    try:
        raw = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return Policy()
    except (OSError, ValueError) as exc:
        raise StateError(f"{path} cannot be read: {exc}") from exc
    try:
        rules = _policy(raw)
        for shown in rules.paths:
            if state.resolve().is_relative_to(shown):
                raise ValueError(f"“{shown}” holds the agent’s own state, which no job may see")
        return rules
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as exc:
        raise StateError(f"{path}: {exc}") from exc


def _policy(raw: dict[str, Any]) -> Policy:
    if unknown := set(raw) - set(READERS):
        raise ValueError(f"unknown rule “{sorted(unknown)[0]}”")
    return Policy(**{name: READERS[name](name, value) for name, value in raw.items()})


def _truth(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} is true or false")
    return value


def _amount(name: str, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ValueError(f"{name} is a number above 0")
    return value


def _perhaps_none(name: str, value: Any) -> Any:
    return value if value == 0 and not isinstance(value, bool) else _amount(name, value)


def _zone(name: str, value: Any) -> str:
    ZoneInfo(value)
    return str(value)


def _texts(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError(f"{name} is a list of texts")
    return tuple(value)


def _networks(name: str, value: Any) -> tuple[str, ...]:
    for one in _texts(name, value):
        if one not in NETWORKS:
            raise ValueError(f"“{one}” is not a network; there are {', '.join(NETWORKS)}")
    return tuple(value)


def _entries(name: str, value: Any) -> tuple[Entry, ...]:
    return tuple(Entry.read(one) for one in _texts(name, value))


def _ranges(name: str, value: Any) -> tuple[Range, ...]:
    return tuple(ipaddress.ip_network(one) for one in _texts(name, value))


def _paths(name: str, value: Any) -> tuple[str, ...]:
    """Where links lead is where they lead now: a link that moves later shows nothing else."""
    found = []
    for one in _texts(name, value):
        real = os.path.realpath(one)
        if not one.startswith("/") or real in NEVER_SHOWN or not os.path.isdir(real):
            raise ValueError(f"“{one}” is not a folder that jobs may be shown")
        found.append(real)
    return tuple(found)


def _hours(name: str, raw: dict[str, list[str]]) -> dict[int, tuple[tuple[int, int], ...]]:
    hours = {}
    for day, spans in raw.items():
        if day not in DAYS:
            raise ValueError(f"“{day}” is not a day; days are written {DAYS[0]} to {DAYS[-1]}")
        hours[DAYS.index(day)] = tuple(_span(span) for span in spans)
    return hours


def _span(text: str) -> tuple[int, int]:
    match = SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f"“{text}” is not a span of hours such as 18:00-24:00")
    start, end = (int(match[i]) * 60 + int(match[i + 1]) for i in (1, 3))
    if not start < end <= 24 * 60:
        raise ValueError(f"“{text}” ends before it starts; write two spans to cross midnight")
    return start, end


READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "paused": _truth,
    "time_zone": _zone,
    "hours": _hours,
    "max_memory_bytes": _amount,
    "max_disk_bytes": _amount,
    "max_slot_hours": _amount,
    "max_gpu_watts": _amount,
    "max_image_bytes": _amount,
    "max_images_bytes": _perhaps_none,
    "networks": _networks,
    "network_list": _entries,
    "blocked": _ranges,
    "images": _texts,
    "paths": _paths,
}
