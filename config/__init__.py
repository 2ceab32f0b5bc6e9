"""Settings, addresses, servers: what ties the apps together and belongs to none."""

from __future__ import annotations

from config.celery import app as celery_app

__all__ = ["celery_app"]
