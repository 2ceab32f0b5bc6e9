"""The cache, such that a page outlives it: without Redis everything is a miss, read from the database.

What counts attempts (to sign in, to reset a password) is no page: there a miss would be a free try.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError, TimeoutError

logger = logging.getLogger(__name__)

T = TypeVar("T")


# allauth's rate limits. Sessions are not here: they live in the database alone (config/settings.py).
COUNTED = "allauth:rl:"
REST = 5.0  # seconds in which a broker that did not answer is not asked again
_rests_until: dict[str, float] = {}  # by the broker's address, for all threads of this process


class ForgivingRedisCache(RedisCache):
    """Reads miss and writes are dropped while Redis is away.

    Deleting and counting still fail aloud; `config.middleware.RefuseWithoutRedis` makes a page of it.
    """

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return self._or(default, key, lambda: super(ForgivingRedisCache, self).get(key, default, version))

    def get_many(self, keys: Any, version: int | None = None) -> dict[str, Any]:
        return self._or({}, "", lambda: super(ForgivingRedisCache, self).get_many(keys, version))

    def has_key(self, key: str, version: int | None = None) -> bool:
        return self._or(False, key, lambda: super(ForgivingRedisCache, self).has_key(key, version))

    def add(self, key: str, *args: Any, **options: Any) -> bool:
        return self._or(True, key, lambda: super(ForgivingRedisCache, self).add(key, *args, **options))

    def set(self, key: str, *args: Any, **options: Any) -> None:
        self._or(None, key, lambda: super(ForgivingRedisCache, self).set(key, *args, **options))

    def set_many(self, *args: Any, **options: Any) -> list[Any]:
        return self._or([], "", lambda: super(ForgivingRedisCache, self).set_many(*args, **options))

    def touch(self, key: str, *args: Any, **options: Any) -> bool:
        return self._or(False, key, lambda: super(ForgivingRedisCache, self).touch(key, *args, **options))

    def count(self, key: str, seconds: int) -> int | None:
        """How often this was called with this key, in one round trip; None while Redis is away."""

        def ask() -> int:
            name = self.make_and_validate_key(key)
            with self._cache.get_client(name, write=True).pipeline(transaction=False) as pipe:
                pipe.incr(name)
                pipe.expire(name, seconds)
                return int(pipe.execute()[0])

        return self._or(None, key, ask)

    def _or(self, otherwise: T, key: str, ask: Callable[[], T]) -> T:
        try:
            return self._asked(ask)
        except RedisError as exc:
            if key.startswith(COUNTED):
                raise
            logger.warning("the cache is away: %s", exc)
            return otherwise

    def _asked(self, ask: Callable[[], T]) -> T:
        """A page asks several times: of a broker that hangs only the first of all pages waits."""
        broker = str(self._servers)  # type: ignore[attr-defined]  # django-stubs leave it out
        if time.monotonic() < _rests_until.get(broker, 0):
            raise TimeoutError("it did not answer a moment ago")
        try:
            return ask()
        except TimeoutError:
            _rests_until[broker] = time.monotonic() + REST
            raise


class LocalCache(LocMemCache):
    """The same for one process, as tests have it."""

    def count(self, key: str, seconds: int) -> int:
        self.add(key, 0, seconds)
        return self.incr(key)
