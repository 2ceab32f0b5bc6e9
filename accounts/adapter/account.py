"""Signing up: the language that the person was reading."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language

from accounts.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """An account is an e-mail address and a password: there is no user name."""

    def new_user(self, request: HttpRequest) -> User:
        language = get_language() or settings.LANGUAGE_CODE
        return User(language=language, time_zone=settings.VISITOR_TIME_ZONE)
