"""Signing up in the language that was read, and mails that lead to this site only."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language

from accounts.models import User
from accounts.services.sessions import begin_to_see
from accounts.wording.signing_in import ACCOUNT
from common import clock


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """An account is an e-mail address and a password: there is no user name."""

    error_messages = DefaultAccountAdapter.error_messages | ACCOUNT

    def new_user(self, request: HttpRequest) -> User:
        language = get_language() or settings.LANGUAGE_CODE
        return User(language=language, time_zone=settings.VISITOR_TIME_ZONE)

    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        begin_to_see(request.session, at=clock.now())

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Links begin with our own address, not with the Host that somebody's request named."""
        ours = {name: _at_home(value) if name.endswith("_url") else value for name, value in context.items()}
        super().send_mail(template_prefix, email, ours | {"site_origin": settings.SITE_ORIGIN})


def _at_home(url: str) -> str:
    parts = urlsplit(url)
    return settings.SITE_ORIGIN + parts._replace(scheme="", netloc="").geturl()
