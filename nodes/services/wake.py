"""Telling who waits that something changed. A lost message costs seconds: the database knows all of it."""

from __future__ import annotations

import json
import logging
from functools import cache, partial
from typing import Any
from uuid import UUID

import redis
from django.conf import settings
from django.db import transaction
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)


def agent_channel(node_uid: UUID) -> str:
    return f"agent:{node_uid}"


def lease_channel(reference: str) -> str:
    return f"lease:{reference}"


def wake_agent(node_uid: UUID) -> None:
    """Let the node's long-poll look again, once this transaction is committed."""
    transaction.on_commit(partial(_publish, agent_channel(node_uid), {"type": "work"}))


def announce(reference: str, payload: dict[str, Any]) -> None:
    """Tell who watches this reference, once this transaction is committed."""
    transaction.on_commit(partial(_publish, lease_channel(reference), payload))


def _publish(channel: str, payload: dict[str, Any]) -> None:
    try:
        _redis(settings.REDIS_URL).publish(channel, json.dumps(payload))
    except redis.RedisError as exc:
        logger.warning("could not publish on %s: %s", channel, exc)


@cache
def _redis(url: str) -> redis.Redis:
    # No retries and short waits: a request must not hang because nobody could be told.
    return redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))
