"""The GPUs of this machine, and what a job needs to use one."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from equinode_agent.errors import LeaseRejected
from equinode_agent.inventory import accelerators
from equinode_agent.lease import Device
from equinode_agent.notes import note

# Shared by all GPUs of a machine; the kernel driver keeps jobs apart behind them.
SHARED_FILES = ("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools")


def detect() -> list[dict[str, Any]]:
    """GPUs in the order that the driver numbers them, each with its MIG instances (docs/node-profile.md)."""
    return accelerators.detect().gpus


@functools.cache
def _known() -> dict[int, dict[str, Any]]:
    return {gpu["index"]: gpu for gpu in detect()}


def _held(devices: Sequence[Device]) -> list[dict[str, Any]]:
    held = []
    for device in devices:
        if device.kind == "host":
            continue
        gpu = _known().get(device.index) if device.kind == "gpu" else None
        if gpu is None:
            raise LeaseRejected(note("no_device", kind=device.kind, index=device.index, model=device.model))
        held.append(gpu)
    return held


def device_files(devices: Sequence[Device]) -> tuple[str, ...]:
    """The device files of the held GPUs and no others."""
    minors = [gpu["index"] if gpu["minor"] is None else gpu["minor"] for gpu in _held(devices)]
    return (*(f"/dev/nvidia{minor}" for minor in minors), *SHARED_FILES) if minors else ()


def environment(devices: Sequence[Device]) -> dict[str, str]:
    """By UUID, since CUDA's own numbers depend on what else it can see."""
    held = _held(devices)
    if not held:
        return {}
    return {"CUDA_VISIBLE_DEVICES": ",".join(str(gpu["uuid"]) for gpu in held)}


def names(devices: Sequence[Device]) -> tuple[str, ...]:
    """UUIDs of the held GPUs: what container engines and the driver's programs know them by."""
    return tuple(str(gpu["uuid"]) for gpu in _held(devices))


def most_watts(devices: Sequence[Device]) -> float | None:
    """The highest power limit among the held GPUs; None: none is held, or none tells its limit."""
    limits = [gpu.get("power_limit_watts") for gpu in _held(devices)]
    return max((float(limit) for limit in limits if limit is not None), default=None)
