"""What an agent found on its machine, held against what its owner listed (docs/node-profile.md)."""

from __future__ import annotations

from nodes.domain.inventory.comparing import (
    ADOPTABLE,
    DEVICE_TOLERANCE,
    MEMORY_TOLERANCE,
    Difference,
    ListedDevice,
    ListedNode,
    differences,
)
from nodes.domain.inventory.found import MOST_BYTES, Found, FoundGpu, FoundInstance, read

__all__ = [
    "ADOPTABLE",
    "DEVICE_TOLERANCE",
    "MEMORY_TOLERANCE",
    "MOST_BYTES",
    "Difference",
    "Found",
    "FoundGpu",
    "FoundInstance",
    "ListedDevice",
    "ListedNode",
    "differences",
    "read",
]
