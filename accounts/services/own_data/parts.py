"""The part that one app has in a person's data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from accounts.models import User
from accounts.selectors.own_data import Sections


@dataclass(frozen=True)
class Stop:
    """What stands in the way of deleting an account, and the page where it can be cleared."""

    message: str
    url: str


@dataclass(frozen=True)
class Part:
    """`lock` comes first, from the uppermost app down: project, grants, cells, devices, then people.

    `goes` and `stays` are sentences for the person who decides; `erase` keeps its word on both.
    """

    app: str
    sections: Callable[[User], Sections]
    goes: Callable[[User], list[str]]
    stays: Callable[[User], list[str]]
    lock: Callable[[User], None]
    stops: Callable[[User, datetime], list[Stop]]
    erase: Callable[[User, datetime], None]


_parts: dict[str, Part] = {}


def register(part: Part) -> None:
    """Called by an app's `ready`: lower apps are ready first."""
    _parts[part.app] = part


def from_below() -> list[Part]:
    return list(_parts.values())


def from_above() -> list[Part]:
    return list(reversed(_parts.values()))
