"""NVIDIA GPUs as the driver's own library tells them, where the package nvidia-ml-py is installed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from equinode_agent.inventory.nvidia import Gpu
from equinode_agent.inventory.reading import Unreadable

MILLIWATTS = 1000.0


def library() -> Any | None:
    """The module, or None where it is not installed."""
    try:
        return importlib.import_module("pynvml")
    except ImportError:
        return None


def read(nvml: Any) -> list[Gpu]:
    """Raises Unreadable where the driver does not answer; what one GPU does not know is None."""
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as exc:
        raise Unreadable(f"NVML does not start: {exc}.") from exc
    try:
        driver = _plain(nvml.nvmlSystemGetDriverVersion())
        return [_gpu(nvml, index, driver) for index in range(nvml.nvmlDeviceGetCount())]
    except nvml.NVMLError as exc:
        raise Unreadable(f"NVML does not tell the GPUs of this machine: {exc}.") from exc
    finally:
        nvml.nvmlShutdown()


def _gpu(nvml: Any, index: int, driver: str) -> Gpu:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    power = _if_known(nvml, nvml.nvmlDeviceGetPowerManagementLimit, handle)
    pci = _if_known(nvml, nvml.nvmlDeviceGetPciInfo, handle)
    return {
        "index": index,
        "uuid": _plain(nvml.nvmlDeviceGetUUID(handle)),
        "name": _plain(nvml.nvmlDeviceGetName(handle)),
        "memory_bytes": int(nvml.nvmlDeviceGetMemoryInfo(handle).total),
        "driver": driver,
        "minor": _if_known(nvml, nvml.nvmlDeviceGetMinorNumber, handle),
        "pci": None if pci is None else _plain(pci.busId),
        "power_limit_watts": None if power is None else power / MILLIWATTS,
        "mig": _mig(nvml, handle),
    }


def _mig(nvml: Any, handle: Any) -> dict[str, Any] | None:
    mode = _if_known(nvml, nvml.nvmlDeviceGetMigMode, handle)
    if mode is None:
        return None
    enabled = mode[0] == 1  # NVML_DEVICE_MIG_ENABLE
    places = range(nvml.nvmlDeviceGetMaxMigDeviceCount(handle)) if enabled else ()
    found = [_if_known(nvml, nvml.nvmlDeviceGetMigDeviceHandleByIndex, handle, place) for place in places]
    instances = [_instance(nvml, number, one) for number, one in enumerate(one for one in found if one)]
    return {"enabled": enabled, "instances": instances}


def _instance(nvml: Any, number: int, handle: Any) -> dict[str, Any]:
    return {
        "index": number,
        "uuid": _plain(nvml.nvmlDeviceGetUUID(handle)),
        # "NVIDIA H100 80GB HBM3 MIG 1g.10gb"
        "name": _plain(nvml.nvmlDeviceGetName(handle)).rpartition("MIG ")[2],
        "memory_bytes": int(nvml.nvmlDeviceGetMemoryInfo(handle).total),
    }


def _if_known(nvml: Any, ask: Callable[..., Any], *arguments: Any) -> Any:
    """Old drivers and small GPUs do not know everything."""
    try:
        return ask(*arguments)
    except nvml.NVMLError:
        return None


def _plain(text: str | bytes) -> str:
    """Before version 11.515 of the package texts were bytes."""
    return text.decode(errors="replace") if isinstance(text, bytes) else text
