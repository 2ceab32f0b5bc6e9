"""Every command; each module adds its own to the group `equinode`."""

from __future__ import annotations

from equinode_cli.commands import booking, files, jobs, market, projects, sign_in, slots, tokens
from equinode_cli.commands.root import equinode

__all__ = ["booking", "equinode", "files", "jobs", "market", "projects", "sign_in", "slots", "tokens"]
