"""Main memory: what the kernel gives out, and what is built in, where a program tells that."""

from __future__ import annotations

import re

from equinode_agent.inventory.reading import Unreadable, size

_MEM_TOTAL = re.compile(r"^MemTotal:\s+([0-9]+) kB$", re.MULTILINE)
_ONLINE = re.compile(r"^Total online memory:\s+(\S+)$", re.MULTILINE)


def read_meminfo(text: str) -> int:
    found = _MEM_TOTAL.search(text)
    if found is None:
        raise Unreadable("/proc/meminfo has no line “MemTotal”.")
    return int(found[1]) * 1024


def read_lsmem(text: str) -> int:
    found = _ONLINE.search(text)
    bytes_ = size(found[1]) if found else None
    if not bytes_:
        raise Unreadable("This is no output of lsmem: it has no line “Total online memory” with a size.")
    return bytes_
