"""Prices and nodes for programs: under /api/v1/."""

from __future__ import annotations
