"""Who may come in: a rule stands before a view, finds what the view is about, and can say whom it admits.

docs/permissions.md is rendered from these rules, and a test walks every address as everybody in the table.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import connections
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_noop
from django.views.defaults import permission_denied

from common.errors import DomainError

View = TypeVar("View", bound=Callable[..., Any])
Admit = Callable[[HttpRequest, dict[str, Any]], dict[str, Any]]


class Who(StrEnum):
    """Everybody in the table, seen from the thing that an address is about."""

    STRANGER = "stranger"  # not signed in
    OUTSIDER = "outsider"  # signed in; belongs to another project and another organisation
    MEMBER = "member"
    LEAD = "lead"
    OWNER = "owner"  # lead of the organisation that owns the node
    FUNDER = "funder"  # lead of the verified funder
    STEWARD = "steward"


class Verdict(StrEnum):
    ALLOWED = "allowed"
    SIGN_IN = "sign in"  # a page leads to the sign-in page; the API answers 401
    FORBIDDEN = "403"  # knows that it exists, has not the right
    HIDDEN = "404"  # is not told that it exists


class SignInNeeded(DomainError):
    code, status = "not_authenticated", 401


class NotAllowed(DomainError):
    """The person may know of the thing, and may not do this with it. The message says who may."""

    code, status = "permission_denied", 403


class FirstElsewhere(NotAllowed):
    """Something comes first, at `url`: a page leads there and back again, the API names it."""

    def __init__(self, message: str, *, url: str, **details: Any) -> None:
        super().__init__(message, url=url, **details)
        self.url = url


@dataclass(frozen=True)
class Rule:
    """Whom it admits, in words (`said`) and as a row of the table (`verdicts`).

    `admit` returns the arguments for the view: a rule about a project takes `slug` from the address and
    gives `project`. It raises SignInNeeded, NotAllowed or Http404.
    """

    name: str
    said: str
    verdicts: Mapping[Who, Verdict]
    admit: Admit = field(repr=False, compare=False)


def row(
    stranger: Verdict, outsider: Verdict, member: Verdict, lead: Verdict,
    owner: Verdict, funder: Verdict, steward: Verdict,
) -> dict[Who, Verdict]:  # fmt: skip
    """A line of the table, in its order."""
    return dict(zip(Who, (stranger, outsider, member, lead, owner, funder, steward), strict=True))


def without(argument: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    """What an address says beside the argument that a rule takes from it."""
    return {name: value for name, value in kwargs.items() if name != argument}


def _anyone(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    return kwargs


# The one rule that needs to know nobody; those about people are in accounts.access.
ANYONE = Rule("anyone", gettext_noop("Everybody"), dict.fromkeys(Who, Verdict.ALLOWED), _anyone)

Rules = Rule | Mapping[str, Rule]
NOT_KEPT = "private, no-store"


def guard(rules: Rules) -> Callable[[View], View]:
    """Put a rule, or one for each HTTP method, before a view. Other methods are answered 405.

    A single rule is for GET and HEAD; anything that changes something says so with a mapping.
    A coroutine is taken for a stream: who may not read it gets a status, and no page.
    """
    by_method = by_methods(rules)

    def decorate(view: View) -> View:
        if iscoroutinefunction(view):

            @wraps(view)
            async def later(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
                admitted = await sync_to_async(_to_stream)(by_method, request, kwargs)
                if isinstance(admitted, HttpResponseBase):
                    return admitted
                response = await cast("Awaitable[HttpResponseBase]", view(request, **admitted))
                return _kept(by_method, request, response)

            guarded: Any = later
        else:

            @wraps(view)
            def now(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
                admitted = _admitted(by_method, request, kwargs)
                if isinstance(admitted, HttpResponseBase):
                    return admitted
                return _kept(by_method, request, cast("HttpResponseBase", view(request, **admitted)))

            guarded = now
        guarded.access = by_method
        return cast("View", guarded)

    return decorate


def by_methods(rules: Rules) -> dict[str, Rule]:
    return {"GET": rules} if isinstance(rules, Rule) else dict(rules)


Admitted = dict[str, Any] | HttpResponseBase


def _method(request: HttpRequest) -> str:
    return "GET" if request.method == "HEAD" else str(request.method)


def _asked(by_method: Mapping[str, Rule], request: HttpRequest, kwargs: dict[str, Any]) -> Admitted:
    rule = by_method.get(_method(request))
    return HttpResponseNotAllowed(sorted(by_method)) if rule is None else rule.admit(request, kwargs)


def _kept(
    by_method: Mapping[str, Rule], request: HttpRequest, response: HttpResponseBase
) -> HttpResponseBase:
    """What is not for everybody no cache keeps, nor a browser that somebody else sits at next."""
    if by_method[_method(request)].verdicts[Who.STRANGER] is not Verdict.ALLOWED:
        response.headers.setdefault("Cache-Control", NOT_KEPT)
    return response


def _admitted(by_method: Mapping[str, Rule], request: HttpRequest, kwargs: dict[str, Any]) -> Admitted:
    try:
        return _asked(by_method, request, kwargs)
    except SignInNeeded:
        return redirect_to_login(_back_to(request))
    except FirstElsewhere as first:
        return redirect_to_login(_back_to(request), first.url)
    except DomainError as refusal:
        if refusal.status != HTTPStatus.FORBIDDEN:
            raise
        # The page at once: raised, it would stand in the log with where it came from, like a fault.
        return permission_denied(request, PermissionDenied(refusal.message))


def _back_to(request: HttpRequest) -> str:
    """The page that somebody was on: an address that is only posted to cannot be read."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    came_from = request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(came_from, {request.get_host()}, require_https=request.is_secure()):
        return urlsplit(came_from)._replace(scheme="", netloc="").geturl()
    return "/"


def _to_stream(by_method: Mapping[str, Rule], request: HttpRequest, kwargs: dict[str, Any]) -> Admitted:
    """No page: Django would render one in a thread whose database connection nobody gives back."""
    try:
        return _asked(by_method, request, kwargs)
    except Http404:
        return HttpResponse(status=HTTPStatus.NOT_FOUND)
    except DomainError as refusal:
        return HttpResponse(refusal.message, status=refusal.status, content_type="text/plain; charset=utf-8")
    finally:
        # A stream lasts as long as a job: it must not keep a connection of the pool meanwhile.
        connections.close_all()
