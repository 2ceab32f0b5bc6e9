"""What signing up adds to allauth's: the language that the person was reading."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language

from accounts.models import User


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """An account is an e-mail address and a password: there is no user name."""

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        user.language = get_language() or settings.LANGUAGE_CODE
        user.time_zone = settings.VISITOR_TIME_ZONE
        saved: User = super().save_user(request, user, form, commit=commit)
        return saved
