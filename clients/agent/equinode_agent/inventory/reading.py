"""What readers of other programs' output share: sizes with units, texts that say nothing, how to say no."""

from __future__ import annotations

import re

UNITS = {
    "": 1, "B": 1, "K": 1 << 10, "KB": 1 << 10, "KiB": 1 << 10, "M": 1 << 20, "MB": 1 << 20, "MiB": 1 << 20,
    "G": 1 << 30, "GB": 1 << 30, "GiB": 1 << 30, "T": 1 << 40, "TB": 1 << 40, "TiB": 1 << 40,
}  # fmt: skip
_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,6})?)\s*([A-Za-z]{0,3})")


class Unreadable(ValueError):
    """Why some output cannot be used: a whole sentence for the owner of the node."""


def size(text: str | None) -> int | None:
    """`81559 MiB`, `15.6G` or `16384 MB` in bytes; None for `N/A` and what else is no size."""
    found = _SIZE.fullmatch((text or "").strip())
    if found is None or found[2] not in UNITS:
        return None
    return int(float(found[1]) * UNITS[found[2]]) if "." in found[1] else int(found[1]) * UNITS[found[2]]


def whole(text: str | None) -> int | None:
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def told(text: str | None) -> str | None:
    """The text, unless the program wrote that it has nothing to say."""
    text = (text or "").strip()
    return None if text in ("", "-", "N/A", "[N/A]", "None", "Not Specified", "Unknown") else text
