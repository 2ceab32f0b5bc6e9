"""The base class of endpoints. Each says who may, with which scope, what it takes and what it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.utils.translation.trans_real import get_supported_language_variant, parse_accept_lang_header
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.access import Rule
from common.api import conditions, limits
from common.api.bodies import (
    JsonParser,
    Members,
    Nothing,
    OneFormat,
    read_body,
    read_parameters,
    require_small,
)
from common.api.errors import ScopeMissing
from common.api.shapes import Shape
from common.errors import DomainError

Answered = type[Shape] | list[type[Shape]] | str | None
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class ApiView(APIView):
    """An endpoint. For each method: a rule in `access`, a scope in `scopes` (empty: any token will do).

    `bodies` and `queries` say what a method takes; a handler finds it, checked, in `self.body` and
    `self.query`. A handler gets what the rule admitted: `project` where the address says `slug`.
    """

    access: ClassVar[Mapping[str, Rule]] = {}
    scopes: ClassVar[Mapping[str, str]] = {}
    bodies: ClassVar[Mapping[str, type[Members]]] = {}
    queries: ClassVar[Mapping[str, type[Members]]] = {}
    # For the documentation: what is answered (a list: pages of it; text: a media type; None: nothing), with
    # 201 where a POST makes something, what is refused besides the usual, and what knows If-Match.
    answers: ClassVar[Mapping[str, Answered]] = {}
    makes: ClassVar[Mapping[str, bool]] = {}
    refusals: ClassVar[Mapping[str, Mapping[str, int]]] = {}
    conditional: ClassVar[frozenset[str]] = frozenset()
    # Where a service's field stands in the body, if not at its top: {"script": "#/job/script"}
    pointers: ClassVar[Mapping[str, str]] = {}
    # A secret shown once must not be kept by a browser.
    cache_control = "private, no-cache"

    largest_body: ClassVar[int] = settings.DATA_UPLOAD_MAX_MEMORY_SIZE  # bytes

    permission_classes = ()  # rules decide: `access`
    parser_classes: Sequence[type[BaseParser]] = (JsonParser,)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = OneFormat
    metadata_class = None
    format_kwarg = None

    request: Request
    body: dict[str, Any]
    query: dict[str, Any]
    _allowance: limits.Allowance | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        """An endpoint without a rule or a scope is not finished."""
        super().__init_subclass__(**options)
        answered = {method for method in _METHODS if hasattr(cls, method.lower())}
        if answered != set(cls.access) or answered != set(cls.scopes):
            raise TypeError(f"{cls.__name__} answers {answered}: say access and scopes for each")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.args, self.kwargs = args, kwargs
        self.request = asked = self.initialize_request(request, *args, **kwargs)
        self.headers = self.default_response_headers
        with ExitStack() as stack:
            response: HttpResponseBase
            language = _accepted(request)
            if language:
                stack.enter_context(translation.override(language))
            try:
                self.initial(asked, *args, **kwargs)
                if asked.auth is not None:  # a session's person has been found before: PersonMiddleware
                    person: Any = asked.user
                    stack.enter_context(timezone.override(ZoneInfo(person.time_zone)))
                    if not language:
                        stack.enter_context(translation.override(person.language))
                response = self.answered(asked, lambda: self._answer(asked, kwargs))
            except Exception as exc:
                response = self.handle_exception(exc)
            finished: Any = self.finalize_response(asked, response, *args, **kwargs)  # type: ignore[arg-type]
            return self._finished(asked, finished)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who calls, whether that was too often, and whether the body can be looked at."""
        accepted = self.perform_content_negotiation(request)
        request.accepted_renderer, request.accepted_media_type = accepted
        try:
            request.user  # noqa: B018  # authenticates
        except DomainError:
            # Counted for the address, so that guessing is not free.
            request.user, request.auth = AnonymousUser(), None
            self._count(request)
            raise
        self._count(request)
        require_small(request, self.largest_body)

    def answered(self, request: Request, answer: Callable[[], HttpResponseBase]) -> HttpResponseBase:
        """Where accounts.endpoints keeps a write from being done twice."""
        return answer()

    def get_authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Equinode"'

    def _count(self, request: Request) -> None:
        self._allowance = limits.count(request)
        limits.require_left(self._allowance)

    def _answer(self, request: Request, kwargs: dict[str, Any]) -> HttpResponseBase:
        method = "GET" if request.method == "HEAD" else str(request.method)
        rule = self.access.get(method)
        if rule is None:
            raise MethodNotAllowed(method)
        require_scope(request, self.scopes[method])
        # Rules are written for pages and look at the user alone, whom both kinds of request have.
        admitted = rule.admit(request, kwargs)
        self.query = read_parameters(request.query_params, self.queries.get(method, Nothing))
        if method in ("POST", "PUT", "PATCH"):
            members = self.bodies.get(method, Nothing)
            self.body = read_body(request, members, partial=method == "PATCH")
        return self.handled(getattr(self, method.lower()), request, admitted)

    def handled(
        self, handler: Callable[..., HttpResponseBase], request: Request, admitted: Mapping[str, Any]
    ) -> HttpResponseBase:
        """From here on a write may have been done."""
        return handler(request, **admitted)

    def _finished(self, request: Request, response: Any) -> HttpResponseBase:
        """Rendered here, in the caller's language, and with all that every answer carries."""
        headers = response.headers
        for name, value in (self._allowance.headers() if self._allowance else {}).items():
            headers[name] = value
        headers["Cache-Control"] = self.cache_control
        headers["Content-Language"] = translation.get_language() or ""
        patch_vary_headers(response, ("Accept-Language", "Authorization", "Cookie"))
        if isinstance(response, Response):
            response.render()
        is_read = request.method in ("GET", "HEAD") and response.status_code == 200
        return conditions.answered(request, response) if is_read and not response.streaming else response


def _accepted(request: HttpRequest) -> str | None:
    """The language that this call asks for. Cookies are the pages' business."""
    for code, _quality in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        if code == "*":
            return None
        try:
            return get_supported_language_variant(code)
        except LookupError:
            continue
    return None


def require_scope(request: Request, scope: str) -> None:
    """A session may do all that its person may; a token, what it was made for."""
    token: Any = request.auth
    if token is None or not scope or scope in token.scopes:
        return
    had = ", ".join(token.scopes)
    raise ScopeMissing(
        _("This needs a token with the scope “%(scope)s”; yours has: %(had)s.")
        % {"scope": scope, "had": had},
        scope=scope, scopes=list(token.scopes),
    )  # fmt: skip
