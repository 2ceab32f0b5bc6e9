"""Sentences about what accounts knows, for pages and for programs."""

from __future__ import annotations
