"""The base class of endpoints that people write through: with an Idempotency-Key a write is done once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from django.db import transaction
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.errors import IdempotencyKeyInvalid
from accounts.models import ApiToken, IdempotentAnswer, User
from accounts.services import idempotency
from common import clock
from common.api.view import ApiView, require_scope

# Printable ASCII, as RFC 8941 has strings; with or without their quotes.
_KEY = re.compile(r'"?([\x21\x23-\x7e]{1,255})"?')
_KEPT_HEADERS = ("Location", "WWW-Authenticate")
_WRITES = ("POST", "PUT", "PATCH", "DELETE")


class PersonalApiView(ApiView):
    """An endpoint for people and the programs that act for them."""

    _has_begun = False

    @property
    def person(self) -> User:
        """Who calls. Rules have seen to it that somebody does."""
        return cast("User", self.request.user)

    @property
    def token(self) -> ApiToken | None:
        """None for who calls with a session."""
        return cast("ApiToken | None", self.request.auth)

    def answered(self, request: Request, answer: Callable[[], HttpResponseBase]) -> HttpResponseBase:
        given = request.headers.get("Idempotency-Key")
        if given is None or request.method not in _WRITES or not request.user.is_authenticated:
            return answer()
        key = _KEY.fullmatch(given)
        if key is None:
            raise IdempotencyKeyInvalid(
                _("An Idempotency-Key has 1 to 255 printable characters and no space.")
            )
        if scope := self.scopes.get(str(request.method)):
            require_scope(request, scope)  # before a kept answer is shown: keys are a person's, not a token's
        return self._once(request, key.group(1), answer)

    def handled(
        self, handler: Callable[..., HttpResponseBase], request: Request, admitted: Mapping[str, Any]
    ) -> HttpResponseBase:
        self._has_begun = True
        return super().handled(handler, request, admitted)

    def kept(self, data: Any) -> Any:
        """The answer as it is kept for repetitions. An endpoint that shows a secret leaves it out."""
        return data

    @transaction.atomic
    def _once(self, request: Request, key: str, answer: Callable[[], HttpResponseBase]) -> HttpResponseBase:
        """One transaction around the write and its answer. A refusal is an answer; a bug undoes both."""
        at, user = clock.now(), self.person
        digest = idempotency.digest_of(
            method=str(request.method), path=request.get_full_path(), body=request._request.body,
            project_id=user.only_project_id,
        )  # fmt: skip
        if kept := idempotency.claim(user=user, key=key, digest=digest, at=at):
            return _repeated(kept)
        try:
            response = answer()
        except Exception as exc:
            response = self.handle_exception(exc)
        # What was refused before anything was done may be corrected and sent under the same key.
        if self._has_begun and isinstance(response, Response) and response.status_code < 500:
            idempotency.keep(
                user=user, key=key, digest=digest, status=response.status_code, headers=_headers(response),
                body=JSONRenderer().render(self.kept(response.data)), at=at,
            )  # fmt: skip
        return response


def _headers(response: Response) -> dict[str, str]:
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    return headers | ({"Content-Type": response.content_type} if response.content_type else {})


def _repeated(kept: IdempotentAnswer) -> Response:
    headers = dict(kept.headers)
    content_type = headers.pop("Content-Type", None)
    body = bytes(kept.body)
    response = Response(
        json.loads(body) if body else None, status=kept.status, headers=headers, content_type=content_type
    )
    response.headers["Idempotency-Replayed"] = "true"
    return response
