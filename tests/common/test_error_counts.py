"""Errors of the last day: counted by kind, without a word of anybody's, and never in the way."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from redis import Redis

from common import clock, error_counts
from common.error_counts import Counted, ErrorCounts, connected, count, counted, fingerprint

NOW = datetime(2026, 11, 24, 9, 42, tzinfo=UTC)


@pytest.fixture
def handler() -> Iterator[ErrorCounts]:
    handler = ErrorCounts(settings.REDIS_URL, prefix=f"test-{uuid4()}")
    yield handler
    for key in handler.redis.scan_iter(f"{handler.prefix}:*"):
        handler.redis.delete(key)
    handler.redis.close()
    handler.close()


@pytest.fixture
def log(handler: ErrorCounts) -> Iterator[logging.Logger]:
    log = logging.getLogger(f"reservations.{uuid4()}")
    log.addHandler(handler)
    yield log
    log.removeHandler(handler)


def seen(handler: ErrorCounts) -> list[Counted]:
    found = counted(handler.redis, clock.now(), prefix=handler.prefix)
    assert found is not None
    return found


def fail(log: logging.Logger, who: str) -> None:
    try:
        raise ValueError(f"{who} has no grant")
    except ValueError:
        log.exception("run %s could not follow", who)


def test_the_same_error_twice_is_one_kind_counted_twice(handler: ErrorCounts, log: logging.Logger) -> None:
    fail(log, "ada@example.org")
    fail(log, "lena@example.org")
    (one,) = seen(handler)
    assert (one.count, one.error.exception, one.error.message) == (2, "ValueError", "run %s could not follow")
    assert one.error.place.startswith("tests/common/test_error_counts.py:")
    assert one.error.place.endswith(" fail")


def test_other_errors_are_other_kinds_and_the_latest_stands_first(
    handler: ErrorCounts, log: logging.Logger
) -> None:
    log.error("first %d", 1)
    log.error("second %d", 2)
    assert [one.error.message for one in seen(handler)] == ["second %d", "first %d"]


def test_warnings_are_no_errors(handler: ErrorCounts, log: logging.Logger) -> None:
    log.warning("the cache is away")
    assert seen(handler) == []


def test_nothing_of_what_people_wrote_is_kept(handler: ErrorCounts, log: logging.Logger) -> None:
    secret = "eqn_4c1f0a9be2d74a7f"
    fail(log, "quirina@example.org")
    log.error(f"token {secret} of quirina@example.org from 192.0.2.7 with password='hunter2' failed")
    log.error("token %s refused", secret)
    kept = b""  # the logger has a random name of hexadecimal digits: look for what none can spell
    for key in handler.redis.scan_iter(f"{handler.prefix}:*"):
        # Not as DUMP writes it: that may be compressed, and then holds no word as it was written.
        of_hour = handler.redis.type(key) == b"hash"
        kept += str(handler.redis.hgetall(key) if of_hour else handler.redis.get(key)).encode()
    for private in (b"quirina", b"example", secret.encode(), b"192.0.2", b"hunter2"):
        assert private not in kept
    assert b"failed" in kept


def test_what_is_older_than_a_day_is_forgotten(handler: ErrorCounts) -> None:
    record = logging.LogRecord("a", logging.ERROR, "/a/b/c.py", 7, "broken %s", (1,), None, "work")
    for hours in (0, 5, 23, 26, 48):
        count(handler.redis, fingerprint(record), NOW - timedelta(hours=hours), prefix=handler.prefix)
    (one,) = counted(handler.redis, NOW, prefix=handler.prefix) or []
    assert one.count == 3
    for key in handler.redis.scan_iter(f"{handler.prefix}:*"):
        assert 0 < handler.redis.ttl(key) <= 25 * 3600


def test_without_redis_logging_goes_on_and_nobody_can_tell(log: logging.Logger) -> None:
    away = ErrorCounts("redis://127.0.0.1:9/0", prefix="test")
    log.addHandler(away)
    log.error("broken %s", "x")
    log.removeHandler(away)
    assert counted(away.redis, NOW) is None
    away.close()


def test_a_redis_that_swallows_everything_holds_nobody_up_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_counts, "WAIT", 0.25)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        handler = ErrorCounts(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", prefix="test")
        calls = []
        for _number in range(20):
            handler.handle(logging.LogRecord("a", logging.ERROR, "c.py", 7, "broken", (), None))
            calls.append(_calls(silent))
        assert calls[0] > 0
        assert calls[1:] == [0] * 19  # it waited for the first, and asked no more
        handler.redis.close()
        handler.close()


def _calls(server: socket.socket) -> int:
    """How many have called this server since it was looked at last."""
    server.setblocking(False)
    calls = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            server.accept()[0].close()
            calls += 1
    return calls


def test_the_sites_own_logging_counts_errors() -> None:
    redis: Redis = connected(settings.REDIS_URL)
    logging.getLogger("reservations.services.test").error("counted by the site %s", "itself")
    found = counted(redis, clock.now(), prefix=settings.ERRORS_PREFIX) or []
    redis.close()
    assert "counted by the site %s" in [one.error.message for one in found]


@pytest.mark.parametrize(
    ("template", "message"), [("%s: %s", ""), ("%(what)s", ""), ("run %s could not follow", None)]
)
def test_a_message_of_placeholders_alone_says_nothing_and_is_left_out(
    template: str, message: str | None
) -> None:
    record = logging.LogRecord("django.request", logging.ERROR, __file__, 1, template, ("a", "b"), None)
    assert fingerprint(record).message == (template if message is None else message)
