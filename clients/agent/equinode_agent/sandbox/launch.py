"""Becomes bwrap: enters the job's control groups, takes its limits and user, then executes it.

Run as a program of its own (`python -I -S launch.py PLAN`), since a fork of an agent with threads
may not safely run Python. Uses the standard library only, and imports nothing of the agent.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
from typing import Any


def main(plan_path: str) -> None:
    with open(plan_path) as file:
        plan: dict[str, Any] = json.load(file)
    for procs in plan["cgroup_procs"]:
        with open(procs, "w") as file:
            file.write("0")
    # Raising one's own score is always allowed where /proc is whole.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write(str(plan["oom_score_adj"]))
    for name, wanted in plan["rlimits"]:
        number = getattr(resource, name)
        hard = resource.getrlimit(number)[1]
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(number, (value, value))
    if plan["processors"] is not None:
        os.sched_setaffinity(0, plan["processors"])
    os.umask(0o077)
    if plan["uid"] is not None:
        os.setgroups([])
        os.setresgid(plan["uid"], plan["uid"], plan["uid"])
        os.setresuid(plan["uid"], plan["uid"], plan["uid"])
    # Through memory: a command line, with the job's variables in it, could be read by anybody here.
    given = list(plan["bwrap_arguments"])
    if plan["system_calls"] is not None:
        given[:0] = ["--seccomp", str(_in_memory("system-calls", bytes.fromhex(plan["system_calls"])))]
    arguments = _in_memory("arguments", b"".join(argument.encode() + b"\0" for argument in given))
    os.execve(  # noqa: S606 - becoming bwrap is what this program is for
        plan["bwrap"], ["bwrap", "--args", str(arguments), "--", *plan["command"]], {"PATH": "/usr/bin:/bin"}
    )


def _in_memory(name: str, content: bytes) -> int:
    descriptor = os.memfd_create(name, 0)
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


if __name__ == "__main__":
    main(sys.argv[1])
