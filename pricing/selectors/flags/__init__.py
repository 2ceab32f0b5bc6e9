"""Flags of statements as everybody reads them, with their place among peers.

The tables of all of them, for files, are in `data`.
"""

from __future__ import annotations

from pricing.selectors.flags.boards import Board, FlaggedNode, board, flag_counts, flags_of, flags_of_draft
from pricing.selectors.flags.shown import ShownFlag, flag_json, shown

__all__ = [
    "Board",
    "FlaggedNode",
    "ShownFlag",
    "board",
    "flag_counts",
    "flag_json",
    "flags_of",
    "flags_of_draft",
    "shown",
]
