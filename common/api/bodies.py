"""What a call may bring along: members that are known, in JSON that can be read. The rest is named."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import IO, Any, ClassVar, cast

from django.core.exceptions import RequestDataTooBig
from django.http import QueryDict
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ParseError, UnsupportedMediaType, ValidationError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.utils.mediatypes import media_type_matches

from common.api.errors import ParametersInvalid

# Half of a pair, written as an escape: Python reads it, and neither UTF-8 nor the database can write it.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_MOST_NAMED = 20  # unknown members; more would make the answer as long as the body


class Members(serializers.Serializer[Any]):
    """The members that a body or an address may have. Others are refused by name."""

    example: ClassVar[dict[str, Any] | None] = None

    def to_internal_value(self, data: Any) -> Any:
        unknown = self._unknown(data)
        if not unknown:
            return super().to_internal_value(data)
        try:
            super().to_internal_value(data)
        except ValidationError as exc:
            raise ValidationError({**cast("dict[str, Any]", exc.detail), **unknown}) from exc
        raise ValidationError(unknown)

    def _unknown(self, data: Any) -> dict[str, list[ErrorDetail]]:
        if not isinstance(data, Mapping):
            return {}  # which is said by the parent
        names = [str(name) for name in data if name not in self.fields or self.fields[name].read_only]
        known = ", ".join(self.fields) or "–"
        sentence = _("There is no such member. Known are: %(names)s.") % {"names": known}
        return {name: [ErrorDetail(sentence, code="unknown_member")] for name in names[:_MOST_NAMED]}


class Nothing(Members):
    """For calls that take no members at all."""


class JsonParser(BaseParser):
    """JSON in UTF-8. What Python would choke on later is refused here."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body: bytes = stream.read()
        try:
            parsed = json.loads(body.decode(), parse_constant=_refused)
            if _SURROGATE.search(body):
                json.dumps(parsed, ensure_ascii=False).encode()
        except RecursionError as exc:
            raise ParseError(_("The JSON is nested too deeply.")) from exc
        except ValueError as exc:  # no JSON, no UTF-8, or a number of thousands of digits
            raise ParseError(_("The body is not JSON in UTF-8: %(fault)s") % {"fault": exc}) from exc
        return parsed


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


class OneFormat(BaseContentNegotiation):
    """Every endpoint has one format, so there is nothing to negotiate."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        sent = request.content_type or ""
        return next((parser for parser in parsers if media_type_matches(parser.media_type, sent[:200])), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


def require_small(request: Request, most: int) -> None:
    """Said before a byte is read, where the caller says how long it is."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length[:18]) > most:
        raise RequestDataTooBig


def read_body(request: Request, members: type[Members], *, partial: bool) -> dict[str, Any]:
    """The body's members, checked. A call that needs none may come without a body."""
    is_empty = not (request.META.get("CONTENT_LENGTH") or "").strip("0")
    if is_empty and members is Nothing:
        return {}
    if is_empty:
        raise ParseError(_("This call needs a body in JSON."))
    if not request.content_type:
        raise UnsupportedMediaType("–")
    given = members(data=request.data, partial=partial)
    given.is_valid(raise_exception=True)
    filled: dict[str, Any] = given.validated_data
    return filled


def read_parameters(query: QueryDict, members: type[Members]) -> dict[str, Any]:
    """What the address asks; a name that is not documented is a mistake, not a wish."""
    if members is Nothing and not query:
        return {}
    lists = {name for name, field in members().fields.items() if isinstance(field, serializers.ListField)}
    given = {name: values if name in lists else values[-1] for name, values in query.lists()}
    read = members(data=given)
    try:
        read.is_valid(raise_exception=True)
    except ValidationError as exc:
        raise ParametersInvalid(exc.detail) from exc
    filled: dict[str, Any] = read.validated_data
    return filled
