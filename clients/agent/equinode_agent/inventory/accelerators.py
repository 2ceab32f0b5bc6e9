"""The GPUs of this machine: through NVML, else through nvidia-smi. Never silently none."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from equinode_agent.inventory import nvidia, nvml
from equinode_agent.inventory.nvidia import Gpu
from equinode_agent.inventory.reading import Unreadable

ASK_SECONDS = 60.0
NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")


@dataclass(frozen=True)
class Accelerators:
    gpus: list[Gpu] = field(default_factory=list)
    told_by: str | None = None  # nvml, nvidia-smi; None where there is nobody to ask
    faults: tuple[str, ...] = ()  # why somebody who was asked did not answer


def detect() -> Accelerators:
    """In the order that the driver numbers them."""
    faults: list[str] = []
    if (library := nvml.library()) is not None:
        try:
            return Accelerators(nvml.read(library), "nvml")
        except Unreadable as exc:
            faults.append(str(exc))
    if (program := shutil.which("nvidia-smi")) is not None:
        try:
            return Accelerators(_of_nvidia_smi(program), "nvidia-smi", tuple(faults))
        except Unreadable as exc:
            faults.append(str(exc))
    elif NVIDIA_DRIVER.exists():
        faults.append("An NVIDIA driver is loaded, and neither NVML nor nvidia-smi is there to ask.")
    # A library alone, without driver and program, is a machine without GPUs and no fault.
    return Accelerators(faults=tuple(faults) if program or NVIDIA_DRIVER.exists() else ())


def _of_nvidia_smi(program: str) -> list[Gpu]:
    gpus = nvidia.read_xml(_said([program, "-q", "-x"]))
    if any(gpu["mig"] and gpu["mig"]["instances"] for gpu in gpus):
        listed = nvidia.read_list(_said([program, "-L"]).decode(errors="replace"))
        gpus = nvidia.with_instances(gpus, listed)
    return gpus


def _said(command: list[str]) -> bytes:
    try:
        return subprocess.run(command, capture_output=True, timeout=ASK_SECONDS, check=True).stdout
    except (OSError, subprocess.SubprocessError) as exc:
        raise Unreadable(f"nvidia-smi does not answer: {exc}") from exc
