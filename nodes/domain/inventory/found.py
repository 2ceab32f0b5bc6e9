"""An inventory as its agent tells it, read member by member. Its agent is a stranger's program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# docs/node-profile.md
MOST_BYTES = 256 * 1024
MOST_GPUS, MOST_INSTANCES, MOST_FAULTS, MOST_RUNTIMES = 64, 16, 20, 50
LONGEST, LONGEST_FAULT = 200, 500
MOST_MEMORY = 2**63 - 1
MOST_COUNT = 65_536
_MAJOR = "1."


@dataclass(frozen=True)
class FoundInstance:
    uuid: str | None
    name: str | None  # its profile, such as 1g.10gb
    memory_bytes: int | None


@dataclass(frozen=True)
class FoundGpu:
    index: int
    uuid: str
    name: str
    memory_bytes: int | None
    driver: str | None
    is_parted: bool
    instances: tuple[FoundInstance, ...] = ()


@dataclass(frozen=True)
class Found:
    """None is what was not told, or could not be read."""

    cpu_model: str | None = None
    cpu_cores: int | None = None
    cpu_threads: int | None = None
    memory_bytes: int | None = None
    gpus: tuple[FoundGpu, ...] | None = None
    kernel: str = ""
    architecture: str = ""
    system: str = ""
    vendor: str | None = None
    machine_model: str | None = None
    disk_bytes: int | None = None
    runtimes: tuple[tuple[str, str], ...] = ()
    faults: tuple[str, ...] = ()  # the agent's own
    unreadable: tuple[str, ...] = ()  # members that are not as the profile wants them
    is_empty: bool = False  # nothing at all was told

    @property
    def uuids(self) -> tuple[str, ...]:
        instances = [one.uuid for gpu in self.gpus or () for one in gpu.instances if one.uuid]
        return (*(gpu.uuid for gpu in self.gpus or ()), *instances)


def read(told: Mapping[str, Any]) -> Found:
    """All that follows the profile; what does not is named in `unreadable` and counts as not told."""
    if not told:
        return Found(is_empty=True)
    reader = _Reader(told)
    if not (reader.text("profile", required=False) or _MAJOR).startswith(_MAJOR):
        reader.unreadable.append("profile")  # another major version: its members may mean something else
    cpu, machine = reader.part("cpu"), reader.part("machine", required=False)
    gpus, disks = reader.gpus(), reader.disks()
    return Found(
        cpu_model=cpu.text("model") if cpu else None,
        cpu_cores=cpu.count("cores", MOST_COUNT) if cpu else None,
        cpu_threads=cpu.count("threads", MOST_COUNT) if cpu else None,
        memory_bytes=reader.count("memory_bytes", MOST_MEMORY),
        gpus=gpus,
        kernel=reader.text("kernel", required=False) or "",
        architecture=reader.text("architecture", required=False) or "",
        system=reader.text("system", required=False) or "",
        vendor=machine.text("vendor", required=False) if machine else None,
        machine_model=machine.text("model", required=False) if machine else None,
        disk_bytes=disks,
        runtimes=reader.runtimes(),
        faults=reader.faults(),
        unreadable=tuple(dict.fromkeys(reader.unreadable)),
    )


class _Reader:
    """A JSON object whose members are asked for, each with what it must be."""

    def __init__(self, told: Mapping[str, Any], under: str = "", unreadable: list[str] | None = None) -> None:
        self.told, self.under = told, under
        self.unreadable: list[str] = [] if unreadable is None else unreadable

    def text(self, name: str, *, required: bool = True) -> str | None:
        value = self.told.get(name)
        if isinstance(value, str) and len(value) <= LONGEST:
            return " ".join(value.split()) or None
        self._not(name, value, required)
        return None

    def count(self, name: str, most: int, *, least: int = 1, required: bool = True) -> int | None:
        value = self.told.get(name)
        # True is an int to Python and not to people.
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self._not(name, value, required)
        return None

    def part(self, name: str, *, required: bool = True) -> _Reader | None:
        value = self.told.get(name)
        if isinstance(value, dict):
            return self._inner(value, name)
        self._not(name, value, required)
        return None

    def _not(self, name: str, value: Any, required: bool) -> None:
        """null is an honest answer: its agent could not read it. Anything else is no answer."""
        if value is not None or (required and name not in self.told):
            self.unreadable.append(f"{self.under}{name}")

    def _inner(self, told: Mapping[str, Any], name: str) -> _Reader:
        return _Reader(told, f"{self.under}{name}.", self.unreadable)

    def _list(self, name: str, most: int) -> list[_Reader] | None:
        value = self.told.get(name)
        if not isinstance(value, list):
            self._not(name, value, required=True)
            return None
        if len(value) > most or not all(isinstance(one, dict) for one in value):
            self.unreadable.append(f"{self.under}{name}")
            return None
        return [self._inner(one, f"{name}.{number}") for number, one in enumerate(value)]

    # --- members that are made of others ---
    def gpus(self) -> tuple[FoundGpu, ...] | None:
        listed = self._list("gpus", MOST_GPUS)
        if listed is None:
            return None
        gpus = [gpu.gpu() for gpu in listed]
        if not all(gpus) or len({gpu.index for gpu in gpus if gpu}) < len(gpus):
            self.unreadable.append("gpus")
            return None
        return tuple(gpu for gpu in gpus if gpu)

    def gpu(self) -> FoundGpu | None:
        index = self.count("index", MOST_COUNT, least=0)
        uuid, name = self.text("uuid"), self.text("name")
        if index is None or uuid is None or name is None:
            return None
        mig = self.part("mig", required=False)
        instances = (mig._list("instances", MOST_INSTANCES) or []) if mig else []
        return FoundGpu(
            index=index, uuid=uuid, name=name, memory_bytes=self.count("memory_bytes", MOST_MEMORY),
            driver=self.text("driver", required=False),
            is_parted=mig is not None and mig.told.get("enabled") is True,
            instances=tuple(
                FoundInstance(
                    one.text("uuid", required=False), one.text("name", required=False),
                    one.count("memory_bytes", MOST_MEMORY, required=False),
                )
                for one in instances
            ),
        )  # fmt: skip

    def disks(self) -> int | None:
        """All of them together."""
        listed = self._list("disks", 256)
        if listed is None:
            return None
        return sum(disk.count("bytes", MOST_MEMORY) or 0 for disk in listed)

    def runtimes(self) -> tuple[tuple[str, str], ...]:
        told = self.told.get("runtimes")
        if not isinstance(told, dict) or len(told) > MOST_RUNTIMES:
            self._not("runtimes", told, required=True)
            return ()
        return tuple(sorted((str(name)[:40], str(version)[:LONGEST]) for name, version in told.items()))

    def faults(self) -> tuple[str, ...]:
        told = self.told.get("faults", [])
        if not isinstance(told, list):
            self.unreadable.append("faults")
            return ()
        return tuple(str(fault)[:LONGEST_FAULT] for fault in told[:MOST_FAULTS])
