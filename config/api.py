"""How every refusal leaves the API: RFC 9457 problem details."""

from __future__ import annotations

from typing import Any

from rest_framework.response import Response
from rest_framework.views import exception_handler

from common.errors import DomainError
from common.http import problem_body


def handle_exception(exc: Exception, context: dict[str, Any]) -> Response | None:
    if isinstance(exc, DomainError):
        return _problem(exc.status, exc.code, exc.message, field=exc.field, **exc.details)
    response = exception_handler(exc, context)
    if response is None:
        return None  # a bug, not a refusal: let it become a 500 and be logged
    code = getattr(exc, "default_code", "error")
    if isinstance(response.data, dict) and "detail" in response.data:
        return _problem(response.status_code, code, str(response.data["detail"]))
    return _problem(response.status_code, code, "The request is not valid.", errors=response.data)


def _problem(status: int, code: str, detail: str, **members: object) -> Response:
    body = problem_body(status, code, detail, **members)
    return Response(body, status=status, content_type="application/problem+json")
