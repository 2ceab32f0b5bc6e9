"""What is swept in this app; each calls a service."""

from __future__ import annotations

from celery import shared_task

from common import clock
from nodes.services import agent_calls


@shared_task(ignore_result=True)
def forget_old_calls() -> None:
    agent_calls.forget_old(at=clock.now())
