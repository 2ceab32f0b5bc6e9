"""Node descriptions as Grid'5000's reference repository writes them, read into facts or refused.

The form: https://github.com/grid5000/reference-repository, data/grid5000/sites/*/clusters/*/nodes/*.json
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

# How NVIDIA names an instance: "NVIDIA A100-SXM4-40GB MIG 1g.5gb".
_MIG = re.compile(r"\bMIG \d+g\.\d+gb\b")
# Columns of nodes.Node and nodes.Device.
LONGEST = {"uid": 40, "chassis.manufacturer": 80, "chassis.name": 120, "cpu": 120, "model": 80}
MOST_CORES = 2**31 - 1
MOST_BYTES = 2**63 - 1
MOST_DEVICES = 64


@dataclass(frozen=True)
class DeviceFacts:
    index: int
    kind: str
    model: str
    memory_bytes: int


@dataclass(frozen=True)
class NodeFacts:
    slug: str
    name: str
    site: str
    vendor: str
    machine_model: str
    cpu_model: str
    cpu_cores: int
    memory_bytes: int
    devices: tuple[DeviceFacts, ...]


class Unusable(ValueError):
    """Why a file cannot be imported: a sentence that names the field, or the line."""


def read_node(text: str, *, site: str) -> NodeFacts:
    """The facts in one file about a node of this site."""
    node = _Described(_loaded(text))
    if node.text("type", 20) != "node":
        raise Unusable("type is not “node”")
    uid = node.text("uid", LONGEST["uid"])
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", uid):
        raise Unusable(f"uid is “{uid}”: lower-case letters, digits and single hyphens are allowed")
    memory = node.number("main_memory.ram_size", MOST_BYTES)
    cpu = _cpu_model(node)
    return NodeFacts(
        slug=f"{uid}-{site}",
        name=f"{uid}, {site.replace('-', ' ').title()}",
        site=site,
        vendor=node.text("chassis.manufacturer", LONGEST["chassis.manufacturer"]),
        machine_model=node.text("chassis.name", LONGEST["chassis.name"]),
        cpu_model=cpu,
        cpu_cores=node.number("architecture.nb_cores", MOST_CORES),
        memory_bytes=memory,
        devices=_devices(node) or (DeviceFacts(0, "host", cpu[: LONGEST["model"]], memory),),
    )


def _loaded(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as exc:
        raise Unusable(f"line {exc.lineno}, column {exc.colno} is not JSON: {exc.msg}") from exc
    except (ValueError, RecursionError) as exc:
        raise Unusable(f"this is not JSON: {exc}") from exc
    if not isinstance(data, dict):
        raise Unusable("the file does not hold one JSON object")
    return data


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


class _Described:
    """A JSON object whose members are asked for by dotted path, each with what it must be."""

    def __init__(self, data: dict[str, Any], under: str = "") -> None:
        self.data, self.under = data, under

    def get(self, path: str) -> Any:
        value: Any = self.data
        for name in path.split("."):
            if not isinstance(value, dict) or name not in value:
                raise Unusable(f"{self.under}{path} is missing")
            value = value[name]
        return value

    def text(self, path: str, longest: int) -> str:
        value = self.get(path)
        if not isinstance(value, str) or not value.strip():
            raise Unusable(f"{self.under}{path} is not a text")
        value = " ".join(value.split())
        if len(value) > longest or not value.isprintable():
            raise Unusable(f"{self.under}{path} is longer than {longest} printable characters")
        return value

    def number(self, path: str, most: int) -> int:
        value = self.get(path)
        # True is an int to Python and not to people.
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= most:
            raise Unusable(f"{self.under}{path} is not a whole number from 1 to {most}")
        return value


def _cpu_model(node: _Described) -> str:
    """Model and version; numbers such as 7413 are written without quotes, and some are unknown."""
    model = node.text("processor.model", LONGEST["cpu"])
    version = str(node.get("processor").get("version", "")).strip()
    name = model if version in ("", "Unknown", "None") else f"{model} {version}"
    if len(name) > LONGEST["cpu"] or not name.isprintable():
        raise Unusable(f"processor.version is longer than {LONGEST['cpu']} printable characters")
    return name


def _devices(node: _Described) -> tuple[DeviceFacts, ...]:
    """The GPUs that may be reserved, by their numbers; none for a node that is booked whole."""
    listed = node.data.get("gpu_devices") or {}
    if not isinstance(listed, dict) or len(listed) > MOST_DEVICES:
        raise Unusable(f"gpu_devices is not an object with up to {MOST_DEVICES} members")
    devices = [_device(name, described) for name, described in listed.items() if _is_offered(described)]
    if len({device.index for device in devices}) < len(devices):
        raise Unusable("gpu_devices has two members with the same number")
    return tuple(sorted(devices, key=lambda device: device.index))


def _is_offered(described: Any) -> bool:
    """`"reservation": false` marks a GPU that is in the machine and not given out."""
    return not (isinstance(described, dict) and described.get("reservation") is False)


def _device(name: str, described: Any) -> DeviceFacts:
    number = re.fullmatch(r"[a-z]+(\d{1,4})", name)
    if number is None:
        raise Unusable(f"gpu_devices.{name} is not named like nvidia0 or card0")
    if not isinstance(described, dict):
        raise Unusable(f"gpu_devices.{name} is not an object")
    gpu = _Described(described, under=f"gpu_devices.{name}.")
    model = gpu.text("model", LONGEST["model"])
    return DeviceFacts(
        index=int(number[1]),
        kind="mig" if _MIG.search(model) else "gpu",
        model=model,
        memory_bytes=gpu.number("memory", MOST_BYTES),
    )
