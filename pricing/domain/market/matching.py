"""Which device a name means: the published table that lists, shops, drivers and owners are matched by.

A form that a source does not state is taken from what its provider says of the offer, or the name stays
unmatched: an H100 on PCIe is not an H100 on SXM5, and a price of the one says nothing of the other.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import lru_cache

GIB = 1024**3
_LESS_THAN_WRITTEN = Decimal("0.12")  # of a device's memory, as error correction and reserves take it


@dataclass(frozen=True)
class Name:
    """A device by its name, as `plain_name` leaves it, and its memory in GB."""

    name: str
    memory: int
    key: str


@dataclass(frozen=True)
class OfOffer:
    """A device by the offer it is sold in, where its name leaves the form or the memory open.

    `*` stands for anything. Without a key the offer is no price of a whole device.
    """

    provider: str
    offer: str
    name: str
    key: str
    because: str


_NAMES: Mapping[str, tuple[tuple[str, int], ...]] = {
    # the site's key: the names that mean it, each with its memory
    "b200-sxm-180": (("b200 sxm", 180),),
    "b300-sxm-288": (("b300 sxm", 288),),
    "gb300-sxm-288": (("gb300 sxm", 288),),
    "gh200-96": (("gh200", 96),),
    "h200-sxm-141": (("h200 sxm", 141), ("h200 sxm5", 141), ("h200", 141)),  # the driver leaves out the form
    "h200-nvl-141": (("h200 nvl", 141),),
    "h100-sxm5-80": (("h100 sxm5", 80), ("h100 sxm", 80), ("h100 hbm3", 80)),  # the last says the driver
    "h100-nvl-94": (("h100 nvl", 94),),
    "h100-pcie-80": (("h100 pcie", 80),),
    "h100-pcie-96": (("h100 pcie", 96),),
    "a100-sxm4-80": (("a100 sxm4", 80), ("a100 sxm", 80)),
    "a100-sxm4-40": (("a100 sxm4", 40), ("a100 sxm", 40)),
    "a100-pcie-80": (("a100 pcie", 80),),
    "a100-pcie-40": (("a100 pcie", 40), ("a100 pcle", 40)),  # as one source spells it
    "l40s-48": (("l40s", 48),),
    "l40-48": (("l40", 48),),
    "l4-24": (("l4", 24),),
    "a40-48": (("a40", 48), ("a40 pcie", 48)),
    "a30-24": (("a30", 24),),
    "a16-16": (("a16", 16),),  # one of the four chips of a board
    "a10-24": (("a10", 24),),
    "a10g-24": (("a10g", 24),),
    "v100-sxm2-32": (("v100 sxm2", 32), ("v100 sxm", 32)),
    "v100-sxm2-16": (("v100 sxm2", 16), ("v100 sxm", 16)),
    "v100-pcie-32": (("v100 pcie", 32),),
    "v100-pcie-16": (("v100 pcie", 16),),
    "p100-sxm2-16": (("p100 sxm2", 16), ("p100 sxm", 16)),
    "p100-pcie-16": (("p100 pcie", 16),),
    "p40-24": (("p40", 24),),
    "p4-8": (("p4", 8),),
    "t4-16": (("t4", 16),),
    "t4g-16": (("t4g", 16),),
    "rtx-6000-ada-48": (("rtx 6000 ada", 48),),
    "rtx-5000-ada-32": (("rtx 5000 ada", 32),),
    "rtx-4000-ada-20": (("rtx 4000 ada", 20),),
    "rtx-4000-sff-ada-20": (("rtx 4000 sff ada", 20),),
    "rtx-2000-ada-16": (("rtx 2000 ada", 16),),
    "rtx-a6000-48": (("rtx a6000", 48),),
    "rtx-a5000-24": (("rtx a5000", 24),),
    "rtx-a4500-20": (("rtx a4500", 20),),
    "rtx-a4000-16": (("rtx a4000", 16),),
    "rtx-a2000-6": (("rtx a2000", 6),),
    "quadro-rtx-6000-24": (("quadro rtx 6000", 24),),
    "quadro-rtx-5000-16": (("quadro rtx 5000", 16),),
    "rtx-pro-6000-blackwell-server-96": (
        ("rtx pro 6000 blackwell server", 96), ("rtx pro 6000 blackwell server edition", 96)),
    "rtx-pro-6000-blackwell-workstation-96": (
        ("rtx pro 6000 blackwell workstation", 96), ("rtx pro 6000 blackwell workstation edition", 96)),
    "rtx-pro-6000-blackwell-max-q-96": (
        ("rtx pro 6000 blackwell max q", 96), ("rtx pro 6000 blackwell max q workstation edition", 96)),
    "rtx-pro-5000-blackwell-48": (("rtx pro 5000 blackwell", 48),),
    "rtx-pro-4500-blackwell-32": (("rtx pro 4500 blackwell", 32),),
    "rtx-pro-4000-blackwell-24": (("rtx pro 4000 blackwell", 24),),
    "rtx-5090-32": (("rtx 5090", 32),),
    "rtx-5080-16": (("rtx 5080", 16),),
    "rtx-4090-24": (("rtx 4090", 24),),
    "rtx-4080-super-16": (("rtx 4080 super", 16),),
    "rtx-4080-16": (("rtx 4080", 16),),
    "rtx-4070-ti-12": (("rtx 4070 ti", 12),),
    "rtx-4070-12": (("rtx 4070", 12),),
    "rtx-4060-ti-8": (("rtx 4060 ti", 8),),  # two memories: a source that says none stays unmatched
    "rtx-4060-ti-16": (("rtx 4060 ti", 16),),
    "rtx-3090-ti-24": (("rtx 3090 ti", 24),),
    "rtx-3090-24": (("rtx 3090", 24),),
    "rtx-3080-ti-12": (("rtx 3080 ti", 12),),
    "rtx-3080-10": (("rtx 3080", 10),),
    "rtx-3070-8": (("rtx 3070", 8),),
    "rtx-2080-8": (("rtx 2080", 8),),
    "mi325x-256": (("mi325x", 256),),
    "mi300x-192": (("mi300x", 192), ("mi300x oam", 192)),
    "mi250x-128": (("mi250x", 128),),
    "mi210-64": (("mi210", 64),),
    "mi100-32": (("mi100", 32),),
}  # fmt: skip
NAMES = tuple(Name(name, memory, key) for key, names in _NAMES.items() for name, memory in names)

_AWS = "Amazon EC2, instance types"
_AZURE = "Microsoft Azure, sizes of virtual machines"
_GOOGLE = "Google Cloud, GPU machine types"
_ORACLE = "Oracle Cloud, compute shapes and price list"
_NEBIUS = "the offer’s own name"
OFFERS = (
    OfOffer("aws", "p5.*", "h100", "h100-sxm5-80", _AWS),
    OfOffer("aws", "p4de.*", "a100", "a100-sxm4-80", _AWS),
    OfOffer("aws", "p4d.*", "a100", "a100-sxm4-40", _AWS),
    OfOffer("aws", "p3dn.*", "v100", "v100-sxm2-32", _AWS),
    OfOffer("aws", "p3.*", "v100", "v100-sxm2-16", _AWS),
    OfOffer("azure", "ND96isr H100 v5", "h100", "h100-sxm5-80", _AZURE),
    OfOffer("azure", "NC*ads H100 v5", "h100", "h100-nvl-94", _AZURE),
    OfOffer("azure", "NC*ads A100 v4", "a100", "a100-pcie-80", _AZURE),
    OfOffer("azure", "ND96amsr*", "a100*", "a100-sxm4-80", _AZURE),
    OfOffer("azure", "ND96asr*", "a100*", "a100-sxm4-40", _AZURE),
    OfOffer("azure", "ND40rs v2", "v100*", "v100-sxm2-32", _AZURE),
    OfOffer("azure", "NC*s v3", "v100", "v100-pcie-16", _AZURE),
    OfOffer("azure", "NC*s v2", "p100", "p100-pcie-16", _AZURE),
    OfOffer(
        "azure", "NV6ads A10 v5", "a10", "", "a sixth of a device, which its source counts as a whole one"
    ),
    OfOffer("gcp", "a3-highgpu-*", "h100", "h100-sxm5-80", _GOOGLE),
    OfOffer("gcp", "a2-ultragpu-*", "a100", "a100-sxm4-80", _GOOGLE),
    OfOffer("gcp", "a2-highgpu-*", "a100", "a100-sxm4-40", _GOOGLE),
    OfOffer("oci", "BM.GPU.H100.8", "h100", "h100-sxm5-80", _ORACLE),
    OfOffer("oci", "BM.GPU.A100-v2.8", "a100", "a100-sxm4-80", _ORACLE),
    OfOffer("oci", "BM.GPU4.8", "a100", "a100-sxm4-40", _ORACLE),
    OfOffer("oci", "B98415", "*h100", "h100-sxm5-80", _ORACLE),
    OfOffer("oci", "B95907", "*a100 v2", "a100-sxm4-80", _ORACLE),
    OfOffer("oci", "B92740", "*e3", "a100-sxm4-40", _ORACLE),
    OfOffer("oci", "B95909", "*a10", "a10-24", _ORACLE),
    OfOffer("oci", "B89734", "*v2", "v100-sxm2-16", _ORACLE),
    OfOffer("nebius", "gpu-h100-sxm*", "h100", "h100-sxm5-80", _NEBIUS),
    OfOffer("nebius", "gpu-h200-sxm*", "h200", "h200-sxm-141", _NEBIUS),
    OfOffer("nebius", "gpu-b200-sxm*", "b200", "b200-sxm-180", _NEBIUS),
)

_MEMORY = re.compile(r"\b(\d+(?:\.\d+)?) ?gi?b\b")
_WORDS = re.compile(r"\b(?:nvidia|amd|instinct|geforce|tesla|tensor core|generation|gpu)\b|[®™,]")
_BY_NAME: dict[str, dict[int, str]] = defaultdict(dict)
for _one in NAMES:
    _BY_NAME[_one.name][_one.memory] = _one.key


def plain_name(text: str) -> tuple[str, int | None]:
    """The name without its maker and its memory, and the memory in GB where it says one."""
    words = text.lower().replace("-", " ").replace("_", " ")
    memory = _MEMORY.search(words)
    name = " ".join(_WORDS.sub(" ", _MEMORY.sub(" ", words)).split())
    return name, round(Decimal(memory[1])) if memory else None


def key_of(device: str, *, memory_gib: Decimal | None = None, provider: str = "", offer: str = "") -> str:
    """The key of the device that is meant; empty where the table does not say."""
    name, said = plain_name(device)
    plain_offer = offer.replace("_", " ")
    for row in OFFERS:
        if row.provider == provider and fnmatchcase(plain_offer, row.offer) and fnmatchcase(name, row.name):
            return row.key
    memories = _BY_NAME.get(name, {})
    memory = Decimal(said) if memory_gib is None and said is not None else memory_gib
    if memory is not None:
        return _nearest(memories, memory)
    return next(iter(memories.values())) if len(memories) == 1 else ""


def _nearest(memories: Mapping[int, str], memory: Decimal) -> str:
    """Drivers tell less than is written on the box: an L40S of 48 GB has 46,068 MiB, a T4 of 16 GB 15,360."""
    if not memories:
        return ""
    written = min(memories, key=lambda one: abs(one - memory))
    return memories[written] if abs(written - memory) <= written * _LESS_THAN_WRITTEN else ""


@lru_cache(maxsize=4096)
def market_key(model: str, memory_bytes: int, *, otherwise: str = "") -> str:
    """The key that a node's device is compared by; a device that the table does not know keeps its own."""
    return key_of(model, memory_gib=Decimal(memory_bytes) / GIB) or otherwise
