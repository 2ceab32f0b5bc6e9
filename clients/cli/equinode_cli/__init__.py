"""The command line of Equinode: speaks the public API of one or more sites, imports nothing of theirs."""

from __future__ import annotations

__version__ = "0.1.0"
