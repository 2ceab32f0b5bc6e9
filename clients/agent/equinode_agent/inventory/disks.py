"""The disks: as the kernel lists them, and as `nvme list -o json` does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from equinode_agent.inventory.reading import Unreadable

BLOCK = Path("/sys/block")
SECTOR = 512  # /sys/block/*/size counts these, whatever the disk's own sectors are
NO_DISKS = ("loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd")
MOST = 256


def detect(block: Path = BLOCK) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for disk in sorted(block.glob("*")):
        size = _read(disk / "size")
        if disk.name.startswith(NO_DISKS) or not size.isdigit() or size == "0":
            continue
        found.append(
            {
                "name": disk.name,
                "bytes": int(size) * SECTOR,
                "rotational": _read(disk / "queue/rotational") == "1",
                "model": _read(disk / "device/model"),
            }
        )
    return found[:MOST]


def read_nvme(text: str) -> list[dict[str, Any]]:
    try:
        listed = json.loads(text)["Devices"]
        return [
            {
                "name": str(one["DevicePath"]).removeprefix("/dev/"),
                "bytes": int(one["PhysicalSize"]),
                "rotational": False,
                "model": str(one["ModelNumber"]).strip(),
            }
            for one in listed
        ]
    except (ValueError, KeyError, TypeError, RecursionError) as exc:
        raise Unreadable("This is no output of `nvme list -o json`: it lists no devices.") from exc


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
