"""What keeps jobs apart on a node and what they may reach there, as its agent told of it.

The owner's own rules, in a file on the node, hold whatever stands here: this only saves people from
asking for what will be refused.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BUBBLEWRAP, PODMAN, DOCKER = "bubblewrap", "podman", "docker"
RUNNERS = (BUBBLEWRAP, PODMAN, DOCKER)
WITH_IMAGES = frozenset({PODMAN, DOCKER})
NETWORKS = ("none", "internet", "list")
LONGEST_IMAGE = 255
# As clients/agent/equinode_agent/runners/images.py reads it: a registry, a name, a digest; no tag, since a
# tag says what somebody may change tomorrow.
IMAGE = re.compile(
    r"([a-z0-9.-]+(\.[a-z0-9-]+|:[0-9]{1,5})(:[0-9]{1,5})?|localhost)"
    r"/[a-z0-9]+([._/-]+[a-z0-9]+)*@sha256:[0-9a-f]{64}"
)
MOST_TOLD = 100


# Refusals (docs/agent-protocol.md, "Notes") of what the job itself asked for: who booked could have known.
ASKED_FOR = frozenset(
    {"image_name", "no_image", "image_digest", "image_size", "image_shell", "image_late"}
    | {"owner_image", "owner_network", "no_network"}
)


def is_asked_for(notes: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a job was refused for what it asked for, and not for what its node is or its owner does."""
    return any(note.get("code") in ASKED_FOR for note in notes)


def is_image(text: str) -> bool:
    return len(text) <= LONGEST_IMAGE and IMAGE.fullmatch(text) is not None


@dataclass(frozen=True)
class Confinement:
    """None: its agent did not tell, so that only the node itself knows."""

    runners: tuple[str, ...]  # the usual one first
    networks: tuple[str, ...] | None
    hosts: tuple[str, ...] | None  # what network "list" reaches
    images: tuple[str, ...] | None  # patterns of names

    def allows_image(self, image: str) -> bool:
        if self.images is None:
            return True
        name = image.partition("@")[0]
        return any(fnmatch.fnmatchcase(text, one) for one in self.images for text in (name, image))


def read(usual: str, told: Mapping[str, Any]) -> Confinement:
    """`usual` is the runner that the node is listed with, `told` what its agent told last."""
    there = told.get("runtimes")
    found = there if isinstance(there, Mapping) else {}
    offers = told.get("offers")
    rules = offers if isinstance(offers, Mapping) else {}
    networks = _texts(rules.get("networks"))
    return Confinement(
        runners=tuple(dict.fromkeys([usual, *(one for one in RUNNERS if one in found)])),
        networks=None if networks is None else tuple(one for one in NETWORKS if one in networks),
        hosts=_texts(rules.get("network_list")),
        images=_texts(rules.get("images")),
    )


def _texts(value: object) -> tuple[str, ...] | None:
    """An agent is a stranger's program: what is not a list of texts was not told."""
    if not isinstance(value, list) or not all(isinstance(one, str) and len(one) <= 300 for one in value):
        return None
    return tuple(value[:MOST_TOLD])
