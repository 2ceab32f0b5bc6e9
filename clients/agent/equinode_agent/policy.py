"""The owner's own rules, in a file on the node. They hold whatever the site signs."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from equinode_agent.errors import LeaseRejected, StateError
from equinode_agent.lease import Specification
from equinode_agent.notes import note

POLICY_FILE = "policy.toml"
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SPAN = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
KNOWN = {"paused", "time_zone", "hours", "max_memory_bytes", "max_disk_bytes", "max_slot_hours", "networks"}


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
        if not self._covers(starts, ends):
            raise LeaseRejected(note("owner_hours"))

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
        return _policy(raw)
    except (KeyError, TypeError, ValueError) as exc:
        raise StateError(f"{path}: {exc}") from exc


def _policy(raw: dict[str, Any]) -> Policy:
    if unknown := set(raw) - KNOWN:
        raise ValueError(f"unknown rule “{sorted(unknown)[0]}”")
    if not isinstance(raw.get("paused", False), bool):
        raise ValueError("paused is true or false")
    ZoneInfo(raw.get("time_zone", "UTC"))
    hours = raw.get("hours")
    return Policy(
        paused=raw.get("paused", False),
        hours=None if hours is None else _hours(hours),
        time_zone=raw.get("time_zone", "UTC"),
        max_memory_bytes=raw.get("max_memory_bytes"),
        max_disk_bytes=raw.get("max_disk_bytes"),
        max_slot_hours=raw.get("max_slot_hours"),
        networks=tuple(raw.get("networks", ("none",))),
    )


def _hours(raw: dict[str, list[str]]) -> dict[int, tuple[tuple[int, int], ...]]:
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
