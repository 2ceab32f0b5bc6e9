"""Remembering when each sweep last finished, so that one that stopped is seen on /status/."""

from __future__ import annotations

from datetime import datetime, timedelta

from reservations.models import Sweep


def record(*, name: str, finished_at: datetime, took: timedelta) -> None:
    """One statement: sweeps come every second."""
    row = Sweep(name=name, finished_at=finished_at, took_ms=took // timedelta(milliseconds=1))
    Sweep.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["name"], update_fields=["finished_at", "took_ms"]
    )
