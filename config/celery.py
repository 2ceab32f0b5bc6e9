"""The Celery application: which queues there are and what beats."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

from celery import Celery

from reservations.domain.sweeps import EVERY

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# A worker of its own serves "tick": what a waiting job depends on must not queue behind anything long.
TICK = frozenset({"dispatch_due", "reap"})

app = Celery("equinode")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.task_default_queue = "default"


def _beat(name: str) -> dict[str, Any]:
    seconds = EVERY[name].total_seconds()
    return {
        "task": f"reservations.tasks.{name}",
        "schedule": seconds,
        # Due at the first start: a new site does not wait a whole turn for what comes seldom.
        "last_run_at": datetime(2000, 1, 1, tzinfo=UTC),
        # What nobody took within one turn is dropped: after an outage one sweep does it all.
        "options": {"queue": "tick" if name in TICK else "default", "expires": max(5.0, seconds)},
    }


app.conf.beat_schedule = {name: _beat(name) for name in EVERY}
