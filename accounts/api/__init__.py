"""People, their tokens, organisations and notices for programs: under /api/v1/."""

from __future__ import annotations
