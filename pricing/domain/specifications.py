"""What makers say of their devices: power, memory and peak speed, each row with its source.

Watts are the maker's limit (thermal design power, or total graphics or board power), at its peak where the
maker states a typical one too. FP16 is the peak of
the tensor or matrix units without sparsity, where the maker states it. Prices are the highest that was
seen in shops on the day named; a machine is more than its devices, so they are only held against a
purchase with a wide margin (pricing.domain.plausibility).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

_NVIDIA = "NVIDIA {} datasheet"
_AMD = "AMD Instinct {} datasheet"
_TRACKER = "United Compute GPU price tracker"


@dataclass(frozen=True)
class Retail:
    """The highest price seen in shops, and when."""

    usd: Decimal
    on: date
    source: str = _TRACKER


@dataclass(frozen=True)
class DeviceSpecification:
    """One accelerator as its maker describes it."""

    model: str
    watts: int
    memory_gb: int
    fp32_tflops: Decimal
    fp16_tflops: Decimal | None
    source: str
    retail: Retail | None = None

    @property
    def kilowatts(self) -> Decimal:
        return Decimal(self.watts) / 1000


@dataclass(frozen=True)
class ProcessorSpecification:
    """One processor as its maker describes it."""

    model: str
    watts: int
    cores: int
    source: str


@dataclass(frozen=True)
class ModelledPower:
    """What makers' limits say that a node draws in use, and of what that is made up."""

    kilowatts: Decimal
    devices: DeviceSpecification | None
    device_count: int
    processor: ProcessorSpecification | None
    processor_count: int

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(part.source for part in (self.devices, self.processor) if part is not None)


def _gpu(
    model: str, watts: int, memory_gb: int, fp32: str, fp16: str | None, source: str,
    retail: Retail | None = None,
) -> DeviceSpecification:  # fmt: skip
    return DeviceSpecification(
        model, watts, memory_gb, Decimal(fp32), Decimal(fp16) if fp16 else None, source, retail
    )


DEVICES = (
    _gpu("H200 SXM", 700, 141, "67", "989", _NVIDIA.format("H200")),
    _gpu("H200 NVL", 600, 141, "60", "835", _NVIDIA.format("H200")),
    _gpu("H100 SXM5", 700, 80, "67", "989", _NVIDIA.format("H100")),
    _gpu("H100 NVL", 400, 94, "60", "835", _NVIDIA.format("H100")),
    _gpu("H100 PCIe", 350, 80, "51", "756", _NVIDIA.format("H100"),
         Retail(Decimal(34_750), date(2024, 8, 1))),
    _gpu("A100 SXM4", 400, 80, "19.5", "312", _NVIDIA.format("A100")),
    _gpu("A100 SXM4", 400, 40, "19.5", "312", _NVIDIA.format("A100")),
    _gpu("A100 PCIe", 300, 80, "19.5", "312", _NVIDIA.format("A100")),
    _gpu("A100 PCIe", 250, 40, "19.5", "312", _NVIDIA.format("A100"),
         Retail(Decimal(8_968), date(2024, 10, 11))),
    _gpu("L40S", 350, 48, "91.6", "362", _NVIDIA.format("L40S"), Retail(Decimal(13_950), date(2023, 11, 30))),
    _gpu("L40", 300, 48, "90.5", "181", _NVIDIA.format("L40"), Retail(Decimal(11_909), date(2024, 6, 18))),
    _gpu("L4", 72, 24, "30.3", "121", _NVIDIA.format("L4"), Retail(Decimal(3_266), date(2025, 6, 9))),
    _gpu("A40", 300, 48, "37.4", "149.7", _NVIDIA.format("A40"), Retail(Decimal(5_999), date(2025, 5, 4))),
    _gpu("A30", 165, 24, "10.3", "165", _NVIDIA.format("A30")),
    _gpu("A10", 150, 24, "31.2", "125", _NVIDIA.format("A10")),
    _gpu("RTX 6000 Ada", 300, 48, "91.1", None, _NVIDIA.format("RTX 6000 Ada Generation"),
         Retail(Decimal(8_937), date(2023, 10, 17))),
    _gpu("RTX A6000", 300, 48, "38.7", None, _NVIDIA.format("RTX A6000"),
         Retail(Decimal(8_436), date(2022, 1, 13))),
    _gpu("V100 SXM2", 300, 32, "15.7", "125", _NVIDIA.format("V100"),
         Retail(Decimal(8_678), date(2024, 1, 18))),
    _gpu("V100 SXM2", 300, 16, "15.7", "125", _NVIDIA.format("V100")),
    _gpu("V100 PCIe", 250, 32, "14", "112", _NVIDIA.format("V100")),
    _gpu("V100 PCIe", 250, 16, "14", "112", _NVIDIA.format("V100")),
    _gpu("T4", 70, 16, "8.1", "65", _NVIDIA.format("T4"), Retail(Decimal(3_390), date(2021, 12, 19))),
    _gpu("P100 SXM2", 300, 16, "10.6", "21.2", _NVIDIA.format("Tesla P100")),
    _gpu("P100 PCIe", 250, 16, "9.3", "18.7", _NVIDIA.format("Tesla P100"),
         Retail(Decimal(3_595), date(2021, 1, 25))),
    _gpu("MI325X", 1000, 256, "163.4", "1307.4", _AMD.format("MI325X")),
    _gpu("MI300X", 750, 192, "163.4", "1307.4", _AMD.format("MI300X")),
    _gpu("MI250X", 560, 128, "47.9", "383", _AMD.format("MI250X")),
    _gpu("MI210", 300, 64, "22.6", "181", _AMD.format("MI210")),
    _gpu("MI100", 300, 32, "23.1", "184.6", _AMD.format("MI100")),
)  # fmt: skip

_EPYC = "AMD, product page of the EPYC {}"
_XEON = "Intel, product page of the Xeon {}"
PROCESSORS = (
    ProcessorSpecification("EPYC 9754", 360, 128, _EPYC.format("9754")),
    ProcessorSpecification("EPYC 9554", 360, 64, _EPYC.format("9554")),
    ProcessorSpecification("EPYC 9334", 210, 32, _EPYC.format("9334")),
    ProcessorSpecification("EPYC 9254", 200, 24, _EPYC.format("9254")),
    ProcessorSpecification("EPYC 7742", 225, 64, _EPYC.format("7742")),
    ProcessorSpecification("EPYC 7413", 180, 24, _EPYC.format("7413")),
    ProcessorSpecification("Xeon Platinum 8558", 330, 48, _XEON.format("Platinum 8558")),
    ProcessorSpecification("Xeon Platinum 8480+", 350, 56, _XEON.format("Platinum 8480+")),
    ProcessorSpecification("Xeon Platinum 8458P", 350, 44, _XEON.format("Platinum 8458P")),
    ProcessorSpecification("Xeon Gold 6430", 270, 32, _XEON.format("Gold 6430")),
)

# Memory, fans, disks and the losses of the power supply, on top of the chips' own limits.
REST_OF_MACHINE = Decimal("1.25")

_NOISE = re.compile(
    r"\b(?:nvidia|amd|intel|instinct|radeon|tesla|quadro|generation|gpu|cpu|gb|\d+\s?gi?b)\b|[®™(),]"
)
# As NVML and ROCm name them: the form is left out, or the kind of memory said in its place.
_ALIASES = {"h100 hbm3": "h100 sxm5", "h200": "h200 sxm", "mi300x oam": "mi300x"}
_COUNT = re.compile(r"^\d+\s*[x×]\s*")


def _key(name: str) -> str:
    """`NVIDIA H100-SXM5-80GB` and `H100 SXM5` are one thing."""
    bare = _COUNT.sub("", name.lower().replace("-", " ").replace("_", " "))
    name = " ".join(_NOISE.sub(" ", bare).split())
    return _ALIASES.get(name, name)


def device(model: str, memory_bytes: int | None = None) -> DeviceSpecification | None:
    """The row of that model; where it comes with several memories, the nearest one."""
    wanted = _key(model)
    found = [row for row in DEVICES if _key(row.model) == wanted]
    if not found or memory_bytes is None:
        return found[0] if found else None
    gigabytes = Decimal(memory_bytes) / 2**30
    return min(found, key=lambda row: abs(row.memory_gb - gigabytes))


def processor(model: str) -> ProcessorSpecification | None:
    """A model name as an inventory gives it has more words: `AMD EPYC 9334 32-Core Processor`."""
    words = _key(model).split()
    for row in PROCESSORS:
        parts = _key(row.model).split()
        if all(part in words for part in parts):
            return row
    return None


def modelled_power(
    *, device_models: Sequence[tuple[str, int]], cpu_model: str, cpu_cores: int
) -> ModelledPower | None:
    """The power of a whole node in use by its makers' limits; None where a device, or all, is unknown.

    `device_models` has one (model, bytes of memory) for each device.
    """
    rows = [device(model, memory) for model, memory in device_models]
    known = [row for row in rows if row is not None]
    # A host without accelerators lists its processors as its devices.
    if any(
        row is None and processor(model) is None
        for row, (model, _memory) in zip(rows, device_models, strict=True)
    ):
        return None
    chip = processor(cpu_model)
    sockets = max(1, round(cpu_cores / chip.cores)) if chip else 0
    watts = sum(row.watts for row in known) + (chip.watts * sockets if chip else 0)
    if not watts:
        return None
    kilowatts = (Decimal(watts) * REST_OF_MACHINE / 1000).quantize(Decimal("0.01"))
    return ModelledPower(kilowatts, known[0] if known else None, len(known), chip, sockets)
