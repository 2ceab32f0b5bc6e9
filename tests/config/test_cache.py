"""Pages while Redis is away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.test import Client, override_settings
from redis.exceptions import RedisError

from accounts.models import User
from config import settings as real

# Nothing listens at this port of one's own machine (RFC 6335: tcpmux, which nobody serves).
NOWHERE = {"default": {"BACKEND": "config.cache.ForgivingRedisCache", "LOCATION": "redis://127.0.0.1:1"}}
WITHOUT_REDIS = {"CACHES": NOWHERE, "SESSION_ENGINE": "django.contrib.sessions.backends.cached_db"}


@pytest.fixture
def without_redis() -> Iterator[None]:
    with override_settings(**WITHOUT_REDIS):
        yield


def test_everything_is_a_miss(without_redis: None) -> None:
    cache.set("a", 1)
    cache.set_many({"a": 1})
    assert cache.get("a", "nothing") == "nothing"
    assert cache.get_many(["a"]) == {}
    assert cache.get_or_set("a", lambda: 2) == 2
    assert "a" not in cache
    assert cache.add("a", 1)
    assert not cache.touch("a")


def test_what_must_be_gone_is_not_said_to_be(without_redis: None) -> None:
    with pytest.raises(RedisError):
        cache.delete("a")


@pytest.mark.django_db
def test_who_is_signed_in_stays_so(client: Client, ada: User) -> None:
    client.force_login(ada)
    with override_settings(**WITHOUT_REDIS):
        assert client.get("/me/").status_code == 200
        assert client.get("/accounts/login/").status_code == 302  # to where one was going
        assert Client().get("/").status_code == 200


def test_under_asgi_too(without_redis: None) -> None:
    assert async_to_sync(cache.aget)("a", "nothing") == "nothing"
    async_to_sync(cache.aset)("a", 1)


def test_the_site_uses_this_cache() -> None:
    assert real.CACHES["default"]["BACKEND"] == NOWHERE["default"]["BACKEND"]
