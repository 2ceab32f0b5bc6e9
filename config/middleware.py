"""What every answer carries, and the answer while Redis or PostgreSQL is away."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.decorators import sync_and_async_middleware
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from common.access import NOT_KEPT
from common.http import problem
from config.away import is_database_away, without_database

logger = logging.getLogger(__name__)

POLICY = "; ".join(
    [
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)


@sync_and_async_middleware
def content_security_policy(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """No inline script or style, nothing from anybody else. Async too: it guards event streams."""
    if iscoroutinefunction(get_response):

        async def later(request: HttpRequest) -> HttpResponseBase:
            return _guarded(await get_response(request))

        return later

    def now(request: HttpRequest) -> HttpResponseBase:
        return _guarded(get_response(request))

    return now


def _guarded(response: HttpResponseBase) -> HttpResponseBase:
    response.headers.setdefault("Content-Security-Policy", POLICY)
    return response


@sync_and_async_middleware
def explain_form_addresses(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Who opens the address that a form is sent to, from the history perhaps, is told and led on."""
    if iscoroutinefunction(get_response):

        async def later(request: HttpRequest) -> HttpResponseBase:
            response: HttpResponseBase = await get_response(request)
            if _is_bare(request, response):
                return await sync_to_async(_explained)(request, response)
            return response

        return later

    def now(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        return _explained(request, response) if _is_bare(request, response) else response

    return now


def _is_bare(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Programs have their own answers; a browser shows a page of its own for one without a body."""
    is_page = request.method == "GET" and not request.path.startswith(("/api/", "/agent/"))
    return is_page and isinstance(response, HttpResponseNotAllowed) and not response.content


def _explained(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    page = render(request, "405.html", status=HTTPStatus.METHOD_NOT_ALLOWED)
    page.headers["Allow"] = response.headers["Allow"]
    return page


@sync_and_async_middleware
def keep_private(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """A page with its reader's name on it is kept by their browser alone; a refusal, by nobody."""
    if iscoroutinefunction(get_response):

        async def later(request: HttpRequest) -> HttpResponseBase:
            return _private(request, await get_response(request))

        return later

    def now(request: HttpRequest) -> HttpResponseBase:
        return _private(request, get_response(request))

    return now


def _private(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    user = getattr(request, "user", None)
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        response.headers.setdefault("Cache-Control", NOT_KEPT)
    elif user is not None and user.is_authenticated:
        response.headers.setdefault("Cache-Control", "private, no-cache")
    return response


class _Refuse:
    """Passes everything on; what a view raises comes to `process_exception`."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request)


class RefuseWithoutDatabase(_Refuse):
    """503 for what could not ask PostgreSQL. What fails before the view comes to the page for errors."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return without_database(request, exception) if is_database_away(exception) else None


class RefuseWithoutRedis(_Refuse):
    """503 for what cannot be done without Redis: above all what counts attempts, such as signing in."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, RedisError):
            return None
        logger.error("refused without Redis: %s %s: %s", request.method, request.path, exception)
        if request.path.startswith("/api/"):
            page: HttpResponse = problem(503, "unavailable", _("This cannot be done for the moment."))
        else:
            page = render(request, "503.html", status=503)
        page.headers["Retry-After"] = "10"  # seconds: usually it is back by then
        return page
