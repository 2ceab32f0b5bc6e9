"""The share tree, its exact arithmetic and the Fair Tree order."""

from __future__ import annotations

from reservations.domain.shares.levels import UNUSED, Compared, Comparison, Level, level_of
from reservations.domain.shares.tree import Tree
from reservations.domain.shares.vertices import FaultyTree, Vertex

__all__ = ["UNUSED", "Compared", "Comparison", "FaultyTree", "Level", "Tree", "Vertex", "level_of"]
