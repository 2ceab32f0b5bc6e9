"""Each person reads the site in their own language and time zone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone, translation
from django.utils.decorators import sync_and_async_middleware

from accounts.services.sessions import see
from common import clock


@sync_and_async_middleware
def PersonMiddleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Sets language and zone for the view. Async too: it stands in front of event streams.

    Under ASGI the person is fetched here, with `auser`, so that `request.user` is a plain object
    from here on and a coroutine may look at it.
    """
    if iscoroutinefunction(get_response):

        async def later(request: HttpRequest) -> HttpResponseBase:
            request.user = await request.auser()
            with _reading(request):
                return _in_their_language(await get_response(request))

        return later

    def now(request: HttpRequest) -> HttpResponseBase:
        with _reading(request):
            return _in_their_language(get_response(request))

    return now


@sync_and_async_middleware
def SeenMiddleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Notes now and then that a session is in use. An open event stream alone is no use of it."""
    if iscoroutinefunction(get_response):
        return get_response

    def now(request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = get_response(request)
        if request.user.is_authenticated:
            see(request.session, at=clock.now())
        return response

    return now


@contextmanager
def _reading(request: HttpRequest) -> Iterator[None]:
    user = request.user
    if not user.is_authenticated:  # the language was found by LocaleMiddleware
        with timezone.override(ZoneInfo(settings.VISITOR_TIME_ZONE)):
            yield
        return
    request.LANGUAGE_CODE = user.language
    with timezone.override(ZoneInfo(user.time_zone)), translation.override(user.language):
        yield


def _in_their_language(response: HttpResponseBase) -> HttpResponseBase:
    response.headers.setdefault("Content-Language", translation.get_language() or settings.LANGUAGE_CODE)
    return response
