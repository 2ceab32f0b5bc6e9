"""What is listed of a node beside what its agent found, part by part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from common import formats
from nodes.domain.inventory import Difference, Found, FoundGpu, FoundInstance
from nodes.models import Device, Node


@dataclass(frozen=True)
class Row:
    """One thing that is listed, and what was found of it."""

    name: str
    listed: str
    found: str
    kind: str  # of its tag: good, warn, bad or none
    verdict: str


@dataclass(frozen=True)
class Fact:
    name: str
    value: str


def rows_of(
    node: Node, devices: Sequence[Device], found: Found, differences: Sequence[Difference]
) -> Iterator[Row]:
    codes = {one.code for one in differences}
    yield _row(_("Processor"), node.cpu_model, found.cpu_model or "", "cpu_model" in codes)
    cores = formats.number(found.cpu_cores) if found.cpu_cores else ""
    yield _row(
        _("Cores"), formats.number(node.cpu_cores), cores, "cpu_cores" in codes, is_more="more_cores" in codes
    )
    yield _row(
        _("Memory"), formats.memory(node.memory_bytes), _memory(found.memory_bytes), "memory" in codes,
        is_more="more_memory" in codes,
    )  # fmt: skip
    instances = [one for gpu in found.gpus or () if gpu.is_parted for one in gpu.instances]
    gpus = {gpu.index: gpu for gpu in found.gpus or ()}
    place = 0
    for device in devices:
        if device.kind == Device.Kind.HOST:
            continue
        there: FoundGpu | FoundInstance | None = gpus.get(device.index)
        if device.kind == Device.Kind.MIG:
            there, place = (instances[place] if place < len(instances) else None), place + 1
        differs = any(one.device == device.index for one in differences)
        yield _row(
            _("Device %(number)s") % {"number": device.index},
            f"{device.model}, {formats.memory(device.memory_bytes)}",
            f"{there.name or ''}, {_memory(there.memory_bytes)}".strip(", ") if there else "",
            differs,
        )


def _memory(count: int | None) -> str:
    return formats.memory(count) if count else ""


def _row(name: str, listed: str, found: str, differs: bool, *, is_more: bool = False) -> Row:
    if differs:
        return Row(name, listed, found or _("not found"), "bad", _("Differs"))
    if not found:
        return Row(name, listed, "", "", _("Not told"))
    return Row(name, listed, found, "good", _("More than listed") if is_more else _("As listed"))


def facts_of(found: Found) -> Iterator[Fact]:
    facts = (
        (_("Machine"), " ".join(one for one in (found.vendor, found.machine_model) if one)),
        (_("System"), found.system),
        (_("Kernel"), f"{found.kernel} {found.architecture}".strip()),
        (_("Threads"), formats.number(found.cpu_threads) if found.cpu_threads else ""),
        (_("Driver"), ", ".join(sorted({gpu.driver for gpu in found.gpus or () if gpu.driver}))),
        (_("Disks"), formats.size(found.disk_bytes) if found.disk_bytes else ""),
        (_("Runs jobs with"), ", ".join(version or name for name, version in found.runtimes)),
    )
    for name, value in facts:
        if value:
            yield Fact(name, value)
