"""Conditional requests (RFC 9110, section 13): one tag for each representation, strong."""

from __future__ import annotations

import hashlib
from typing import Any

from django.http import HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from common.api.errors import PreconditionFailed


def etag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def answered(request: Request, response: HttpResponse) -> HttpResponse:
    """The representation with its tag, or 304 to who has it already."""
    response.headers["ETag"] = etag(response.content)
    conditional = get_conditional_response(request._request, etag=response.headers["ETag"], response=response)
    if not isinstance(conditional, HttpResponse) or conditional is response:
        return response
    for name in ("RateLimit", "RateLimit-Policy", "Link", "Content-Language"):
        if name in response.headers:
            conditional.headers[name] = response.headers[name]
    return conditional


def require_unchanged(request: Request, present: Any) -> None:
    """With If-Match: refuse a write by somebody who has not seen the present representation.

    Called under the lock of what is written, with what GET would answer now.
    """
    wanted = request.headers.get("If-Match", "").strip()
    if wanted in ("", "*"):
        return
    tag = etag(JSONRenderer().render(present))
    if tag not in [one.strip() for one in wanted.split(",")]:
        raise PreconditionFailed(
            _("It has changed since you read it. Read it again, then write what you want to change."),
            etag=tag,
        )
