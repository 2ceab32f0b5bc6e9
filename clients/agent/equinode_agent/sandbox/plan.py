"""What a sandbox is to be: its limits, its user, and the file that launch.py reads."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from equinode_agent.network.rules import Rules
from equinode_agent.sandbox import bubblewrap, cgroups, processes, syscalls

# One user per slot, so that jobs side by side cannot signal or count each other.
# Above the people of a machine (1000-60000 on Debian), below systemd's dynamic users (61184).
JOB_UID = 60_600


@dataclass(frozen=True)
class Plan:
    """Everything is decided here; nothing is asked later."""

    owner: str
    name: str
    script: str
    environment: Mapping[str, str]
    memory_bytes: int
    processes: int
    disk_bytes: int
    device_files: Sequence[str]
    slot: int
    cpus: float | None = None
    # Folders of the machine that its owner shows to every job, to be read.
    paths: Sequence[str] = ()
    # What it may reach; None: no network.
    network: Rules | None = None
    # GPUs by the names that container engines and CUDA know them by.
    gpus: Sequence[str] = ()
    # The most that its image may take of the disk; None: nobody said.
    image_bytes: int | None = None
    # When it must be gone, on the agent's clock; None: nobody said.
    gone_at: float | None = None

    @property
    def uid(self) -> int | None:
        """Whom the job runs as outside; None: the agent's own user, who cannot change to another."""
        return JOB_UID + self.slot if os.geteuid() == 0 else None


def launch_plan(
    plan: Plan, folder: Path, *, gate: str, cgroup: cgroups.Cgroup | None, info_fd: int
) -> dict[str, Any]:
    limits: list[tuple[str, int]] = [
        ("RLIMIT_CORE", 0),
        ("RLIMIT_FSIZE", plan.disk_bytes),
        ("RLIMIT_NOFILE", 65536),
        ("RLIMIT_MEMLOCK", plan.memory_bytes),
        ("RLIMIT_NPROC", _most_tasks(plan, is_counted=cgroup is not None)),
    ]
    if cgroup is None:
        # A brake for one process between two samples; RLIMIT_AS would stop programs that only reserve.
        limits.append(("RLIMIT_DATA", 2 * plan.memory_bytes))
    calls = syscalls.program()
    return {
        "bwrap": bubblewrap.program(),
        "bwrap_arguments": bubblewrap.arguments(
            folder=folder,
            device_files=plan.device_files,
            paths=plan.paths,
            shared_memory_bytes=max(plan.memory_bytes // 2, 1 << 20),
            info_fd=info_fd,
        ),
        "command": ("/bin/sh", "-c", gate),
        "system_calls": None if calls is None else calls.hex(),
        "cgroup_procs": [] if cgroup is None else cgroup.procs_files,
        "rlimits": limits,
        "uid": plan.uid,
        "processors": None if cgroup is not None else _processors(plan),
        # The agent and the machine's own services die last.
        "oom_score_adj": 1000,
    }


def _processors(plan: Plan) -> list[int] | None:
    """Without a control group, this job's own share of the processors: another one's slot has others."""
    if plan.cpus is None:
        return None
    there = sorted(os.sched_getaffinity(0))
    share = min(math.ceil(plan.cpus), len(there))
    first = plan.slot * share
    return [there[(first + place) % len(there)] for place in range(share)]


def _most_tasks(plan: Plan, *, is_counted: bool) -> int:
    """Of the job's user, whoever else's they are; `is_counted`: a control group counts the job's alone."""
    now = processes.count_of_user(os.geteuid() if plan.uid is None else plan.uid)
    most = now + cgroups.OWN_PROCESSES + plan.processes
    # The group must be the first to refuse: it alone tells that the job wanted more than it may have.
    return most + plan.processes if is_counted else most
