"""Control groups, version 1 or 2, where this agent may write them: hard limits and true sums."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
PREFIX = "equinode-box"
REMOVAL_SECONDS = 5.0
# bwrap itself and the sandbox's first process are in the group too.
OWN_PROCESSES = 2
V1_CONTROLLERS = ("memory", "pids", "cpu", "cpuacct")
# Microseconds over which the kernel shares out processors.
CPU_PERIOD = 100_000


class Group(ABC):
    """What a group of the kernel tells of the job in it."""

    kind: str

    @abstractmethod
    def peak_memory(self) -> int: ...

    @abstractmethod
    def cpu_seconds(self) -> float: ...

    @abstractmethod
    def ran_out_of_memory(self) -> bool: ...

    @abstractmethod
    def ran_out_of_processes(self) -> bool: ...


class Version1(Group):
    kind = "control groups, version 1"

    def __init__(self, at: Mapping[str, Path]) -> None:
        self._at = at

    def peak_memory(self) -> int:
        return int((self._at["memory"] / "memory.max_usage_in_bytes").read_text())

    def cpu_seconds(self) -> float:
        if "cpuacct" not in self._at:
            return 0.0
        return int((self._at["cpuacct"] / "cpuacct.usage").read_text()) / 1e9

    def ran_out_of_memory(self) -> bool:
        return _counter(self._at["memory"] / "memory.oom_control", "oom_kill") > 0

    def ran_out_of_processes(self) -> bool:
        return _counter(self._at["pids"] / "pids.events", "max") > 0


class Version2(Group):
    kind = "control group, version 2"

    def __init__(self, at: Path) -> None:
        self._folder = at

    def peak_memory(self) -> int:
        peak = self._folder / "memory.peak"  # Linux 5.19 and newer
        return int((peak if peak.exists() else self._folder / "memory.current").read_text())

    def cpu_seconds(self) -> float:
        return _counter(self._folder / "cpu.stat", "usage_usec") / 1e6

    def ran_out_of_memory(self) -> bool:
        return _counter(self._folder / "memory.events", "oom_kill") > 0

    def ran_out_of_processes(self) -> bool:
        return _counter(self._folder / "pids.events", "max") > 0


class Cgroup(Group):
    """One job's group. Made before the job, emptied and removed after it."""

    folders: list[Path]

    @property
    def procs_files(self) -> list[str]:
        return [str(folder / "cgroup.procs") for folder in self.folders]

    def kill(self) -> None:
        """Kill what is in the group until nothing is."""
        until = time.monotonic() + REMOVAL_SECONDS
        while time.monotonic() < until:
            pids = [pid for folder in self.folders for pid in _pids(folder)]
            if not pids:
                return
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)

    def remove(self) -> bool:
        """Whether the group is gone, and with it every process that was ever in it."""
        until = time.monotonic() + REMOVAL_SECONDS
        while self.folders and time.monotonic() < until:
            for folder in list(self.folders):
                with contextlib.suppress(OSError):
                    if folder.exists():
                        folder.rmdir()
                    self.folders.remove(folder)
            if self.folders:
                time.sleep(0.01)
        return not self.folders


class CgroupV1(Version1, Cgroup):
    def __init__(
        self,
        parents: Mapping[str, Path],
        name: str,
        *,
        memory_bytes: int,
        processes: int,
        cpus: float | None = None,
    ) -> None:
        self.folders = []
        super().__init__({controller: parent / name for controller, parent in parents.items()})
        # Two controllers may share one tree, under two names of it.
        for folder in {os.path.realpath(folder): folder for folder in self._at.values()}.values():
            folder.mkdir()
            self.folders.append(folder)
        memory = self._at["memory"]
        (memory / "memory.limit_in_bytes").write_text(str(memory_bytes))
        with contextlib.suppress(OSError):  # absent where the kernel does not account swap
            (memory / "memory.memsw.limit_in_bytes").write_text(str(memory_bytes))
        (self._at["pids"] / "pids.max").write_text(str(processes + OWN_PROCESSES))
        if cpus is not None and "cpu" in self._at:
            with contextlib.suppress(OSError):  # absent from kernels without bandwidth control
                (self._at["cpu"] / "cpu.cfs_period_us").write_text(str(CPU_PERIOD))
                (self._at["cpu"] / "cpu.cfs_quota_us").write_text(str(_quota(cpus)))


class CgroupV2(Version2, Cgroup):
    def __init__(
        self, parent: Path, name: str, *, memory_bytes: int, processes: int, cpus: float | None = None
    ) -> None:
        super().__init__(parent / name)
        self._folder.mkdir()
        self.folders = [self._folder]
        (self._folder / "memory.max").write_text(str(memory_bytes))
        with contextlib.suppress(OSError):  # absent where the kernel does not account swap
            (self._folder / "memory.swap.max").write_text("0")
        (self._folder / "pids.max").write_text(str(processes + OWN_PROCESSES))
        if cpus is not None:
            with contextlib.suppress(OSError):  # absent from kernels without bandwidth control
                (self._folder / "cpu.max").write_text(f"{_quota(cpus)} {CPU_PERIOD}")


def _quota(cpus: float) -> int:
    # The kernel takes no less than a thousandth of a second.
    return max(round(cpus * CPU_PERIOD), 1000)


def make(
    owner: str, name: str, *, memory_bytes: int, processes: int, cpus: float | None = None
) -> Cgroup | None:
    """A group for a job, or None where this agent may not make one: then rlimits and sampling must do.

    `owner` names this agent, since several may serve one machine and each sweeps up after itself.
    """
    name = f"{PREFIX}-{owner}-{name}"
    try:
        parents = _v1_parents()
        if "memory" in parents and "pids" in parents:
            return CgroupV1(parents, name, memory_bytes=memory_bytes, processes=processes, cpus=cpus)
        parent = _v2_parent()
        if parent is not None:
            return CgroupV2(parent, name, memory_bytes=memory_bytes, processes=processes, cpus=cpus)
    except OSError:
        _remove_left(name)
    return None


def sweep(owner: str) -> None:
    """Kill and remove the groups this agent left behind when it was killed."""
    _remove_left(f"{PREFIX}-{owner}-*")


def _remove_left(pattern: str) -> None:
    parents = [*_v1_parents().values()]
    if (v2 := _v2_parent(prepare=False)) is not None:
        parents.append(v2)
    for folder in [folder for parent in parents for folder in parent.glob(pattern)]:
        left = _Left(folder)
        left.kill()
        left.remove()


class _Left(Version1, Cgroup):
    def __init__(self, folder: Path) -> None:
        super().__init__({})
        self.folders = [folder]


def of_process(pid: int) -> Group | None:
    """The group that somebody else, such as a container engine, put a process into; None: not to be seen."""
    try:
        groups = _groups(pid)
    except OSError:
        return None
    at = {name: ROOT / name / groups[name].lstrip("/") for name in V1_CONTROLLERS if name in groups}
    if all(name in at and (at[name] / "cgroup.procs").exists() for name in ("memory", "pids")):
        return Version1(at)
    folder = ROOT / groups.get("", "/").lstrip("/")
    # The root group counts the whole machine.
    return Version2(folder) if folder != ROOT and (folder / "memory.events").exists() else None


def _own_groups() -> dict[str, str]:
    return _groups("self")


def _groups(pid: int | str) -> dict[str, str]:
    """Controller to path; the version 2 group has the empty name."""
    groups = {}
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _number, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            groups[controller] = path
    return groups


def _v1_parents() -> dict[str, Path]:
    own = _own_groups()
    found: dict[str, Path] = {}
    for controller in V1_CONTROLLERS:
        if controller not in own:
            continue
        # Below the agent's own group, so that limits on the agent hold for its jobs as well.
        folder = ROOT / controller / own[controller].lstrip("/")
        if not folder.is_dir():
            folder = ROOT / controller
        if (folder / "cgroup.procs").exists() and os.access(folder, os.W_OK):
            found[controller] = folder
    return found


def _v2_parent(*, prepare: bool = True) -> Path | None:
    own = _own_groups().get("")
    if own is None or not (ROOT / "cgroup.controllers").exists():
        return None
    folder = ROOT / own.lstrip("/")
    if folder.name == "agent":  # where this function put the agent
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        return None
    if prepare and not {"memory", "pids"} <= set((folder / "cgroup.subtree_control").read_text().split()):
        # A group with processes of its own may not share out controllers: move the agent into a leaf.
        leaf = folder / "agent"
        leaf.mkdir(exist_ok=True)
        for pid in _pids(folder):
            (leaf / "cgroup.procs").write_text(str(pid))
        (folder / "cgroup.subtree_control").write_text("+memory +pids +cpu")
    return folder


def _pids(folder: Path) -> list[int]:
    try:
        return [int(pid) for pid in (folder / "cgroup.procs").read_text().split()]
    except OSError:
        return []


def _counter(path: Path, name: str) -> int:
    for line in path.read_text().splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0
