"""Errors of the last day, counted by where and what they are: enough to see that something breaks, and where.

Kept in Redis for a day. No message, argument or value is kept, only the text that the program has for
all of them: what people wrote or who they are never comes here.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

KEPT = timedelta(hours=24)
REST = timedelta(seconds=30)  # without Redis it is not asked again for so long
WAIT = 0.25  # seconds: who waits so long for counting and reading only has waited enough
MOST = 200  # kinds of errors in an hour; what is new beyond them is not kept
_BASE = Path(__file__).resolve().parent.parent
_PLACEHOLDER = re.compile(r"%(\(\w+\))?[-#0 +]*[\d.*]*[a-zA-Z%]")
# Where a message was put together before it was logged: whatever might be somebody's.
_PERHAPS_PRIVATE = re.compile(r"\S*[@/=:\"'\d]\S*|\S{25,}")


@dataclass(frozen=True)
class Fingerprint:
    """What tells one kind of error from another."""

    logger: str
    place: str  # file, line and function
    exception: str  # its type
    message: str  # as the program has it, without values

    @property
    def key(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Counted:
    """One kind of error of the last day."""

    error: Fingerprint
    count: int
    last_at: datetime


def fingerprint(record: logging.LogRecord) -> Fingerprint:
    exc_type, _exc, trace = record.exc_info or (None, None, None)
    place = _place(trace) or f"{_short(record.pathname)}:{record.lineno} {record.funcName}"
    template = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
    message = template if record.args else _PERHAPS_PRIVATE.sub("…", template)
    if record.args and not any(map(str.isalpha, _PLACEHOLDER.sub("", template))):
        message = ""  # "%s: %s", as Django writes of every answer that failed
    return Fingerprint(record.name, place, exc_type.__name__ if exc_type else "", message[:200])


class ErrorCounts(logging.Handler):
    """Counts records by fingerprint. It never raises, and hardly waits while Redis is away."""

    def __init__(self, url: str, prefix: str = "errors") -> None:
        super().__init__(logging.ERROR)
        self.redis, self.prefix = connected(url), prefix
        self._rests_until = datetime.min.replace(tzinfo=UTC)
        self._inside = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        at = datetime.fromtimestamp(record.created, UTC)
        if getattr(self._inside, "yes", False) or at < self._rests_until:
            return  # an error of counting errors is not counted
        self._inside.yes = True
        try:
            count(self.redis, fingerprint(record), at, prefix=self.prefix)
        except (RedisError, OSError):
            self._rests_until = at + REST
        except Exception:
            self.handleError(record)
        finally:
            self._inside.yes = False


def connected(url: str) -> Redis:
    """For counting and reading only."""
    return Redis.from_url(url, socket_timeout=WAIT, socket_connect_timeout=WAIT, retry=Retry(NoBackoff(), 0))


def count(redis: Redis, error: Fingerprint, at: datetime, *, prefix: str = "errors") -> None:
    """One more, in this hour. Hours are kept apart, so that a day's count forgets what is older."""
    if not redis.hexists(_hour(prefix, at), error.key) and redis.hlen(_hour(prefix, at)) >= MOST:
        return
    with redis.pipeline(transaction=False) as pipe:
        pipe.hincrby(_hour(prefix, at), error.key, 1)
        pipe.expire(_hour(prefix, at), KEPT + timedelta(hours=1))
        pipe.set(f"{prefix}:{error.key}", json.dumps({**asdict(error), "last_at": at.isoformat()}), ex=KEPT)
        pipe.execute()


def counted(redis: Redis, now: datetime, *, prefix: str = "errors") -> list[Counted] | None:
    """The errors of the last day, the latest first; None where Redis does not tell."""
    try:
        return sorted(_counted(redis, now, prefix), key=lambda one: one.last_at, reverse=True)
    except (RedisError, OSError):
        return None


def _counted(redis: Redis, now: datetime, prefix: str) -> Iterator[Counted]:
    with redis.pipeline(transaction=False) as pipe:
        for hours in range(25):
            pipe.hgetall(_hour(prefix, now - timedelta(hours=hours)))
        counts: dict[str, int] = {}
        for hour in pipe.execute():
            for key, value in hour.items():
                counts[key.decode()] = counts.get(key.decode(), 0) + int(value)
    keys = list(counts)
    kept = cast("list[bytes | None]", redis.mget([f"{prefix}:{key}" for key in keys])) if keys else []
    for key, value in zip(keys, kept, strict=True):
        if value is not None:
            fields: dict[str, Any] = json.loads(value)
            last_at = datetime.fromisoformat(fields.pop("last_at"))
            yield Counted(Fingerprint(**fields), counts[key], last_at)


def _hour(prefix: str, at: datetime) -> str:
    return f"{prefix}:hour:{at.astimezone(UTC):%Y%m%d%H}"


def _place(trace: TracebackType | None) -> str:
    """The innermost line of our own that led there, else the first of all."""
    found = ""
    while trace is not None:
        code = trace.tb_frame.f_code
        is_ours = code.co_filename.startswith(str(_BASE)) and "site-packages" not in code.co_filename
        if is_ours or not found:
            found = f"{_short(code.co_filename)}:{trace.tb_lineno} {code.co_name}"
        trace = trace.tb_next
    return found


def _short(path: str) -> str:
    return "/".join(Path(path).parts[-3:])
