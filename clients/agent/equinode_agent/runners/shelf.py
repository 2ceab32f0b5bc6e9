"""The images that this agent fetched: what they take, when each was last used, and which go first."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from equinode_agent import disk

FILE = "images.json"
_lock = threading.Lock()
# What leases of this agent wait for or run in, as often as they do: none of these goes.
_pinned: Counter[str] = Counter()


def put(state: Path, engine: str, image: str, size: int) -> None:
    _change(state, lambda kept: kept.update({f"{engine} {image}": {"size": size, "used_at": time.time()}}))


def used(state: Path, engine: str, image: str) -> None:
    """One that was here before this agent is its owner's, and is not listed."""

    def touch(kept: dict[str, Any]) -> None:
        if (found := kept.get(f"{engine} {image}")) is not None:
            found["used_at"] = time.time()

    _change(state, touch)


def pin(engine: str, image: str) -> None:
    with _lock:
        _pinned[f"{engine} {image}"] += 1


def unpin(engine: str, image: str) -> None:
    with _lock:
        _pinned[f"{engine} {image}"] -= 1


def make_room(state: Path, most_bytes: int, *, drop: Callable[[str, str], bool]) -> None:
    """Remove those not used for longest until the others fit; `drop` says whether one is gone."""
    with _lock:
        kept = _read(state)
        total = sum(one["size"] for one in kept.values())
        for name in sorted(kept, key=lambda name: float(kept[name]["used_at"])):
            if total <= most_bytes:
                break
            engine, _, image = name.partition(" ")
            if _pinned[name] > 0:
                continue
            if drop(engine, image):
                total -= kept.pop(name)["size"]
        _write(state, kept)


def _change(state: Path, change: Callable[[dict[str, Any]], None]) -> None:
    with _lock:
        kept = _read(state)
        change(kept)
        _write(state, kept)


def _read(state: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((state / FILE).read_text()))
    except (OSError, ValueError):
        return {}


def _write(state: Path, kept: dict[str, Any]) -> None:
    disk.write_json(state / FILE, kept, durable=False)
