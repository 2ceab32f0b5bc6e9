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


# Refusals (docs/agent-protocol.md, "Notes") of the image that a job named: who named it could have known.
# What an owner allows is the owner's to say, and to change.
OF_ITS_IMAGE = frozenset({"image_name", "no_image", "image_digest", "image_shell"})


def is_asked_for(notes: Sequence[Mapping[str, Any]], specification: Mapping[str, Any]) -> bool:
    """Whether a job was refused for its image and nothing else; what has none cannot be, whatever is told."""
    codes = {note.get("code") for note in notes}
    return bool(specification.get("image")) and bool(codes) and codes <= OF_ITS_IMAGE


def is_image(text: str) -> bool:
    return len(text) <= LONGEST_IMAGE and IMAGE.fullmatch(text) is not None


@dataclass(frozen=True)
class Confinement:
    """What an agent does not tell of is not offered, but images, which every engine fetches."""

    runners: tuple[str, ...]  # the usual one first
    networks: tuple[str, ...]
    hosts: tuple[str, ...]  # what network "list" reaches
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
    networks = _texts(rules.get("networks")) or ()
    return Confinement(
        runners=tuple(dict.fromkeys([usual, *(one for one in RUNNERS if one in found)])),
        networks=tuple(one for one in NETWORKS if one == "none" or one in networks),
        hosts=_texts(rules.get("network_list")) or (),
        images=_texts(rules.get("images")),
    )


def _texts(value: object) -> tuple[str, ...] | None:
    """An agent is a stranger's program: what is not a list of texts was not told."""
    if not isinstance(value, list) or not all(isinstance(one, str) and len(one) <= 300 for one in value):
        return None
    return tuple(value[:MOST_TOLD])
