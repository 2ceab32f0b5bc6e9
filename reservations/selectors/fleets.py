"""What several devices are called together."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from common import formats
from nodes.models import Device


def fleet(devices: Sequence[Device]) -> str:
    """`2 × H100 SXM5 80 GB`"""
    names = sorted(f"{device.model} {formats.memory(device.memory_bytes)}" for device in devices)
    return " + ".join(f"{len(list(same))} × {name}" for name, same in groupby(names))
