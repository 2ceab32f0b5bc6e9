"""What a container is to be: the options of `podman create` and `docker create`, and why each is there."""

from __future__ import annotations

import json
import math
import resource
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from equinode_agent import clock
from equinode_agent.runners.engine import LABEL, Engine
from equinode_agent.runners.images import Image
from equinode_agent.sandbox import bubblewrap, syscalls
from equinode_agent.sandbox.gate import SHELL
from equinode_agent.sandbox.plan import Plan

# Where distributions keep the profile that podman starts from.
PROFILES = (Path("/etc/containers/seccomp.json"), Path("/usr/share/containers/seccomp.json"))
CDI_FOLDERS = (Path("/etc/cdi"), Path("/var/run/cdi"))
NVIDIA = "nvidia.com/gpu"
# After the agent's own SIGKILL: the engine's is for an agent that cannot send one.
LATER_SECONDS = 10


def create(
    plan: Plan,
    *,
    engine: Engine,
    image: Image,
    about: Mapping[str, Any],
    name: str,
    folder: Path,
    script: str,
) -> list[str]:
    """The arguments that follow the engine's name: it makes the container, and runs nothing."""
    given = ["create", "--interactive", "--name", name, "--label", f"{LABEL}={plan.owner}", "--pull", "never"]
    given += _confinement(plan, engine, folder)
    given += _limits(plan, engine)
    given += _places(plan, engine, about, folder)
    given += _devices(plan, engine)
    for variable, value in bubblewrap.ENVIRONMENT.items():
        if variable != "PATH":  # the image knows where its programs are
            given += ["--env", f"{variable}={value}"]
    # An image may ask NVIDIA's hook for every GPU of the machine; this answer comes after its own.
    given += ["--env", "NVIDIA_VISIBLE_DEVICES=void"]
    return [*given, "--entrypoint", SHELL, str(image), "-c", script]


def _confinement(plan: Plan, engine: Engine, folder: Path) -> list[str]:
    given = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
    given += ["--network", "none", "--ipc", "private", "--hostname", "node", "--no-healthcheck"]
    given += ["--log-driver", "none"]  # what a job prints lies on no disk but in the agent's journal
    given += ["--workdir", "/work"]
    if plan.uid is not None:
        given += ["--user", f"{plan.uid}:{plan.uid}"]
    elif engine.is_podman:
        given += ["--userns", f"keep-id:uid={bubblewrap.INSIDE_UID},gid={bubblewrap.INSIDE_UID}"]
        given += ["--user", f"{bubblewrap.INSIDE_UID}:{bubblewrap.INSIDE_UID}"]
    if engine.is_podman:
        # Neither memory that nobody counts, nor the host's proxies, names and resolvers.
        given += ["--read-only-tmpfs=false", "--http-proxy=false", "--no-hosts", "--systemd", "false"]
        given += ["--image-volume", "ignore"]
        if (profile := folder / "system-calls.json").exists():
            given += ["--security-opt", f"seccomp={profile}"]
    return given


def _limits(plan: Plan, engine: Engine) -> list[str]:
    given = ["--memory", str(plan.memory_bytes), "--memory-swap", str(plan.memory_bytes)]
    given += ["--shm-size", str(max(plan.memory_bytes // 2, 1 << 20))]
    # The shell that reads the variables is a process of the container too.
    given += ["--pids-limit", str(plan.processes + 1)]
    if plan.cpus is not None:
        given += ["--cpus", f"{max(plan.cpus, 0.01):.2f}"]
    files = min(65536, _hard(resource.RLIMIT_NOFILE))
    # Of a user on the whole machine, so this only bounds what a group does not count.
    tasks = min(max(4096, 2 * plan.processes), _hard(resource.RLIMIT_NPROC))
    given += ["--ulimit", f"nofile={files}:{files}", "--ulimit", f"nproc={tasks}:{tasks}"]
    given += ["--ulimit", f"fsize={plan.disk_bytes}:{plan.disk_bytes}", "--ulimit", "core=0:0"]
    if engine.is_podman and plan.gone_at is not None:
        given += ["--timeout", str(max(1, math.ceil(plan.gone_at - clock.now()) + LATER_SECONDS))]
    return given


def _places(plan: Plan, engine: Engine, about: Mapping[str, Any], folder: Path) -> list[str]:
    """Z: a label of their own, where SELinux keeps containers apart."""
    given = ["--volume", f"{folder / 'work'}:/work:Z", "--volume", f"{folder / 'tmp'}:/tmp:Z"]
    given += ["--volume", f"{folder / 'job.sh'}:/job.sh:ro,Z"]
    for path in plan.paths:
        given += ["--volume", f"{path}:{path}:ro"]
    if not engine.is_podman:
        # docker makes a writable volume, which no limit counts, wherever an image declares one.
        for path in sorted((about.get("Config") or {}).get("Volumes") or {}):
            if path not in ("/work", "/tmp"):  # noqa: S108 - inside the container
                given += ["--tmpfs", f"{path}:ro,size=64k"]
    return given


def _devices(plan: Plan, engine: Engine) -> list[str]:
    """By CDI where there is a specification, which brings the driver's libraries; else the bare files."""
    if not plan.gpus:
        return []
    if engine.is_podman and _has_cdi():
        return [word for gpu in plan.gpus for word in ("--device", f"{NVIDIA}={gpu}")]
    if not engine.is_podman:
        return ["--gpus", f'"device={",".join(plan.gpus)}"']
    return [word for path in plan.device_files if Path(path).exists() for word in ("--device", path)]


def _has_cdi() -> bool:
    files = (path for folder in CDI_FOLDERS if folder.is_dir() for path in folder.iterdir())
    return any(path.suffix in (".json", ".yaml", ".yml") and NVIDIA in path.read_text() for path in files)


def _hard(limit: int) -> int:
    hard = resource.getrlimit(limit)[1]
    return 1 << 20 if hard == resource.RLIM_INFINITY else hard


def system_calls() -> dict[str, Any] | None:
    """The distribution's profile for containers without the calls that no job gets; None: it has none."""
    for path in PROFILES:
        if path.exists():
            return without_refused(json.loads(path.read_text()))
    return None


def without_refused(profile: Mapping[str, Any]) -> dict[str, Any]:
    """The same profile, allowing none of syscalls.REFUSED: what it does not name is refused."""
    refused = set(syscalls.REFUSED)
    kept = []
    for rule in profile.get("syscalls", []):
        names = [name for name in rule["names"] if rule["action"] != "SCMP_ACT_ALLOW" or name not in refused]
        if names:
            kept.append({**rule, "names": names})
    return {**profile, "syscalls": kept}
