"""Runs a job where it can do no harm: bubblewrap, control groups, limits, and a gate that opens on time."""

from __future__ import annotations
