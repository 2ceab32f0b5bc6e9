"""Who is asking, for views that only signed-in people reach."""

from __future__ import annotations

from django.http import HttpRequest

from accounts.models import User


def person(request: HttpRequest) -> User:
    """The signed-in reader of a page behind `login_required`."""
    assert isinstance(request.user, User)
    return request.user
