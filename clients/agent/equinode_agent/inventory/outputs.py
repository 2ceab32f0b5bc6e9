"""What somebody collected on a machine and brings as files: which program wrote it, and what it tells."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from equinode_agent.inventory import disks, machine, memory, nvidia, processors
from equinode_agent.inventory.reading import Unreadable

MOST_BYTES = 16 * 1024 * 1024
_COMMAND = re.compile(r"^\+ (.+)$", re.MULTILINE)  # as `sh -x` writes what it runs


def _member(name: str, read: Callable[[str], Any]) -> Callable[[str], dict[str, Any]]:
    return lambda text: {name: read(text)}


# What an output of that kind always has, and who reads it. The first that fits counts.
_KINDS: tuple[tuple[re.Pattern[str], Callable[[str], dict[str, Any]]], ...] = tuple(
    (re.compile(mark, re.MULTILINE), read)
    for mark, read in (
        (r"<nvidia_smi_log", _member("gpus", lambda text: nvidia.read_xml(text.encode()))),
        (r"^=+NVSMI LOG=+$", _member("gpus", nvidia.read_query)),
        (r"\AGPU [0-9]+: ", _member("gpus", nvidia.read_list)),
        (r"\A[^\n]*\bname, [^\n]*\buuid\b", _member("gpus", nvidia.read_csv)),
        (r"^\s*CPU\(s\):", _member("cpu", processors.read_lscpu)),
        (r"^processor\s*:", _member("cpu", processors.read_cpuinfo)),
        (r"^MemTotal:", _member("memory_bytes", memory.read_meminfo)),
        (r"^Total online memory:", _member("memory_bytes", memory.read_lsmem)),
        (r"^Handle 0x[0-9A-F]+, DMI type", _member("machine", machine.read_dmidecode)),
        (r'\A\s*\{\s*"Devices"', _member("disks", disks.read_nvme)),
    )
)
# What people mistake for one of them, and what to bring instead.
_NEARLY = (
    (re.compile(r"^\| NVIDIA-SMI ", re.MULTILINE), "a table for people. Bring nvidia-smi -q -x"),
    (re.compile(r"CPU Affinity"), "a topology. Bring nvidia-smi -q -x"),
)


def read(content: bytes) -> dict[str, Any]:
    """Members of an inventory. Raises Unreadable with a sentence where no program that we know wrote this."""
    if len(content) > MOST_BYTES:
        raise Unreadable(f"This is larger than {MOST_BYTES} bytes; no program that we know writes so much.")
    text = content.decode(errors="replace")
    if len(commands := _COMMAND.split(text)) > 1:
        return _transcript(commands)
    return _one(text)


def _one(text: str) -> dict[str, Any]:
    for mark, reader in _KINDS:
        if mark.search(text):
            return reader(text)
    for mark, what in _NEARLY:
        if mark.search(text):
            raise Unreadable(f"This is {what}.")
    raise Unreadable(f"No program that we know wrote this; it begins with “{_beginning(text)}”.")


def _beginning(text: str) -> str:
    return json.dumps(" ".join(text.split())[:40], ensure_ascii=False)[1:-1]


def _transcript(parts: list[str]) -> dict[str, Any]:
    """Commands, each with what it printed: all that can be read of them."""
    found: dict[str, Any] = {}
    for printed in parts[2::2]:
        try:
            found = _one(printed) | found
        except Unreadable:
            continue
    if not found:
        raise Unreadable("None of the commands in this transcript printed what we know.")
    return found
