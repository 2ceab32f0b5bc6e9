"""The Equinode agent: serves one node, speaks docs/agent-protocol.md, imports nothing of the site."""

from __future__ import annotations

__version__ = "0.1.0"
