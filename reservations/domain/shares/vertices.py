"""What a share tree consists of, as read."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


class FaultyTree(ValueError):
    """No share tree: the sentence says which vertex is at fault."""


@dataclass(frozen=True, slots=True)
class Vertex:
    """An account or a project, as read. `shares` is None where the parent's shares are used."""

    key: str
    parent: str | None
    shares: int | None
    usage: Fraction | int = 0  # leaves only; an account's is the sum of its children's
    is_leaf: bool = False
