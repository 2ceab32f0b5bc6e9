"""The GPUs of this machine, as `nvidia-smi -q -x` tells them, and what a job needs to use one."""

from __future__ import annotations

import functools
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from typing import Any

from equinode_agent.errors import LeaseRejected
from equinode_agent.lease import Device
from equinode_agent.notes import note

ASK_SECONDS = 60.0
# Shared by all GPUs of a machine; the kernel driver keeps jobs apart behind them.
SHARED_FILES = ("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools")
UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def detect() -> tuple[list[dict[str, Any]], str | None]:
    """GPUs in the order nvidia-smi numbers them, and the driver's version; nothing without nvidia-smi."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return [], None
    try:
        told = subprocess.run([program, "-q", "-x"], capture_output=True, timeout=ASK_SECONDS, check=True)
        return read_xml(told.stdout)
    except (OSError, subprocess.SubprocessError, ElementTree.ParseError):
        return [], None


def read_xml(text: bytes) -> tuple[list[dict[str, Any]], str | None]:
    root = ElementTree.fromstring(text)  # noqa: S314 - printed by the driver's own program on this node
    found = []
    for index, gpu in enumerate(root.iter("gpu")):
        found.append(
            {
                "index": index,
                "model": _text(gpu, "product_name"),
                "uuid": _text(gpu, "uuid"),
                "minor": _whole(_text(gpu, "minor_number")),
                "memory_bytes": _bytes(_text(gpu, "fb_memory_usage/total")),
                "pci": gpu.get("id"),
                "mig": _text(gpu, "mig_mode/current_mig"),
                "power_limit_watts": _watts(gpu),
            }
        )
    return found, _text(root, "driver_version")


def _text(element: ElementTree.Element, path: str) -> str | None:
    found = element.findtext(path)
    return None if found is None or found.strip() in ("", "N/A") else found.strip()


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def _bytes(text: str | None) -> int | None:
    number, _, unit = (text or "").partition(" ")
    return int(number) * UNITS[unit] if number.isdigit() and unit in UNITS else None


def _watts(gpu: ElementTree.Element) -> float | None:
    # Renamed in driver 530.
    text = _text(gpu, "gpu_power_readings/current_power_limit") or _text(gpu, "power_readings/power_limit")
    number = (text or "").partition(" ")[0]
    try:
        return float(number)
    except ValueError:
        return None


@functools.cache
def _known() -> dict[int, dict[str, Any]]:
    return {gpu["index"]: gpu for gpu in detect()[0]}


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
