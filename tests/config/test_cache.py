"""Pages while Redis is away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from unittest.mock import patch

import pytest
from asgiref.sync import async_to_sync
from django.core import mail
from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from redis.exceptions import RedisError

from accounts.models import User
from config import settings as real
from config.cache import COUNTED
from config.middleware import RefuseWithoutRedis

# Nothing listens at this port of one's own machine (RFC 6335: tcpmux, which nobody serves).
NOWHERE = {"default": {"BACKEND": "config.cache.ForgivingRedisCache", "LOCATION": "redis://127.0.0.1:1"}}
WITHOUT_REDIS = {"CACHES": NOWHERE, "SESSION_ENGINE": real.SESSION_ENGINE}


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


@pytest.mark.parametrize(
    "ask",
    [
        lambda key: cache.get(key, []),
        lambda key: cache.set(key, [1.0]),
        lambda key: cache.add(key, True),
    ],
)
def test_an_attempt_that_cannot_be_counted_is_none(without_redis: None, ask: Callable[[str], object]) -> None:
    """An empty answer here would be a first attempt, again and again."""
    with pytest.raises(RedisError):
        ask(f"{COUNTED}account:login:5/60/ip:ip:127.0.0.1")


@pytest.mark.django_db
def test_allauth_counts_under_the_name_that_is_looked_for(client: Client, ada: User) -> None:
    asked: list[str] = []
    with patch.object(LocMemCache, "set", lambda self, key, *args, **options: asked.append(key)):
        client.post("/accounts/login/", {"login": ada.email, "password": "wrong"})
    assert asked
    assert all(key.startswith(COUNTED) for key in asked)


SIGN_UP = {"email": "new@example.org", "password1": "a long enough one", "password2": "a long enough one"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/accounts/login/", {"login": "ada@example.org", "password": "correct horse battery"}),
        ("/accounts/signup/", SIGN_UP),
        ("/accounts/password/reset/", {"email": "ada@example.org"}),
    ],
)
def test_what_counts_attempts_is_refused_with_a_sentence_and_when_to_come_back(
    client: Client, ada: User, path: str, form: dict[str, str]
) -> None:
    users = User.objects.count()
    with override_settings(**WITHOUT_REDIS):
        assert client.get(path, follow=True).status_code == 200
        answer = client.post(path, form)
    assert answer.status_code == 503
    assert answer["Retry-After"] == "10"
    assert "nobody can sign in" in answer.content.decode()
    assert "Content-Security-Policy" in answer
    assert "_auth_user_id" not in client.session
    assert User.objects.count() == users
    assert mail.outbox == []


@pytest.mark.django_db
def test_who_signs_out_meanwhile_stays_signed_out(client: Client, ada: User) -> None:
    client.force_login(ada)
    key = client.session.session_key
    with override_settings(**WITHOUT_REDIS):
        assert client.post("/accounts/logout/").status_code == 302
    client.cookies["sessionid"] = key  # what somebody may have copied
    assert client.get("/me/").status_code == 302


@pytest.mark.django_db
def test_the_limit_holds_again_when_redis_is_back(client: Client, ada: User) -> None:
    form = {"login": ada.email, "password": "wrong"}
    answers = [client.post("/accounts/login/", form) for _ in range(4)]
    with override_settings(**WITHOUT_REDIS):
        assert {client.post("/accounts/login/", form).status_code for _ in range(20)} == {503}
    answers += [client.post("/accounts/login/", form) for _ in range(3)]
    assert "Too many attempts to sign in failed." in answers[-1].content.decode()


def test_no_other_fault_is_taken_for_redis() -> None:
    middleware = RefuseWithoutRedis(lambda request: HttpResponse())
    assert middleware.process_exception(HttpRequest(), RuntimeError()) is None


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
