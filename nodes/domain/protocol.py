"""Versions of the agent protocol: which ones of an agent's this site understands."""

from __future__ import annotations

import re
from dataclasses import dataclass

HEADER = "Equinode-Protocol"
_WRITTEN = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})")


@dataclass(frozen=True, order=True)
class Version:
    """A higher major changes what is there; a higher minor only adds, and what is added may be left out."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"

    def speaks_with(self, other: Version) -> bool:
        """One minor of skew either way: sites and agents are never updated in the same moment."""
        return self.major == other.major and abs(self.minor - other.minor) <= 1


SPOKEN = Version(1, 1)
# Of agents that do not say: they were written before versions were told.
UNTOLD = Version(1, 0)


def read(told: str | None) -> Version | None:
    """The version in a header; None for what is no version."""
    if told is None:
        return UNTOLD
    found = _WRITTEN.fullmatch(told.strip())
    return Version(int(found[1]), int(found[2])) if found else None


def taken() -> list[str]:
    """Every version that this site speaks with."""
    minors = (SPOKEN.minor - 1, SPOKEN.minor, SPOKEN.minor + 1)
    return [str(Version(SPOKEN.major, minor)) for minor in minors if minor >= 0]
