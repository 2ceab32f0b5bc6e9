"""How bodies come into the API, and how every refusal leaves it: RFC 9457 problem details."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser
from rest_framework.response import Response
from rest_framework.views import exception_handler

from common.errors import DomainError
from common.http import problem_body


class JsonParser(JSONParser):
    """JSON; REST framework's own takes nesting without end for a fault of ours."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as exc:
            raise ParseError("The JSON is nested too deeply.") from exc


def handle_exception(exc: Exception, context: dict[str, Any]) -> Response | None:
    if isinstance(exc, DomainError):
        return _problem(exc.status, exc.code, exc.message, field=exc.field, **exc.details)
    if isinstance(exc, RequestDataTooBig):
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        return _problem(413, "body_too_large", f"The body is larger than {limit} bytes.", limit=limit)
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
