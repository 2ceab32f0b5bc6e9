"""What a job sees: the arguments of bwrap, and nothing that runs it."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from equinode_agent.errors import SandboxError

# The user inside. Outside it is JOB_UID + slot where the agent is root, the agent's own user elsewhere.
INSIDE_UID = 1000
# What programs in /usr read from /etc. No host's users, secrets, names or network settings among them.
ETC = (
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/OpenCL/vendors",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/certs",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
)
STUBS = {
    "passwd": f"job:x:{INSIDE_UID}:{INSIDE_UID}:job:/work:/bin/sh\n",
    "group": f"job:x:{INSIDE_UID}:\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/work",
    "TMPDIR": "/tmp",  # noqa: S108 - the job's own /tmp, a folder of its scratch
    "LANG": "C.UTF-8",
    "USER": "job",
    # Or a job's prints would reach the browser only when it ends.
    "PYTHONUNBUFFERED": "1",
}


def program() -> str:
    found = shutil.which("bwrap")
    if found is None:
        raise SandboxError("bubblewrap is not installed here (the program bwrap).")
    return found


@functools.cache
def _knows_disable_userns(bwrap: str) -> bool:
    # Came with bubblewrap 0.8.
    shown = subprocess.run([bwrap, "--help"], capture_output=True, text=True, check=False)
    return "--disable-userns" in shown.stdout + shown.stderr


def arguments(
    *,
    folder: Path,
    device_files: Sequence[str],
    paths: Sequence[str],
    shared_memory_bytes: int,
    info_fd: int,
) -> list[str]:
    """`folder` holds work/, tmp/, etc/ and job.sh: with `paths`, all it gets of this machine's disk."""
    given = [
        "--unshare-user",
        "--unshare-ipc",
        "--unshare-pid",
        "--unshare-net",
        "--unshare-uts",
        "--unshare-cgroup-try",
        *(["--disable-userns"] if _knows_disable_userns(program()) else []),
        "--die-with-parent",
        "--new-session",
        *("--uid", str(INSIDE_UID), "--gid", str(INSIDE_UID), "--hostname", "node", "--cap-drop", "ALL"),
        *("--info-fd", str(info_fd)),
        *("--ro-bind", "/usr", "/usr"),
    ]
    given += _system_folders()
    for path in ETC:
        given += ["--ro-bind-try", path, path]
    for name in STUBS:
        given += ["--ro-bind", str(folder / "etc" / name), f"/etc/{name}"]
    given += ["--proc", "/proc", "--dev", "/dev"]
    given += ["--perms", "1777", "--size", str(shared_memory_bytes), "--tmpfs", "/dev/shm"]  # noqa: S108
    for path in device_files:
        given += ["--dev-bind-try", path, path]
    given += ["--remount-ro", "/dev"]
    given += ["--bind", str(folder / "tmp"), "/tmp", "--bind", str(folder / "work"), "/work"]  # noqa: S108
    for path in paths:
        given += ["--ro-bind", path, path]
    given += ["--ro-bind", str(folder / "job.sh"), "/job.sh", "--remount-ro", "/", "--chdir", "/work"]
    given.append("--clearenv")
    for variable, value in ENVIRONMENT.items():
        given += ["--setenv", variable, value]
    return given


def _system_folders() -> list[str]:
    """Where programs look beside /usr: links into it, or folders of their own on older systems."""
    given = []
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        place = Path("/", name)
        if place.is_symlink():
            given += ["--symlink", os.readlink(place), str(place)]
        elif place.is_dir():
            given += ["--ro-bind", str(place), str(place)]
    return given
