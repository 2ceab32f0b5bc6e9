from __future__ import annotations

import json
import logging
from uuid import uuid4

import pytest
import redis
from django.conf import settings
from django.db import transaction

from nodes.services import wake


@pytest.mark.django_db(transaction=True)
def test_what_is_announced_arrives_after_the_commit_and_not_before() -> None:
    reference = f"run-{uuid4()}"
    with redis.Redis.from_url(settings.REDIS_URL) as client, client.pubsub() as ear:
        ear.subscribe(f"lease:{reference}")
        assert ear.get_message(timeout=20)["type"] == "subscribe"
        with transaction.atomic():
            wake.announce(reference, {"type": "log", "seq": 1, "text": "é"})
            assert ear.get_message(timeout=0.1) is None
        message = ear.get_message(timeout=20)
        assert json.loads(message["data"]) == {"type": "log", "seq": 1, "text": "é"}


@pytest.mark.django_db(transaction=True)
def test_redis_away_is_logged_and_never_raised(
    settings: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = "unix:///nowhere/valkey.sock"  # type: ignore[attr-defined]
    with caplog.at_level(logging.WARNING), transaction.atomic():
        wake.wake_agent(uuid4())
    assert "could not publish on agent:" in caplog.text
