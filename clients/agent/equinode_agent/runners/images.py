"""Names of images: always with the registry they are at and the digest they must have."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass

# github.com/opencontainers/distribution-spec and github.com/distribution/reference, without tags: a tag
# says what somebody may change tomorrow. Without a registry, engines guess one.
IMAGE = re.compile(
    r"(?P<registry>[a-z0-9.-]+(?:\.[a-z0-9-]+|:[0-9]{1,5})(?::[0-9]{1,5})?|localhost)"
    r"/(?P<path>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
    r"@(?P<digest>sha256:[0-9a-f]{64})"
)
LONGEST = 255
# Where anybody may fetch. An engine goes wherever a name tells it, so no other host unless the owner says so.
PUBLIC = (
    "docker.io/*",
    "ghcr.io/*",
    "quay.io/*",
    "nvcr.io/*",
    "registry.gitlab.com/*",
    "mcr.microsoft.com/*",
    "public.ecr.aws/*",
    "registry.access.redhat.com/*",
)


@dataclass(frozen=True)
class Image:
    registry: str
    path: str
    digest: str

    @classmethod
    def read(cls, text: str) -> Image:
        """ValueError unless it is registry/path@sha256:digest."""
        found = IMAGE.fullmatch(text)
        if found is None or len(text) > LONGEST:
            raise ValueError(f"“{text[:80]}” is not registry/name@sha256:digest")
        return cls(found["registry"], found["path"], found["digest"])

    @property
    def name(self) -> str:
        return f"{self.registry}/{self.path}"

    def __str__(self) -> str:
        return f"{self.name}@{self.digest}"

    def is_covered(self, patterns: Iterable[str]) -> bool:
        """Whether an owner's pattern, of a name or of a name with its digest, covers it."""
        return any(fnmatch.fnmatchcase(text, one) for one in patterns for text in (self.name, str(self)))
