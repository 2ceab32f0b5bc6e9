"""Language and time zone of whoever reads, in pages and in event streams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, RequestFactory
from django.utils import timezone, translation

from accounts.middleware import PersonMiddleware
from accounts.models import User


def seen(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{timezone.get_current_timezone_name()} {translation.get_language()} {request.user}")


def request_of(user: User | AnonymousUser) -> HttpRequest:
    request = RequestFactory().get("/")
    request.user = user

    async def auser() -> User | AnonymousUser:
        return user

    request.auser = auser
    return request


def test_a_person_reads_in_their_zone_and_language() -> None:
    ada = User(name="Ada", language="fr", time_zone="America/Cayenne")
    response = PersonMiddleware(seen)(request_of(ada))
    assert response.content == b"America/Cayenne fr Ada"
    assert response["Content-Language"] == "fr"


def test_a_visitor_reads_in_the_sites_zone() -> None:
    assert PersonMiddleware(seen)(request_of(AnonymousUser())).content.startswith(b"Europe/Paris en")


def test_what_was_set_for_one_does_not_stay_for_the_next() -> None:
    before = timezone.get_current_timezone_name(), translation.get_language()
    PersonMiddleware(seen)(request_of(User(language="fr", time_zone="America/Cayenne")))
    assert (timezone.get_current_timezone_name(), translation.get_language()) == before


def test_a_coroutine_may_look_at_the_person() -> None:
    async def view(request: HttpRequest) -> HttpResponse:
        return seen(request)

    handler: Callable[[HttpRequest], Any] = PersonMiddleware(view)
    assert iscoroutinefunction(handler)
    ada = User(name="Ada", language="fr", time_zone="America/Cayenne")
    assert async_to_sync(handler)(request_of(ada)).content == b"America/Cayenne fr Ada"


def test_a_stored_person_reaches_an_async_view_without_a_query_in_it(ada: User) -> None:
    client = AsyncClient()

    async def ask() -> HttpResponse:
        await client.aforce_login(ada)
        return await client.get("/me/")

    # Not asyncio.run: this way the queries run in this thread, in the test's own transaction.
    assert "ada@example.org" in async_to_sync(ask)().content.decode()
