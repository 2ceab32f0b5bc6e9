"""The conformance job: what a node's sandbox lets a job see and do, and how fast it is there.

Stands alone: it is sent to nodes as text, runs in their sandbox as any job does, with nothing but the Python
that is there (3.7 or newer), and leaves report.json. docs/node-profile.md says what is made of that.
"""

from __future__ import annotations

import glob
import importlib
import json
import os
import platform
import socket
import sys
import time
from typing import Any, Callable  # noqa: UP035 - where Python is old

MIB = 1 << 20
LONG_ENOUGH = 1.0  # seconds that each figure is measured for
MOST_ROUNDS = 50
METADATA = ("169.254.169.254", 80)  # where clouds tell secrets to whoever asks
# Nothing below a folder that an owner may show to jobs, such as /srv/datasets.
PRIVATE = (
    "/root", "/etc/shadow", "/etc/ssh", "/home/*/.*", "/var/log", "/var/lib/equinode-agent", "/run", "/boot",
)  # fmt: skip
SYSTEM = ("/", "/usr", "/etc", "/dev", "/bin")


# --- what a job sees --------------------------------------------------------------------------------------
def seen() -> dict[str, Any]:
    return {
        "uid": os.getuid(),
        "processes": len([name for name in os.listdir("/proc") if name.isdigit()]),
        "interfaces": interfaces(),
        "reaches_metadata": reaches(METADATA),
        "readable": [path for pattern in PRIVATE for path in glob.glob(pattern) if is_readable(path)][:20],
        "writable": [folder for folder in SYSTEM if is_writable(folder)],
        "gpu_files": sorted(
            name for name in os.listdir("/dev") if name.startswith("nvidia") and name[6:].isdigit()
        ),
        "cpus": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
    }


def interfaces() -> list[str]:
    with open("/proc/net/dev") as listed:
        names = [line.partition(":")[0].strip() for line in listed if ":" in line]
    return sorted(name for name in names if name != "lo")


def reaches(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=2).close()
    except OSError:
        return False
    return True


def is_readable(path: str) -> bool:
    """Whether anything of it can be read: an empty folder tells nothing."""
    try:
        if os.path.isdir(path):
            return bool(os.listdir(path))
        with open(path, "rb") as file:
            return bool(file.read(1))
    except OSError:
        return False


def is_writable(folder: str) -> bool:
    path = os.path.join(folder, "equinode-conformance")
    try:
        with open(path, "wb"):
            pass
        os.unlink(path)
    except OSError:
        return False
    return True


# --- how fast it is -----------------------------------------------------------------------------------------
def rate(work: Callable[[], object], once: int) -> float:
    """The best of several rounds of `once` units each: what disturbs a round only makes it slower."""
    best, rounds, began = 0.0, 0, time.perf_counter()
    while rounds < 3 or (time.perf_counter() - began < LONG_ENOUGH and rounds < MOST_ROUNDS):
        started = time.perf_counter()
        work()
        best = max(best, once / max(time.perf_counter() - started, 1e-9))
        rounds += 1
    return best


def matrix() -> dict[str, Any]:
    """Multiplying square matrices: with NumPy where it is there, else as Python does it by itself."""
    try:
        numpy = importlib.import_module("numpy")
    except ImportError:
        return plain_matrix()
    size = 1024
    one = numpy.linspace(0.0, 1.0, size * size).reshape(size, size)
    return {
        "gflops": rate(lambda: one @ one, 2 * size**3) / 1e9,
        "precision": "fp64",
        "method": f"numpy {numpy.__version__}",
    }


def plain_matrix() -> dict[str, Any]:
    size = 96
    one = [[(row * column) % 7 / 7 for column in range(size)] for row in range(size)]
    columns = list(zip(*one))  # noqa: B905 - strict= came with Python 3.10

    def multiply() -> object:
        return [[sum(map(float.__mul__, row, column)) for column in columns] for row in one]

    return {
        "gflops": rate(multiply, 2 * size**3) / 1e9,
        "precision": "fp64",
        "method": f"python {platform.python_version()}",
    }


def memory() -> dict[str, Any]:
    """Copying: each byte is read once and written once."""
    source, target = bytearray(64 * MIB), bytearray(64 * MIB)

    def copy() -> None:
        target[:] = source

    return {"gbps": rate(copy, 2 * len(source)) / 1e9}


def disk() -> dict[str, Any]:
    """Writing to the job's own folder until it is on the disk."""
    block, blocks = os.urandom(MIB), 32

    def write() -> None:
        with open("block", "wb") as file:
            for _ in range(blocks):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        os.unlink("block")

    return {"mbps": rate(write, blocks * len(block)) / 1e6}


def gpus() -> list[dict[str, Any]] | dict[str, str]:
    """Each GPU that the job may use, where a library that computes on it is there."""
    try:
        torch = importlib.import_module("torch")
        return [of_torch(torch, index) for index in range(torch.cuda.device_count())]
    except Exception as exc:  # a library that is broken is none
        return {"missing": f"{type(exc).__name__}: {str(exc)[:200]}"}


def of_torch(torch: Any, index: int) -> dict[str, Any]:
    size, device = 8192, f"cuda:{index}"
    one = torch.rand(size, size, device=device)

    def multiply() -> None:
        torch.mm(one, one)
        torch.cuda.synchronize(device)

    multiply()  # the first one loads what it needs
    return {
        "index": index,
        "name": torch.cuda.get_device_name(index),
        "gflops": rate(multiply, 2 * size**3) / 1e9,
        "precision": "fp32",
        "method": f"torch {torch.__version__}",
    }


def main() -> None:
    report: dict[str, Any] = {"job": "1.0", "nonce": os.environ.get("EQUINODE_CHECK", ""), "seen": seen()}
    report["benchmark"] = {"matrix": matrix(), "memory": memory(), "disk": disk(), "gpus": gpus()}
    with open("report.json", "w") as file:
        json.dump(report, file)
    sys.stdout.write(f"Conformance job {report['nonce']}: done.\n")


if __name__ == "__main__":
    main()
