"""NVIDIA GPUs as `nvidia-smi` tells them: `-q -x`, `-q`, `-L` and `--query-gpu=… --format=csv`."""

from __future__ import annotations

import csv
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from typing import Any

from equinode_agent.inventory.reading import Unreadable, size, told, whole

MOST = 64
Gpu = dict[str, Any]

_LISTED = re.compile(r"GPU ([0-9]{1,4}): (.+) \(UUID: (GPU-[0-9a-zA-Z-]+)\)")
_INSTANCE = re.compile(r"\s+MIG (\S+)\s+Device\s+([0-9]{1,4}): \(UUID: (MIG-[0-9a-zA-Z/-]+)\)")


def read_xml(text: bytes) -> list[Gpu]:
    """`nvidia-smi -q -x` of drivers old and new. MIG instances get their names from `with_instances`."""
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - printed by the driver's own program on this node
    except ElementTree.ParseError as exc:
        raise Unreadable(f"The output of nvidia-smi -q -x is no XML: {exc}.") from exc
    if root.tag != "nvidia_smi_log":
        raise Unreadable("This XML is not of nvidia-smi -q -x.")
    driver = _text(root, "driver_version")
    return _checked([_of_xml(index, gpu, driver) for index, gpu in enumerate(root.iter("gpu"))])


def _of_xml(index: int, gpu: ElementTree.Element, driver: str | None) -> Gpu:
    instances = [
        _instance(number, None, None, size(_text(one, "fb_memory_usage/total")))
        for number, one in enumerate(gpu.iterfind("mig_devices/mig_device"))
    ]
    # Renamed in driver 530.
    power = _text(gpu, "gpu_power_readings/current_power_limit") or _text(gpu, "power_readings/power_limit")
    return _gpu(
        index=index, uuid=_text(gpu, "uuid"), name=_text(gpu, "product_name"),
        memory=size(_text(gpu, "fb_memory_usage/total")), driver=driver,
        minor=whole(_text(gpu, "minor_number")), pci=told(gpu.get("id")),
        power=power, mig=_text(gpu, "mig_mode/current_mig"), instances=instances,
    )  # fmt: skip


def read_query(text: str) -> list[Gpu]:
    """`nvidia-smi -q`: the same as indented lines, where what is indented more belongs to the line above."""
    if "NVSMI LOG" not in text.partition("\n\n")[0]:
        raise Unreadable("This is no output of nvidia-smi -q: its first line is not “NVSMI LOG”.")
    driver: str | None = None
    gpus: list[tuple[str, list[tuple[tuple[str, ...], str]]]] = []
    for path, value in _leaves(text):
        if path == ("Driver Version",):
            driver = told(value)
        if path[0].startswith("GPU "):
            if not gpus or gpus[-1][0] != path[0]:
                gpus.append((path[0], []))
            gpus[-1][1].append((path[1:], value))
    return _checked([_of_query(index, bus, lines, driver) for index, (bus, lines) in enumerate(gpus)])


def _leaves(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each `name : value` with the names that it stands below."""
    above: list[tuple[int, str]] = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("="):
            continue
        depth = len(line) - len(line.lstrip())
        name, colon, value = line.strip().partition(" : ")
        above = [(indent, title) for indent, title in above if indent < depth]
        path = (*(title for _indent, title in above), name.strip())
        if colon:
            yield path, value.strip()
        else:
            above.append((depth, name))
            yield path, ""


def _of_query(index: int, bus: str, lines: list[tuple[tuple[str, ...], str]], driver: str | None) -> Gpu:
    own = dict(reversed([(path, value) for path, value in lines if path[:1] != ("MIG Device",)]))
    sizes = [
        value for path, value in lines
        if path[:1] == ("MIG Device",) and path[1:] in _SHARED_TOTAL
    ]  # fmt: skip
    power = next((own[path] for path in _POWER_LIMIT if path in own), None)
    return _gpu(
        index=index, uuid=told(own.get(("GPU UUID",))), name=told(own.get(("Product Name",))),
        memory=size(own.get(("FB Memory Usage", "Total"))), driver=driver,
        minor=whole(own.get(("Minor Number",))), pci=told(bus.partition(" ")[2]), power=power,
        mig=told(own.get(("MIG Mode", "Current"))),
        instances=[_instance(number, None, None, size(value)) for number, value in enumerate(sizes)],
    )  # fmt: skip


_POWER_LIMIT = (("GPU Power Readings", "Current Power Limit"), ("Power Readings", "Power Limit"))
_SHARED_TOTAL = {("Shared FB Memory Usage", "Total"), ("FB Memory Usage", "Total")}


def read_list(text: str) -> list[Gpu]:
    """`nvidia-smi -L`: names and UUIDs of GPUs and of their MIG instances, and nothing else."""
    gpus: list[Gpu] = []
    for line in text.splitlines():
        if found := _LISTED.fullmatch(line.strip()):
            gpus.append(_gpu(index=int(found[1]), uuid=found[3], name=found[2]))
        elif (found := _INSTANCE.fullmatch(line)) and gpus:
            mig = gpus[-1]["mig"] = gpus[-1]["mig"] or {"enabled": True, "instances": []}
            mig["instances"].append(_instance(int(found[2]), found[3], found[1], None))
        elif line.strip():
            raise Unreadable(f"This is no output of nvidia-smi -L: “{line.strip()[:60]}” names no GPU.")
    return _checked(gpus)


def read_csv(text: str) -> list[Gpu]:
    """`nvidia-smi --query-gpu=… --format=csv`, with the columns that it has."""
    rows = list(csv.reader(text.splitlines(), skipinitialspace=True))
    head = [name.partition(" [")[0].strip() for name in rows[0]] if rows else []
    if "name" not in head or "uuid" not in head:
        raise Unreadable("This table of nvidia-smi has no columns “name” and “uuid”.")
    if any(len(row) != len(head) for row in rows[1:]):
        raise Unreadable("A row of this table of nvidia-smi has more or fewer columns than its head.")
    return _checked([_of_row(index, dict(zip(head, row, strict=True))) for index, row in enumerate(rows[1:])])


def _of_row(index: int, row: Mapping[str, str]) -> Gpu:
    number = whole(row.get("index"))
    return _gpu(
        index=index if number is None else number, uuid=told(row["uuid"]), name=told(row["name"]),
        memory=size(row.get("memory.total")), driver=told(row.get("driver_version")),
        pci=told(row.get("pci.bus_id")), power=row.get("power.limit"),
        mig=told(row.get("mig.mode.current")),
    )  # fmt: skip


def with_instances(gpus: list[Gpu], listed: list[Gpu]) -> list[Gpu]:
    """The instances of `gpus` with the names and UUIDs that `-L` lists, in the same order."""
    known = {gpu["uuid"]: gpu["mig"] for gpu in listed}
    for gpu in gpus:
        named = (known.get(gpu["uuid"]) or {}).get("instances", [])
        if gpu["mig"] and len(named) == len(gpu["mig"]["instances"]):
            gpu["mig"]["instances"] = [
                {**one, "uuid": of["uuid"], "name": of["name"]}
                for one, of in zip(gpu["mig"]["instances"], named, strict=True)
            ]
    return gpus


def _gpu(
    *,
    index: int,
    uuid: str | None,
    name: str | None,
    memory: int | None = None,
    driver: str | None = None,
    minor: int | None = None,
    pci: str | None = None,
    power: str | None = None,
    mig: str | None = None,
    instances: list[dict[str, Any]] | None = None,
) -> Gpu:
    return {
        "index": index, "uuid": uuid, "name": name, "memory_bytes": memory, "driver": driver,
        "minor": minor, "pci": pci, "power_limit_watts": _watts(power),
        # None: a GPU that cannot be parted.
        "mig": {"enabled": mig == "Enabled", "instances": instances or []} if mig else None,
    }  # fmt: skip


def _instance(index: int, uuid: str | None, name: str | None, memory: int | None) -> dict[str, Any]:
    return {"index": index, "uuid": uuid, "name": name, "memory_bytes": memory}


def _checked(gpus: list[Gpu]) -> list[Gpu]:
    if len(gpus) > MOST:
        raise Unreadable(f"nvidia-smi lists {len(gpus)} GPUs; {MOST} is the most.")
    for gpu in gpus:
        if gpu["uuid"] is None or gpu["name"] is None:
            raise Unreadable(f"nvidia-smi tells no name or no UUID of GPU {gpu['index']}.")
    return gpus


def _text(element: ElementTree.Element, path: str) -> str | None:
    return told(element.findtext(path))


def _watts(text: str | None) -> float | None:
    try:
        return float((told(text) or "").partition(" ")[0])
    except ValueError:
        return None
