"""Who built the machine, its model and its memory modules, as its firmware tells them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from equinode_agent.inventory.reading import Unreadable, size, told

DMI = Path("/sys/class/dmi/id")
_HANDLE = re.compile(r"^Handle 0x[0-9A-Fa-f]+, DMI type ([0-9]+), .*$", re.MULTILINE)
_SYSTEM, _MEMORY = "1", "17"  # DMI types
LONGEST = 120


def detect(folder: Path = DMI) -> dict[str, Any] | None:
    """None on machines whose firmware tells neither, as many virtual ones and ARM boards."""
    found = {"vendor": _line(folder / "sys_vendor"), "model": _line(folder / "product_name")}
    return found if any(found.values()) else None


def _line(path: Path) -> str | None:
    try:
        return told(path.read_text(errors="replace")[:LONGEST])
    except OSError:
        return None


def read_dmidecode(text: str) -> dict[str, Any]:
    """Vendor, model, and the bytes of all memory modules."""
    parts = _HANDLE.split(text)  # what is before, then type and body in turn
    if len(parts) < 3:
        raise Unreadable("This is no output of dmidecode: it has no line “Handle …, DMI type …”.")
    systems = [_members(body) for kind, body in zip(parts[1::2], parts[2::2], strict=True) if kind == _SYSTEM]
    if not systems:
        raise Unreadable("This output of dmidecode has no “System Information”.")
    modules = [_members(body) for kind, body in zip(parts[1::2], parts[2::2], strict=True) if kind == _MEMORY]
    return {
        "vendor": told(systems[0].get("Manufacturer")),
        "model": told(systems[0].get("Product Name")),
        "memory_bytes": sum(size(module.get("Size")) or 0 for module in modules) or None,
    }


def _members(body: str) -> dict[str, str]:
    lines = (line.partition(":") for line in body.splitlines() if line.startswith("\t"))
    return {name.strip(): value.strip() for name, colon, value in lines if colon}
