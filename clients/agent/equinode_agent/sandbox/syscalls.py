"""System calls a job does not get: parts of the kernel that computing does not need and breaks often.

A classic BPF program (seccomp(2)) put together by hand: it is a list to walk, and saves a dependency.
"""

from __future__ import annotations

import errno
import platform
import struct
from dataclasses import dataclass

# Kernel keyrings, performance counters, BPF, user-space paging, io_uring: each had faults that gave
# root away, and none is needed to compute. Programs take "not implemented" for an older kernel.
REFUSED = (
    "add_key",
    "request_key",
    "keyctl",
    "perf_event_open",
    "bpf",
    "userfaultfd",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
)
# Offsets in struct seccomp_data (linux/seccomp.h); codes of linux/bpf_common.h.
NUMBER, ARCHITECTURE = 0, 4
LOAD, IF_EQUAL, IF_AT_LEAST, ANSWER = 0x20, 0x15, 0x35, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.ENOSYS
# x86-64 has a second set of numbers for the same calls from here on (asm/unistd.h).
X32 = 0x40000000


@dataclass(frozen=True)
class _Machine:
    audit: int  # AUDIT_ARCH_* of linux/audit.h
    numbers: tuple[int, ...]  # of REFUSED, in its order


# arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h of Linux.
MACHINES = {
    "x86_64": _Machine(0xC000003E, (248, 249, 250, 298, 321, 323, 425, 426, 427)),
    "aarch64": _Machine(0xC00000B7, (217, 218, 219, 241, 280, 282, 425, 426, 427)),
}


def program() -> bytes | None:
    """The filter for this machine; None where its numbers are not known here."""
    machine = MACHINES.get(platform.machine())
    if machine is None:
        return None
    # Each test jumps to the refusal, which is the last line, right after the line that allows.
    tests = [(IF_AT_LEAST, X32)] if platform.machine() == "x86_64" else []
    tests += [(IF_EQUAL, number) for number in machine.numbers]
    lines = [
        _line(LOAD, ARCHITECTURE),
        # Another architecture's numbers mean other calls: refuse them all.
        _line(IF_EQUAL, machine.audit, no=len(tests) + 2),
        _line(LOAD, NUMBER),
    ]
    lines += [_line(code, value, yes=len(tests) - place) for place, (code, value) in enumerate(tests)]
    return b"".join([*lines, _line(ANSWER, ALLOW), _line(ANSWER, REFUSE)])


def _line(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    """One struct sock_filter; `yes` and `no` are how many lines to skip."""
    return struct.pack("=HBBI", code, yes, no, value)
