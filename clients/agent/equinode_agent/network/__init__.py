"""What a job may reach: nothing, the open internet, or its owner's list; never the owner's own network."""

from __future__ import annotations
