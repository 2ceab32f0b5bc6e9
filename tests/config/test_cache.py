"""Pages while Redis is away."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
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
from common.error_counts import connected
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


# --- a broker that hangs: it takes calls and answers none ---
class Hanging:
    """Listens, and says nothing. Counts who called."""

    def __init__(self) -> None:
        self.calls: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        with suppress(OSError):  # shut
            while True:
                self.calls.append(self._listener.accept()[0])

    def shut(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for call in self.calls:
            call.close()


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    broker = Hanging()
    default = real.CACHES["default"] | {
        "LOCATION": f"redis://127.0.0.1:{broker.port}",
        "OPTIONS": real.CACHE_WAITS | {"socket_timeout": 0.05},  # as the site, and quicker
    }
    with override_settings(CACHES={"default": default}, SESSION_ENGINE=real.SESSION_ENGINE):
        yield broker
    broker.shut()


def test_a_broker_that_hangs_is_asked_once_and_then_let_rest(
    hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail without the rest: signing in asked seven times, each for as long as it waits."""
    for _again in range(5):
        assert cache.get("a", "nothing") == "nothing"
    with pytest.raises(RedisError):
        cache.get(f"{COUNTED}account:login:5/60/ip:ip:127.0.0.1")
    assert len(hanging.calls) == 1
    monkeypatch.setattr("config.cache._rests_until", {})
    assert cache.get("a", "nothing") == "nothing"
    assert len(hanging.calls) == 2, "after the rest it is asked again"


@pytest.mark.django_db
def test_while_the_broker_hangs_who_signs_in_is_told_so_after_one_call(
    client: Client, ada: User, hanging: Hanging
) -> None:
    answer = client.post("/accounts/login/", {"login": ada.email, "password": "wrong"})
    assert answer.status_code == 503
    assert "nobody can sign in" in answer.content.decode()
    assert len(hanging.calls) == 1


def test_no_call_to_the_broker_holds_a_page_for_longer_than_a_second() -> None:
    waits = cache_client_waits()
    assert waits == {"socket_connect_timeout": 1, "socket_timeout": 1}


def cache_client_waits() -> dict[str, object]:
    """What a connection of the site's cache is really made with."""
    with override_settings(CACHES=real.CACHES):
        pool = cache._cache.get_client(write=True).connection_pool
        asked = ("socket_connect_timeout", "socket_timeout")
        return {name: pool.connection_kwargs[name] for name in asked}


def test_errors_are_counted_without_trying_again(hanging: Hanging, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.error_counts.WAIT", 0.05)
    broker = connected(f"redis://127.0.0.1:{hanging.port}")
    with pytest.raises(RedisError):
        broker.hlen("errors")
    assert len(hanging.calls) == 1
