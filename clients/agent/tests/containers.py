"""Containers for tests: podman with a store, a runtime and a registry that are nobody else's."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from image_registry import Registry


def why_none() -> str:
    """Empty where podman can run what a test brings: asks the programs alone, not the agent's code."""
    for program, package in (("podman", "podman"), ("busybox", "busybox-static")):
        if shutil.which(program) is None:
            return f"{package} is not installed: no container was run"
    if os.geteuid() != 0:
        return "containers of an ordinary user are not tried: no container was run"
    dynamic = subprocess.run(["ldd", _busybox()], capture_output=True, check=False)
    return "busybox is not static (busybox-static): no container was run" if dynamic.returncode == 0 else ""


def _busybox() -> str:
    return os.path.realpath(shutil.which("busybox") or "/bin/busybox")


@contextlib.contextmanager
def registry() -> Iterator[Registry]:
    """A registry, and an environment in which podman takes it and keeps what it has to itself."""
    folder = Path(tempfile.mkdtemp(prefix="equinode-podman-", dir="/var/tmp"))
    found = Registry(Path(_busybox()))
    files = {
        # crun will not start where both kinds of control groups are mounted, as on this project's CI.
        "CONTAINERS_CONF": '[engine]\nruntime = "runc"\n' if shutil.which("runc") else "",
        "CONTAINERS_REGISTRIES_CONF": f'[[registry]]\nlocation = "{found.address}"\ninsecure = true\n',
        "CONTAINERS_STORAGE_CONF": (
            f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n'
        ),
    }
    usual = {name: os.environ.get(name) for name in files}
    for name, text in files.items():
        (folder / f"{name}.conf").write_text(text)
        os.environ[name] = str(folder / f"{name}.conf")
    try:
        yield found
    finally:
        found.close()
        for name, value in usual.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
        subprocess.run(["umount", "--lazy", folder / "graph" / "overlay"], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)
