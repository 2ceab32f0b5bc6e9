"""The documentation of every endpoint, made from what the endpoint itself says (OpenAPI 3.1).

Refusals, headers, scopes and examples are added here, once for all; drf-spectacular reads the rest.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import cache
from http import HTTPStatus
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from common.access import ANYONE, Verdict
from common.api.bodies import Members, Nothing
from common.api.shapes import Shape
from common.api.view import ApiView

PREFIX = "/api/v1/"
_WRITES = ("POST", "PUT", "PATCH", "DELETE")
_VERBS = {"GET": "get", "POST": "post", "PUT": "put", "PATCH": "change", "DELETE": "delete"}

# How what is not built from a shape is described.
_KINDS = {
    "text/plain": OpenApiTypes.STR,
    "application/json": OpenApiTypes.OBJECT,
    "application/octet-stream": OpenApiTypes.BINARY,
}

# In the order in which somebody who begins would look.
_TAGS = {
    "me": "You, your tokens, what you were told.",
    "nodes": "What there is, and when it is free.",
    "prices": "What an hour costs.",
    "timetable": "Who holds what.",
    "reservations": "Booking, and the jobs of a slot.",
    "runs": "One job: its state, log and files.",
    "projects": "Projects and who belongs to them.",
    "applications": "Asking for a project, a class or a share.",
    "invitations": "Answering an invitation.",
    "organisations": "Organisations; a funder’s lines and grants; an owner’s evidence and cost pools.",
    "evidence": "Files that stand behind published costs.",
    "pools": "Costs that an owner’s nodes share.",
    "pool-drafts": "Cost pools before they are published.",
    "decisions": "Stored answers, to be computed again.",
    "policy": "The rules in force.",
    "fairness": "Promised and received shares.",
    "ledger": "The public log.",
    "status": "Whether the site is well.",
    "announcements": "What stewards tell everybody.",
    "rules": "The house rules.",
    "people": "People and their accounts, for stewards.",
    "mail": "Mail that did not go out, for stewards.",
    "share-accounts": "Accounts of the share tree, for stewards.",
}

# What may be refused, and the code that the example has.
_REFUSALS = {
    400: ("parameters_invalid", "A parameter or a member is not what is described here."),
    401: ("not_authenticated", "No session and no token, or a token that is over."),
    403: ("scope_missing", "The token has not the scope, or the person has not the right."),
    404: ("not_found", "There is nothing here, or it is not yours to see."),
    409: ("idempotency_key_in_use", "A rule says no, or a call with the same Idempotency-Key goes on."),
    412: ("precondition_failed", "It has changed since it was read."),
    413: ("body_too_large", "The body is too large."),
    415: ("unsupported_media_type", "The body is not of the media type that is described here."),
    422: ("idempotency_key_reused", "The Idempotency-Key was used for another call."),
    429: ("too_many_calls", "Too many calls in a minute."),
}

_HEADERS = {
    "RateLimit": ("What is left: draft-ietf-httpapi-ratelimit-headers.", '"person";r=599;t=42'),
    "RateLimit-Policy": ("The limit: calls (q) in seconds (w).", '"person";q=600;w=60'),
    "ETag": ("A strong tag of this representation.", '"5f70bf18a086007016e948b04aed3b82"'),
    "Link": ("The next page.", '</api/v1/nodes?limit=1&cursor=eyJh>; rel="next"'),
    "Location": ("Where it is now.", "/api/v1/reservations/019306a2-0c4e-7d2a-8a53-5c7f0c0e51aa"),
    "Retry-After": ("Seconds until the next call is answered.", "42"),
    "WWW-Authenticate": ("How to sign in, or which scope is missing.", 'Bearer realm="Equinode"'),
    "Idempotency-Replayed": ("true where the answer was given before.", "true"),
}

_PARAMETERS = {
    "Idempotency-Key": "A name of yours for this write: within 24 h it is done once and answered again.",
    "If-Match": "The ETag of what you have read: refused with 412 where it has changed since.",
    "If-None-Match": "The ETag of what you have: answered with 304 where it is still so.",
}


class Documented(AutoSchema):
    """Settings name it for every view; only an ApiView says enough of itself."""

    view: ApiView  # type: ignore[override]

    def get_operation_id(self) -> str:
        parts = self.path.removeprefix(PREFIX).replace("{", "").replace("}", "").replace("-", "_").split("/")
        return "_".join([_VERBS[self.method], *(part for part in parts if part)])

    def get_tags(self) -> list[str]:
        name = self.path.removeprefix(PREFIX).split("/")[0]
        return [name or "status"]

    def get_summary(self) -> str:
        return _first_line(self._handler()) or _first_line(type(self.view))

    def get_description(self) -> str:  # type: ignore[override]
        scope = self.view.scopes[self.method]
        rule = self.view.access[self.method]
        said = f"For: {rule.said}." + (f" Scope of a token: `{scope}`." if scope else "")
        texts = (_first_line(type(self.view)), said)
        return "\n\n".join(text for text in texts if text and text != self.get_summary())

    def get_auth(self) -> list[dict[str, list[str]]]:
        scope = self.view.scopes[self.method]
        known: list[dict[str, list[str]]] = [{"token": [scope] if scope else []}, {"session": []}]
        return [*known, {}] if self.view.access[self.method] is ANYONE else known

    def get_request_serializer(self) -> Any:
        members = self.view.bodies.get(self.method, Nothing)
        return None if members is Nothing or self.method not in _WRITES else members

    def get_response_serializers(self) -> Any:
        answer = self.view.answers.get(self.method)
        status = 201 if self.method == "POST" and self.view.makes.get("POST", True) else 200
        if answer is None and self.method in self.view.answers:
            return {204: None}
        if answer is None:
            raise TypeError(f"{type(self.view).__name__} does not say what {self.method} answers")
        if isinstance(answer, list):
            return {status: _page_of(answer[0])}
        if isinstance(answer, str):
            kind = _KINDS[answer]
            parts = [200, 206] if answer == "application/octet-stream" else [status]
            return {(part, answer): kind for part in parts}
        return {status: answer}

    def get_override_parameters(self) -> list[Any]:
        members = self.view.queries.get(self.method)
        return [members] if members else []

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        operation = super().get_operation(*args, **kwargs)
        if operation is not None:
            operation.setdefault("parameters", []).extend(self._headers())
            self._complete(operation)
        return operation

    def _get_serializer_name(self, serializer: Any, direction: Any, bypass_extensions: bool = False) -> str:
        """`Reservation` is what is answered, `ReservationBody` what is sent."""
        name: str = super()._get_serializer_name(serializer, direction, bypass_extensions)
        if isinstance(serializer, Members) or name.endswith("Members"):
            return f"{name.removesuffix('Members')}Body"
        return name.removesuffix("Shape")

    def _handler(self) -> Any:
        return getattr(self.view, self.method.lower())

    def _headers(self) -> Iterator[dict[str, Any]]:
        names = []
        if self.method in _WRITES:
            names.append("Idempotency-Key")
        if self.method in self.view.conditional:
            names.append("If-Match")
        if self.method == "GET":
            names.append("If-None-Match")
        yield from ({"$ref": f"#/components/parameters/{name}"} for name in names)

    def _complete(self, operation: dict[str, Any]) -> None:
        answers = operation["responses"]
        for status, answer in answers.items():
            self._complete_answer(int(status), answer)
        if self.method == "GET":
            answers["304"] = {"description": "It is as you have it.", "headers": _headers("ETag")}
        for status in self._refusals():
            answers[str(status)] = {"$ref": f"#/components/responses/{status}"}
        operation["responses"] = dict(sorted(answers.items()))
        self._complete_body(operation)

    def _complete_answer(self, status: int, answer: dict[str, Any]) -> None:
        answer["description"] = HTTPStatus(status).phrase
        names = ["RateLimit", "RateLimit-Policy"]
        names += ["ETag"] if self.method == "GET" else ["Idempotency-Replayed"]
        names += ["Location"] if status == 201 else []
        found = self.view.answers.get(self.method)
        names += ["Link"] if isinstance(found, list) else []
        answer["headers"] = _headers(*names) | {
            name: {"description": text, "schema": {"type": "string"}}
            for name, text in getattr(self.view, "answer_headers", {}).items()
        }
        shape = found[0] if isinstance(found, list) else found
        example = None if isinstance(shape, str) or shape is None else shape.example
        if example is not None:
            whole = {"items": [example], "next": None} if isinstance(found, list) else example
            answer["content"]["application/json"]["example"] = whole

    def _complete_body(self, operation: dict[str, Any]) -> None:
        members = self.view.bodies.get(self.method)
        if members is not None and members is not Nothing and members.example is not None:
            for body in operation["requestBody"]["content"].values():
                body["example"] = members.example

    def _refusals(self) -> list[int]:
        """400, 401 and 429 for all: a parameter that is unknown, a token that is none, and too many calls."""
        found = {400, 401, 429}
        rule = self.view.access[self.method]
        if rule is not ANYONE:
            found.add(403)
        if "{" in self.path or Verdict.HIDDEN in rule.verdicts.values():
            found.add(404)
        if self.method in _WRITES:
            found |= {409, 413, 422} | ({415} if self.method != "DELETE" else set())
        if self.method in self.view.conditional:
            found.add(412)
        return sorted(found | set(self.view.refusals.get(self.method, {}).values()))


def complete(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """The settings name it as a hook: what all operations refer to."""
    components = result.setdefault("components", {})
    components["securitySchemes"] = {
        "token": {
            "type": "http", "scheme": "bearer", "bearerFormat": "eqn_…",
            "description": "A token of yours, from /me/tokens/. Each call says which scope it needs.",
        },
        "session": {
            "type": "apiKey", "in": "cookie", "name": "sessionid",
            "description": "As in the browser; a write also sends the csrftoken cookie as X-CSRFToken.",
        },
    }  # fmt: skip
    components["headers"] = {
        name: {"description": text, "schema": {"type": "string"}, "example": example}
        for name, (text, example) in _HEADERS.items()
    }
    components["parameters"] = {
        name: {
            "name": name,
            "in": "header",
            "required": False,
            "description": text,
            "schema": {"type": "string"},
        }
        for name, text in _PARAMETERS.items()
    }
    components["parameters"]["Idempotency-Key"]["schema"] |= {"pattern": "^[!#-~]{1,255}$"}
    components["responses"] = {str(status): _refusal(status) for status in _REFUSALS}
    components["schemas"]["Problem"] = _PROBLEM
    _strip(result)
    result["tags"] = [{"name": name, "description": text} for name, text in _TAGS.items()]
    for name, schema in components["schemas"].items():
        if name != "Problem" and schema.get("type") == "object" and "properties" in schema:
            schema["additionalProperties"] = False
    return result


_FAULT = {
    "type": "object",
    "properties": {
        "pointer": {"type": "string", "description": "JSON pointer (RFC 6901) of the member."},
        "parameter": {"type": "string", "description": "The parameter of the address."},
        "detail": {"type": "string"},
        "code": {"type": "string"},
    },
    "required": ["detail", "code"],
}
_PROBLEM = {
    "type": "object",
    "description": "Problem details (RFC 9457). Besides these, the numbers behind the sentence.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "The sentence that a page would show."},
        "code": {"type": "string", "description": "Stable: docs/api.md lists them."},
        "errors": {"type": "array", "items": _FAULT},
    },
    "required": ["type", "title", "status", "detail", "code"],
    "additionalProperties": True,
}


def _strip(part: Any) -> None:
    """What drf-spectacular leaves for hooks of its own that are not used here."""
    if isinstance(part, dict):
        part.pop("x-spec-enum-id", None)
        for below in part.values():
            _strip(below)
    elif isinstance(part, list):
        for below in part:
            _strip(below)


def _refusal(status: int) -> dict[str, Any]:
    code, text = _REFUSALS[status]
    names = ["RateLimit", "RateLimit-Policy"]
    names += ["Retry-After"] if status == 429 else []
    names += ["WWW-Authenticate"] if status in (401, 403) else []
    example = {
        "type": f"urn:equinode:problem:{code}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": text,
        "code": code,
    }
    content = {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
    return {
        "description": text,
        "headers": _headers(*names),
        "content": {"application/problem+json": content},
    }


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


@cache  # one shape has one page: they are told apart by identity
def _page_of(shape: type[Shape]) -> Any:
    name = f"{shape.__name__.removesuffix('Shape')}Page"
    following = serializers.CharField(allow_null=True, help_text="The address of the next page.")
    return inline_serializer(name=name, fields={"items": shape(many=True), "next": following})


def _first_line(of: Any) -> str:
    return (inspect.getdoc(of) or "").split("\n\n")[0].replace("\n", " ") if of.__doc__ else ""
