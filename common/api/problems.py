"""How every refusal leaves the API: RFC 9457 problem details with the sentence that a page would show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework.exceptions import (
    APIException,
    ErrorDetail,
    MethodNotAllowed,
    UnsupportedMediaType,
    ValidationError,
)
from rest_framework.response import Response
from rest_framework.views import exception_handler

from common.access import SignInNeeded
from common.api.errors import ParametersInvalid, ScopeMissing, TooManyCalls
from common.errors import DomainError
from common.http import problem_body

PROBLEM = "application/problem+json"
_REALM = 'Bearer realm="Equinode"'
_WHOLE = "non_field_errors"
_TELL_NOTHING = ("HEAD", "OPTIONS")  # answered wherever GET is


def handle_exception(exc: Exception, context: dict[str, Any]) -> Response | None:
    """The settings name this; None is a bug, which becomes a 500 and is logged."""
    if isinstance(exc, DomainError):
        return _refusal(exc, getattr(context.get("view"), "pointers", {}))
    if isinstance(exc, RequestDataTooBig):
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        detail = _("The body is larger than %(limit)d bytes.") % {"limit": limit}
        return problem(413, "body_too_large", detail, limit=limit)
    if isinstance(exc, ValidationError):
        return _invalid(exc)
    if isinstance(exc, Http404):
        return problem(404, "not_found", _("There is nothing here, or it is not yours to see."))
    response = exception_handler(exc, context)
    if response is None:
        return None
    code = exc.default_code if isinstance(exc, APIException) else "permission_denied"
    detail = _of_the_call(exc, context) or str(getattr(exc, "detail", exc))
    return problem(response.status_code, code, detail)


def _of_the_call(exc: Exception, context: Mapping[str, Any]) -> str:
    """What would work in place of a method, or of a kind of body, that is not taken here."""
    request, view = context.get("request"), context.get("view")
    if isinstance(exc, MethodNotAllowed) and request is not None and view is not None:
        known = [one for one in view.allowed_methods if one not in _TELL_NOTHING]
        return _("%(method)s is not answered at this address, only %(known)s.") % {
            "method": str(request.method)[:20],
            "known": ", ".join(known),
        }
    if isinstance(exc, UnsupportedMediaType) and view is not None:
        return _("The body is of the type “%(found)s”. This call takes %(known)s.") % {
            "found": str(getattr(request, "content_type", None) or "–")[:100],
            "known": ", ".join(parser.media_type for parser in view.parser_classes),
        }  # fmt: skip
    return ""


def problem(status: int, code: str, detail: str, **members: object) -> Response:
    body = problem_body(status, code, detail, **members)
    return Response(body, status=status, content_type=PROBLEM)


def _refusal(exc: DomainError, pointers: Mapping[str, str]) -> Response:
    members: dict[str, object] = dict(exc.details)
    if exc.field:
        pointer = pointers.get(exc.field, f"#/{_escaped(exc.field)}")
        members["errors"] = [{"pointer": pointer, "detail": exc.message, "code": exc.code}]
    body = problem_body(exc.status, exc.code, exc.message, field=exc.field, **members)
    return Response(body, status=exc.status, headers=_headers(exc), content_type=PROBLEM)


def _headers(exc: DomainError) -> dict[str, str]:
    """What HTTP itself has a word for. RFC 6750, section 3: how a refused token is told so."""
    if isinstance(exc, ScopeMissing):
        scope = exc.details["scope"]
        return {"WWW-Authenticate": f'{_REALM}, error="insufficient_scope", scope="{scope}"'}
    if isinstance(exc, TooManyCalls):
        return {"Retry-After": str(exc.details["retry_after"])}
    if isinstance(exc, SignInNeeded):
        return {"WWW-Authenticate": _REALM}
    if exc.status == 401:
        return {"WWW-Authenticate": f'{_REALM}, error="invalid_token"'}
    return {}


def _invalid(exc: ValidationError) -> Response:
    found = list(_members(exc.detail, ""))
    if isinstance(exc, ParametersInvalid):
        code, where = "parameters_invalid", [{"parameter": path.split("/")[1]} for path, _one in found]
    else:
        code, where = "invalid", [{"pointer": f"#{path}"} for path, _one in found]
    errors = [
        {**place, "detail": str(one), "code": one.code}
        for place, (_path, one) in zip(where, found, strict=True)
    ]
    return problem(400, code, _first(found), errors=errors)


def _first(found: list[tuple[str, ErrorDetail]]) -> str:
    """One fault is said whole; of several, how many there are."""
    if len(found) == 1 and found[0][0]:
        return _("%(member)s: %(fault)s") % {"member": found[0][0][1:], "fault": found[0][1]}
    if len(found) == 1:
        return str(found[0][1])
    return _("%(number)d members are not as they must be; errors names each.") % {"number": len(found)}


def _members(detail: Any, path: str) -> Iterator[tuple[str, ErrorDetail]]:
    """Each fault with the JSON pointer (RFC 6901) of the member that has it."""
    if isinstance(detail, ErrorDetail):
        yield path, detail
    elif isinstance(detail, Mapping):
        for name, below in detail.items():
            yield from _members(below, path if name == _WHOLE else f"{path}/{_escaped(str(name))}")
    else:
        for index, below in enumerate(detail):
            # A list of sentences is about this member; a list of anything else is about its items.
            yield from _members(below, path if isinstance(below, ErrorDetail) else f"{path}/{index}")


def _escaped(name: str) -> str:
    return quote(name.replace("~", "~0").replace("/", "~1")[:80], safe="~")
