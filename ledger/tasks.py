"""The sweep that gives entries their index and signs. The beat is in config/celery.py."""

from __future__ import annotations

from celery import shared_task

from common import clock
from ledger import services


@shared_task(ignore_result=True)
def sequence() -> None:
    services.sequence(at=clock.now())
