"""The API's front door: its schema, its pages of documentation, and the answer where nothing is."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext_noop
from drf_spectacular.generators import SchemaGenerator
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from common.access import ANYONE, Rule, Verdict, Who, guard
from common.api.schema import PREFIX
from common.api.shapes import Shape
from common.api.view import ApiView


class FrontDoorShape(Shape):
    documentation = serializers.CharField()
    schema = serializers.CharField(help_text="OpenAPI 3.1.")
    tokens = serializers.CharField(help_text="The page where a person makes one.")
    version = serializers.CharField()

    example: ClassVar = {
        "documentation": "/api/docs/",
        "schema": "/api/schema",
        "tokens": "/me/tokens/",
        "version": "1",
    }


class FrontDoorApi(ApiView):
    """Where to read on."""

    access: ClassVar = {"GET": ANYONE}
    scopes: ClassVar = {"GET": ""}
    answers: ClassVar = {"GET": FrontDoorShape}

    def get(self, request: Request) -> Response:
        return Response(dict(FrontDoorShape.example))


def _nothing(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    raise Http404


NOTHING = Rule(
    "nothing", gettext_noop("Nobody: nothing is there"), dict.fromkeys(Who, Verdict.HIDDEN), _nothing
)


class NothingApi(ApiView):
    """An address of the API that leads nowhere: a problem, not a page."""

    access: ClassVar = dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"), NOTHING)
    scopes: ClassVar = dict.fromkeys(access, "")

    def get(self, request: Request, rest: str) -> Response:
        raise Http404

    post = put = patch = delete = get


def ours_alone(endpoints: list[Any]) -> list[Any]:
    """The settings name it as a hook: what drf-spectacular documents."""
    return [one for one in endpoints if one[0].startswith(PREFIX) and one[3].cls is not NothingApi]


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """The same for everybody, in English: made once in each process."""
    with translation.override("en"):
        generator: Any = SchemaGenerator
        made: dict[str, Any] = generator().get_schema(request=None, public=True)
    return made


@guard(ANYONE)
def api_schema(request: HttpRequest) -> HttpResponse:
    response = JsonResponse(schema(), json_dumps_params={"ensure_ascii": False})
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


@guard(ANYONE)
def api_docs(request: HttpRequest) -> HttpResponse:
    return render(request, "api_docs.html")
