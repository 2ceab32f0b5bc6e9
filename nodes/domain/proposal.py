"""What an agent found in a machine, as its owner would declare it: to be looked at and changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from nodes.domain.output import neutralise

LONGEST_MODEL = 80
LONGEST_CPU = 120
MOST_CORES = 100_000
MOST_BYTES = 2**60
MOST_GPUS = 64
_MAKERS = ("NVIDIA GeForce ", "NVIDIA ", "AMD Instinct ", "AMD ", "Intel ")


@dataclass(frozen=True)
class Alike:
    """Devices that are the same to who books them, numbered one after the other."""

    number: int
    first: int  # the number of the first of them
    kind: str  # Device.Kind
    model: str
    memory_bytes: int


@dataclass(frozen=True)
class Proposal:
    cpu_model: str
    cpu_cores: int
    memory_bytes: int
    devices: tuple[Alike, ...]
    runner: str
    driver: str


def proposal_of(inventory: object) -> Proposal:
    """As far as the inventory can be read; what cannot is left for the owner to write."""
    told = inventory if isinstance(inventory, Mapping) else {}
    cpu = told.get("cpu") if isinstance(told.get("cpu"), Mapping) else {}
    assert isinstance(cpu, Mapping)
    memory = _number(told.get("memory_bytes"), MOST_BYTES)
    model = _text(cpu.get("model"), LONGEST_CPU)
    return Proposal(
        cpu_model=model,
        cpu_cores=_number(cpu.get("cores"), MOST_CORES),
        memory_bytes=memory,
        devices=_devices(told.get("gpus")) or _whole(model, memory),
        runner=_runner(told.get("runtimes")),
        driver=_text(told.get("nvidia_driver"), 40),
    )


def _devices(told: object) -> tuple[Alike, ...]:
    """GPUs by their numbers; of divided ones their instances, counted over all of them."""
    if not isinstance(told, Sequence) or isinstance(told, str):
        return ()
    found = [one for one in told[:MOST_GPUS] if isinstance(one, Mapping)]
    found.sort(key=lambda one: _number(one.get("index"), 2**15))
    each: list[tuple[int, tuple[str, str, int]]] = []
    instances = 0
    for one in found:
        parts = _instances(one)
        for part in parts:
            each.append((instances, part))
            instances += 1
        if not parts and (whole := _gpu(one)) is not None:
            each.append((_number(one.get("index"), 2**15), whole))
    # Alike, and numbered without a gap: the place in the row moves with the number.
    rows = groupby(enumerate(each), key=lambda row: (row[1][0] - row[0], row[1][1]))
    return tuple(_alike([index for _place, (index, _is) in same], *key[1]) for key, same in rows)


def _alike(indexes: list[int], kind: str, model: str, memory_bytes: int) -> Alike:
    return Alike(len(indexes), indexes[0], kind, model, memory_bytes)


def _instances(gpu: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    mig = gpu.get("mig")
    told = mig.get("instances") if isinstance(mig, Mapping) and mig.get("enabled") is True else None
    if not isinstance(told, Sequence) or isinstance(told, str):
        return []
    model = _model(gpu.get("name"))
    return [
        ("mig", _model(one.get("name")) or model, _number(one.get("memory_bytes"), MOST_BYTES))
        for one in told[:MOST_GPUS]
        if isinstance(one, Mapping)
    ]


def _gpu(gpu: Mapping[str, Any]) -> tuple[str, str, int] | None:
    model, memory = _model(gpu.get("name")), _number(gpu.get("memory_bytes"), MOST_BYTES)
    return ("gpu", model, memory) if model and memory else None


def _whole(model: str, memory: int) -> tuple[Alike, ...]:
    """A machine without accelerators is booked whole."""
    return (Alike(1, 0, "host", model[:LONGEST_MODEL], memory),) if model and memory else ()


def _model(told: object) -> str:
    """As people say it: without the maker's name before it."""
    name = _text(told, LONGEST_MODEL + 20)
    for maker in _MAKERS:
        name = name.removeprefix(maker)
    return name[:LONGEST_MODEL]


def _runner(told: object) -> str:
    known = told if isinstance(told, Mapping) else {}
    return next((name for name in ("bubblewrap", "podman") if name in known), "bubblewrap")


def _text(told: object, longest: int) -> str:
    return " ".join(neutralise(told).split())[:longest] if isinstance(told, str) else ""


def _number(told: object, most: int) -> int:
    if isinstance(told, bool) or not isinstance(told, int | float):
        return 0
    return int(told) if 0 <= told <= most else 0
