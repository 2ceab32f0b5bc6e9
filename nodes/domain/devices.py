"""When two devices are the same to a researcher."""

from __future__ import annotations

import re

GIB = 1024**3
LONGEST_WORDS = 80  # with the memory behind it, within the column's 90


def model_key(model: str, memory_bytes: int) -> str:
    """A slug of model and memory: `h100-sxm5-80`."""
    words = re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-")
    return f"{words[:LONGEST_WORDS]}-{round(memory_bytes / GIB)}"
