"""Request types, refusals as RFC 9457, and the one htmx rule: a page for people, a fragment for htmx."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails


def problem_body(status: int, code: str, detail: str, **members: object) -> dict[str, object]:
    """Problem details (RFC 9457), whose type is a name; members that say nothing are left out."""
    body = {
        "type": f"urn:equinode:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "code": code,
    }
    return body | {name: value for name, value in members.items() if value not in ("", None)}


def problem(status: int, code: str, detail: str, **members: object) -> JsonResponse:
    body = problem_body(status, code, detail, **members)
    return JsonResponse(body, status=status, content_type="application/problem+json")


def client_address(request: HttpRequest) -> str:
    """Who is at the other end: behind a proxy, whom the proxy itself saw."""
    forwarded = str(request.headers.get("X-Forwarded-For", ""))
    if settings.BEHIND_PROXY and forwarded:
        return forwarded.rsplit(",", maxsplit=1)[-1].strip()[:45]
    return str(request.META.get("REMOTE_ADDR", ""))


class PageRequest(HttpRequest):
    """What every view receives: a request that knows whether htmx sent it."""

    htmx: HtmxDetails


def render_page(request: HttpRequest, page: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """Render `app/_name.html` for an htmx request, `app/name.html` otherwise."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    wants_fragment = htmx and not htmx.boosted and not htmx.history_restore_request
    path = PurePosixPath(page)
    template = path.with_name(f"_{path.name}") if wants_fragment else path
    response = render(request, str(template), context, status=status)
    patch_vary_headers(response, ["HX-Request"])  # two bodies, one address
    return response
