"""Callers with a session cookie: their writes carry the page's proof against forgery."""

from __future__ import annotations

from django.utils.translation import gettext as _
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from common.api.errors import CsrfFailed


class SessionAuthentication(authentication.SessionAuthentication):
    def enforce_csrf(self, request: Request) -> None:
        try:
            super().enforce_csrf(request)
        except exceptions.PermissionDenied as exc:
            raise CsrfFailed(
                _(
                    "Send the value of the csrftoken cookie as X-CSRFToken,"
                    " or use a token instead of a session."
                )
            ) from exc
