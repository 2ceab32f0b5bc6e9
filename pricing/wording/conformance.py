"""What differs on a node, what a conformance job must meet and what a level means, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _, gettext_lazy

from common import formats
from nodes.domain.inventory import Difference

LEVELS = (
    gettext_lazy("Listed"), gettext_lazy("Described"), gettext_lazy("Conforming"), gettext_lazy("Measured"),
)  # fmt: skip
LEVEL_MEANINGS = (
    gettext_lazy("Its owner lists it. No agent has told what it found, or what it found is not settled."),
    gettext_lazy("Its agent found what is listed."),
    gettext_lazy("And it met every requirement of the last conformance check."),
    gettext_lazy("And its last ten spot checks in a row were within a twentieth of its reference."),
)


def difference(one: Difference) -> str:
    """A whole sentence that names both sides."""
    tell = _DIFFERENCES.get(one.code)
    return tell(one) if tell else f"{one.code}: {one.listed} / {one.found}"


def _listed_found(sentence: Promise) -> Callable[[Difference], str]:
    return lambda one: sentence % {"listed": one.listed, "found": one.found, "device": one.device}


def _uuid(sentence: Promise) -> Callable[[Difference], str]:
    """Shortened: whoever knows all of it could tell it as theirs."""
    return lambda one: sentence % {"found": f"{str(one.found)[:12]}…"}


def _sizes(sentence: Promise) -> Callable[[Difference], str]:
    return lambda one: sentence % {
        "listed": formats.memory(int(one.listed or 0)), "found": formats.memory(int(one.found or 0)),
        "device": one.device,
    }  # fmt: skip


_DIFFERENCES: Mapping[str, Callable[[Difference], str]] = {
    "unreadable": _listed_found(
        gettext_lazy("The agent tells “%(found)s” in a form that the node profile does not know.")
    ),
    "cpu_model": _listed_found(
        gettext_lazy("Listed is the processor %(listed)s; the agent found %(found)s.")
    ),
    "cpu_cores": _listed_found(gettext_lazy("Listed are %(listed)s cores; the agent found %(found)s.")),
    "more_cores": _listed_found(
        gettext_lazy("The agent found %(found)s cores; %(listed)s of them are listed.")
    ),
    "memory": _sizes(gettext_lazy("Listed are %(listed)s of memory; the agent found %(found)s.")),
    "more_memory": _sizes(gettext_lazy("The agent found %(found)s of memory; %(listed)s are listed.")),
    "gpus_unknown": _listed_found(
        gettext_lazy("%(listed)s devices are listed; the driver did not tell the agent which ones there are.")
    ),
    "gpu_missing": _listed_found(
        gettext_lazy("Device %(device)s, listed as %(listed)s, is not in the machine.")
    ),
    "gpu_model": _listed_found(
        gettext_lazy("Device %(device)s is listed as %(listed)s; the agent found %(found)s.")
    ),
    "gpu_memory": _sizes(
        gettext_lazy("Device %(device)s is listed with %(listed)s; the agent found %(found)s.")
    ),
    "gpu_parted": _listed_found(
        gettext_lazy("Device %(device)s is listed whole; it is parted into %(found)s instances.")
    ),
    "more_gpus": _listed_found(
        gettext_lazy("The machine has %(found)s GPUs; %(listed)s of them are listed.")
    ),
    "instance_missing": _listed_found(
        gettext_lazy("Device %(device)s, listed as %(listed)s, is no instance on the machine.")
    ),
    "instance_profile": _listed_found(
        gettext_lazy("Device %(device)s is listed as %(listed)s; the agent found an instance %(found)s.")
    ),
    "instance_memory": _sizes(
        gettext_lazy("Device %(device)s is listed with %(listed)s; its instance has %(found)s.")
    ),
    "more_instances": _listed_found(
        gettext_lazy("The machine has %(found)s instances; %(listed)s of them are listed.")
    ),
    "gpu_twice": _uuid(gettext_lazy("The agent tells the GPU %(found)s twice.")),
    "gpu_elsewhere": _uuid(gettext_lazy("The GPU %(found)s is told by the agent of another node, too.")),
}


# Name, and what was found where it is not met; `told` may be empty.
_REQUIREMENTS: Mapping[str, tuple[Promise, Promise]] = {
    "starts": (gettext_lazy("The job starts"), gettext_lazy("It did not start.")),
    "ends": (gettext_lazy("It ends with exit code 0"), gettext_lazy("It did not; told: %(told)s.")),
    "prints": (gettext_lazy("What it prints arrives"), gettext_lazy("Its line is not in the log.")),
    "returns": (
        gettext_lazy("Its report comes back, with the number it was given"),
        gettext_lazy("No report of this job came back."),
    ),
    "unprivileged": (
        gettext_lazy("It runs as an unprivileged user"),
        gettext_lazy("User id found: %(told)s."),
    ),
    "own_processes": (
        gettext_lazy("It sees its own processes only"),
        gettext_lazy("Processes it saw: %(told)s."),
    ),
    "no_network": (
        gettext_lazy("It has no network where it asked for none"),
        gettext_lazy("Interfaces it saw: %(told)s."),
    ),
    "no_metadata": (
        gettext_lazy("It does not reach the metadata address of a cloud"),
        gettext_lazy("It reached 169.254.169.254."),
    ),
    "hides_host": (
        gettext_lazy("It reads nothing of the host’s own folders"),
        gettext_lazy("It could read: %(told)s."),
    ),
    "keeps_system": (
        gettext_lazy("It cannot write to the system"),
        gettext_lazy("It could write to: %(told)s."),
    ),
    "held_devices": (
        gettext_lazy("It sees the devices that it holds, and no others"),
        gettext_lazy("GPUs it saw: %(told)s."),
    ),
}


def requirement(stored: Mapping[str, Any]) -> tuple[str, str]:
    """Its name, and what was found instead where it is not met."""
    name, missed = _REQUIREMENTS.get(stored["code"], (stored["code"], ""))
    told = stored.get("told") or _("nothing")
    return str(name), "" if stored["is_met"] else str(missed) % {"told": told}


_PARTS = {
    "matrix": gettext_lazy("matrices"),
    "memory": gettext_lazy("memory"),
    "gpu": gettext_lazy("GPUs"),
}


def deviation(name: str, ratio: float) -> str:
    """“matrices +2.1 %”; a figure that could not be compared was not measured, or otherwise."""
    if ratio <= -1:
        return _("%(part)s not measured alike") % {"part": _PARTS.get(name, name)}
    return f"{_PARTS.get(name, name)} {formats.signed_percent(ratio)}"
