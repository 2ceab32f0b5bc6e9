"""How busy this machine is, as each heartbeat tells it. Nothing here may hold up a heartbeat."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from equinode_agent.inventory import nvml

PROC = Path("/proc")
# A driver that hangs must not have a program started for it every ten seconds.
ASK_SECONDS = 8.0
QUERY = ("index", "temperature.gpu", "power.draw", "utilization.gpu", "memory.used")
NAMES = ("index", "temperature_c", "power_w", "utilisation_percent", "memory_used_bytes")
MIB = 1 << 20
MILLIWATTS = 1000.0

Gpu = dict[str, Any]


class Load:
    """Measured between one call of `told` and the next."""

    def __init__(
        self, folder: Path, *, proc: Path = PROC, gpus: Callable[[], list[Gpu]] | None = None
    ) -> None:
        self._folder, self._proc = folder, proc
        self._before: tuple[int, int] | None = None
        self._gpus = Beside(gpus or read_gpus)

    def told(self) -> dict[str, Any]:
        """Docs: docs/agent-protocol.md, "heartbeat". What cannot be read is left out."""
        found = {
            "cpu_percent": self._cpu_percent(),
            "memory_used_bytes": self._memory_used(),
            "disk_free_bytes": self._disk_free(),
            "gpus": self._gpus.latest(),
        }
        return {name: value for name, value in found.items() if value is not None}

    def _cpu_percent(self) -> float | None:
        """Of all processors together, since the call before; nothing at the first one."""
        times = _cpu_times(self._read("stat"))
        before, self._before = self._before, times
        if times is None or before is None or times[1] <= before[1]:
            return None
        return round(100 * min(1.0, max(0.0, (times[0] - before[0]) / (times[1] - before[1]))), 1)

    def _memory_used(self) -> int | None:
        lines = dict(line.partition(":")[::2] for line in self._read("meminfo").splitlines())
        try:
            total, available = (int(lines[name].split()[0]) for name in ("MemTotal", "MemAvailable"))
        except (KeyError, ValueError, IndexError):
            return None
        return max(0, total - available) * 1024

    def _disk_free(self) -> int | None:
        try:
            return shutil.disk_usage(self._folder).free
        except OSError:
            return None

    def _read(self, name: str) -> str:
        try:
            return (self._proc / name).read_text()
        except OSError:
            return ""


def _cpu_times(text: str) -> tuple[int, int] | None:
    """Busy and all ticks since the machine started."""
    first = text.partition("\n")[0].split()
    try:
        ticks = [int(number) for number in first[1:9]]  # guests' time is in the user's already
    except ValueError:
        return None
    if len(ticks) < 5 or first[0] != "cpu":
        return None
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)  # idle, and waiting for a disk


class Beside:
    """Asks in a thread of its own, one question at a time, and gives the newest answer at once."""

    def __init__(self, ask: Callable[[], list[Gpu]]) -> None:
        self._ask = ask
        self._answer: list[Gpu] | None = None
        self._asking: threading.Thread | None = None

    def latest(self) -> list[Gpu] | None:
        """The answer to a question before this one; None before the first, and where there is nothing."""
        if self._asking is None or not self._asking.is_alive():
            self._asking = threading.Thread(target=self._take, name="gpus", daemon=True)
            self._asking.start()
        return self._answer or None

    def _take(self) -> None:
        try:
            self._answer = self._ask()
        except Exception:  # what a driver does is no reason for a heartbeat to fail
            self._answer = None


def read_gpus() -> list[Gpu]:
    if (library := nvml.library()) is not None:
        found = of_nvml(library)
        if found:
            return found
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    options = [f"--query-gpu={','.join(QUERY)}", "--format=csv,noheader,nounits"]
    told = subprocess.run(
        [program, *options],
        capture_output=True,
        timeout=ASK_SECONDS,
        check=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    return of_csv(told.stdout.decode(errors="replace"))


def of_csv(text: str) -> list[Gpu]:
    """`0, 34, 72.31, 0, 4`: what a GPU does not know is `[N/A]` or the like, and is left out."""
    found = []
    for line in text.splitlines():
        values = [value.strip() for value in line.split(",")]
        if len(values) != len(NAMES) or not values[0].isdigit():
            continue
        told = {name: _number(value) for name, value in zip(NAMES, values, strict=True)}
        memory = told["memory_used_bytes"]
        gpu = {**told, "index": int(values[0])}
        gpu["memory_used_bytes"] = None if memory is None else int(memory * MIB)
        found.append({name: value for name, value in gpu.items() if value is not None})
    return found


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < 1e12 else None


def of_nvml(library: Any) -> list[Gpu]:
    try:
        library.nvmlInit()
    except library.NVMLError:
        return []
    try:
        return [_of_nvml(library, index) for index in range(library.nvmlDeviceGetCount())]
    except library.NVMLError:
        return []
    finally:
        library.nvmlShutdown()


def _of_nvml(library: Any, index: int) -> Gpu:
    handle = library.nvmlDeviceGetHandleByIndex(index)

    def known(ask: Callable[[], float]) -> float | None:
        try:
            return ask()
        except library.NVMLError:
            return None

    celsius = library.NVML_TEMPERATURE_GPU
    found = {
        "index": index,
        "temperature_c": known(lambda: float(library.nvmlDeviceGetTemperature(handle, celsius))),
        "power_w": known(lambda: round(library.nvmlDeviceGetPowerUsage(handle) / MILLIWATTS, 1)),
        "utilisation_percent": known(lambda: float(library.nvmlDeviceGetUtilizationRates(handle).gpu)),
        "memory_used_bytes": known(lambda: int(library.nvmlDeviceGetMemoryInfo(handle).used)),
    }
    return {name: value for name, value in found.items() if value is not None}
