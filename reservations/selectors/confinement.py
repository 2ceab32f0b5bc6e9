"""What jobs run under on a node and what they may reach there, for rules and in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext

from nodes.domain import confinement
from nodes.domain.confinement import Confinement
from nodes.models import Agent, Node

_LABELS = {**dict(Node.Runner.choices), confinement.DOCKER: "Docker"}


# What the present agent of each node told of its machine; a node without an agent is absent.
Told = Mapping[int, Mapping[str, Any]]


def told_of(nodes: Iterable[Node]) -> Told:
    present = Agent.objects.filter(node__in=[node.pk for node in nodes], revoked_at=None)
    return {pk: told or {} for pk, told in present.values_list("node_id", "inventory")}


def of_node(node: Node) -> Confinement:
    return _of(node, told_of([node]))


def _of(node: Node, told: Told) -> Confinement:
    return confinement.read(node.runner, told.get(node.pk, {}))


@dataclass(frozen=True)
class Choices:
    """What a form lets choose from, where a slot has devices of these nodes."""

    runners: tuple[tuple[str, str], ...]
    networks: tuple[str, ...]
    has_images: bool
    sentence: str  # who may change or add to this


def label(runner: str) -> str:
    return str(_LABELS.get(runner, runner))


def labels(runners: Iterable[str]) -> str:
    return ", ".join(label(one) for one in runners)


def network_label(network: str) -> str:
    return {
        "none": gettext("no network"),
        "internet": gettext("the public internet"),
        "list": gettext("the hosts on the owner’s list"),
    }[network]


def choices(nodes: Iterable[Node], told: Told) -> Choices:
    """Everything that at least one of the nodes has; which one has what is the services' to say."""
    found = [_of(node, told) for node in nodes]
    offered = dict.fromkeys(one for each in found for one in each.runners)
    networks = {one for each in found for one in each.networks}
    return Choices(
        runners=tuple((one, label(one)) for one in offered),
        networks=tuple(one for one in confinement.NETWORKS if one in networks),
        has_images=any(one in confinement.WITH_IMAGES for one in offered),
        sentence=_hosts(found),
    )


def _hosts(found: Sequence[Confinement]) -> str:
    """What the owners' lists reach, where they told."""
    hosts = sorted({host for each in found for host in each.hosts if "list" in each.networks})
    if not hosts:
        return ""
    return gettext("The owner’s list: %s.") % ", ".join(hosts)


def in_words(*, runner: str, image: str, network: str) -> str:
    """How a run is confined, in words."""
    parts = [label(runner)]
    if image:
        parts.append(image)
    return ", ".join([*parts, network_label(network)])


def runners(nodes: Iterable[Node], told: Told) -> str:
    """What a job may be confined by: for who is about to book."""
    found = [_of(node, told) for node in nodes]
    offered = sorted({label(one) for each in found for one in each.runners})
    if all(each.networks == ("none",) for each in found):
        return gettext("%s, no network") % ", ".join(offered)
    return gettext("%s; no network unless a job asks for it and the owner allows it") % ", ".join(offered)
