"""What differs between a node as it is listed and as its agent found it.

A machine that is less, or other, than what people book holds the node back. One that is more does not:
owners may keep a GPU, cores or memory for themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from nodes.domain.inventory import names
from nodes.domain.inventory.found import Found, FoundGpu, FoundInstance

# Kernel and firmware keep some of what is built in for themselves.
MEMORY_TOLERANCE = Fraction(5, 100)
# GDDR with error correction on keeps 1/16 for it: an L40S of 48 GiB tells 46,068 MiB.
DEVICE_TOLERANCE = Fraction(8, 100)
# Facts of the listing itself, which its owner may correct to what was found.
ADOPTABLE = frozenset({"cpu_model", "cpu_cores", "memory", "more_cores", "more_memory"})


@dataclass(frozen=True)
class ListedDevice:
    index: int
    kind: str  # gpu, mig or host
    model: str
    memory_bytes: int


@dataclass(frozen=True)
class ListedNode:
    cpu_model: str
    cpu_cores: int
    memory_bytes: int
    devices: tuple[ListedDevice, ...]


@dataclass(frozen=True)
class Difference:
    """One of docs/node-profile.md, “Compared with what is listed”; nodes.wording has the sentences."""

    code: str
    listed: str | int | None = None
    found: str | int | None = None
    device: int | None = None  # its index
    holds_back: bool = True

    def to_json(self) -> dict[str, Any]:
        return {
            "code": self.code, "device": self.device, "listed": self.listed, "found": self.found,
            "holds_back": self.holds_back,
        }  # fmt: skip

    @classmethod
    def of_json(cls, stored: dict[str, Any]) -> Difference:
        return cls(**stored)


def differences(
    listed: ListedNode, found: Found, *, told_elsewhere: Collection[str] = ()
) -> tuple[Difference, ...]:
    """In the order of the profile. `told_elsewhere`: UUIDs that another node's agent tells as its own.

    An agent that tells nothing is compared with nothing.
    """
    if found.is_empty:
        return ()
    return (
        *(Difference("unreadable", found=member) for member in found.unreadable),
        *_processors(listed, found),
        *_memory(listed, found),
        *_devices(listed, found),
        *_claimed(found, told_elsewhere),
    )


def _processors(listed: ListedNode, found: Found) -> Iterator[Difference]:
    # On machines that do not say their model, owners list the architecture.
    is_named = listed.cpu_model not in ("", found.architecture)
    if found.cpu_model and is_named and not names.same_cpu(listed.cpu_model, found.cpu_model):
        yield Difference("cpu_model", listed.cpu_model, found.cpu_model)
    if found.cpu_cores and found.cpu_cores < listed.cpu_cores:
        yield Difference("cpu_cores", listed.cpu_cores, found.cpu_cores)
    if found.cpu_cores and found.cpu_cores > listed.cpu_cores:
        yield Difference("more_cores", listed.cpu_cores, found.cpu_cores, holds_back=False)


def _memory(listed: ListedNode, found: Found) -> Iterator[Difference]:
    if found.memory_bytes is None:
        return
    if found.memory_bytes < listed.memory_bytes * (1 - MEMORY_TOLERANCE):
        yield Difference("memory", listed.memory_bytes, found.memory_bytes)
    if found.memory_bytes > listed.memory_bytes * (1 + MEMORY_TOLERANCE):
        yield Difference("more_memory", listed.memory_bytes, found.memory_bytes, holds_back=False)


def _devices(listed: ListedNode, found: Found) -> Iterator[Difference]:
    gpus = [device for device in listed.devices if device.kind == "gpu"]
    instances = [device for device in listed.devices if device.kind == "mig"]
    if found.gpus is None:
        if gpus or instances:
            yield Difference("gpus_unknown", listed=len(gpus) + len(instances))
        return
    there = {gpu.index: gpu for gpu in found.gpus}
    for device in gpus:
        yield from _gpu(device, there.get(device.index))
    yield from _instances(sorted(instances, key=lambda one: one.index), found.gpus)
    kept = there.keys() - {device.index for device in gpus}
    if kept and not instances:
        yield Difference("more_gpus", len(gpus), len(there), holds_back=False)


def _gpu(device: ListedDevice, found: FoundGpu | None) -> Iterator[Difference]:
    if found is None:
        yield Difference("gpu_missing", device.model, device=device.index)
        return
    if not names.same_gpu(device.model, found.name):
        yield Difference("gpu_model", device.model, found.name, device.index)
    if found.memory_bytes is not None and _is_less(found.memory_bytes, device.memory_bytes):
        yield Difference("gpu_memory", device.memory_bytes, found.memory_bytes, device.index)
    if found.is_parted:
        yield Difference("gpu_parted", device.model, len(found.instances), device.index)


def _instances(listed: Sequence[ListedDevice], gpus: Sequence[FoundGpu]) -> Iterator[Difference]:
    """The first listed instance is the first one of the first GPU, and so on, over all GPUs in order."""
    there: list[FoundInstance] = [one for gpu in gpus if gpu.is_parted for one in gpu.instances]
    for place, device in enumerate(listed):
        if place >= len(there):
            yield Difference("instance_missing", device.model, device=device.index)
            continue
        found = there[place]
        if found.name is not None and not names.same_instance(device.model, found.name):
            yield Difference("instance_profile", device.model, found.name, device.index)
        if found.memory_bytes is not None and _is_less(found.memory_bytes, device.memory_bytes):
            yield Difference("instance_memory", device.memory_bytes, found.memory_bytes, device.index)
    if len(there) > len(listed) > 0:
        yield Difference("more_instances", len(listed), len(there), holds_back=False)


def _is_less(found: int, listed: int) -> bool:
    return found < listed * (1 - DEVICE_TOLERANCE)


def _claimed(found: Found, told_elsewhere: Collection[str]) -> Iterator[Difference]:
    """The same GPU twice in one machine, or in two machines at once, is nowhere at all."""
    told = found.uuids
    for uuid in dict.fromkeys(one for one in told if told.count(one) > 1):
        yield Difference("gpu_twice", found=uuid)
    for uuid in dict.fromkeys(one for one in told if one in told_elsewhere):
        yield Difference("gpu_elsewhere", found=uuid)
