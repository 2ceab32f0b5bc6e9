"""When two names mean the same hardware: catalogues, drivers and people write them differently."""

from __future__ import annotations

import re

_WORD = re.compile(r"[a-z0-9]+")
# Say who makes it, or nothing at all.
_MAKERS = frozenset(
    {"nvidia", "amd", "intel", "arm", "tesla", "geforce", "quadro", "instinct", "radeon", "corporation"}
    | {"r", "tm", "c", "cpu", "gpu", "apu", "core", "dual", "processor", "graphics", "accelerator"}
    | {"generation", "gen", "with"}
)
_SIZE = re.compile(r"\d{1,4}(gb|gib|g)|hbm\d?e?|gddr\d\w?|\d{1,3}core|\d+ghz")
_FORMS = {"sxm": "sxm", "pcie": "pcie", "nvl": "nvl", "oam": "oam", "mxm": "mxm"}
_CLOCK = re.compile(r"@.*$")
_CORES = re.compile(r"\b\d{1,3}-core\b")
# NVIDIA's drivers tell the board of an H100 or H200 by its memory alone.
_BOARD_OF_MEMORY = re.compile(r"\bhbm\d", re.IGNORECASE)


def same_gpu(listed: str, found: str) -> bool:
    """“H100 SXM5” and “NVIDIA H100 80GB HBM3”. A form (SXM, PCIe, NVL) counts where both name one."""
    wanted, told = _gpu_words(listed), _gpu_words(found)
    return bool(wanted) and wanted == told and _agree(_form(listed), _form(found))


def same_cpu(listed: str, found: str) -> bool:
    """“EPYC 9334” and “AMD EPYC 9334 32-Core Processor”: one says all that the other does."""
    wanted, told = _cpu_words(listed), _cpu_words(found)
    return bool(wanted) and bool(told) and (wanted <= told or told <= wanted)


def same_instance(listed: str, found: str) -> bool:
    """“A100-SXM4-40GB MIG 1g.5gb” and “1g.5gb”."""
    return found.lower() in listed.lower().split()


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _gpu_words(name: str) -> frozenset[str]:
    words = _words(re.sub(r"(\d)\s+(gb|gib)\b", r"\1\2", name.lower()))
    return frozenset(
        word for word in words if word not in _MAKERS and not _SIZE.fullmatch(word) and not _form(word)
    )


def _form(name: str) -> str:
    for word in _words(name):
        if form := _FORMS.get(word.rstrip("0123456789")):
            return form
    return "sxm" if _BOARD_OF_MEMORY.search(name) and "pcie" not in name.lower() else ""


def _agree(one: str, other: str) -> bool:
    return not one or not other or one == other


def _cpu_words(name: str) -> frozenset[str]:
    plain = _CORES.sub(" ", _CLOCK.sub(" ", name.lower()))
    return frozenset(word for word in _words(plain) if word not in _MAKERS)
