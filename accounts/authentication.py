"""Who calls the API with a token, which the settings name for every endpoint of every app; and whether
whoever sits at a session has just shown who they are.
"""

from __future__ import annotations

from urllib.parse import urlencode

from allauth.account.decorators import reauthentication_required
from allauth.core.exceptions import ReauthenticationRequired
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.services import tokens
from common import clock
from common.access import FirstElsewhere


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer eqn_…`. Refuses with why; without such a header the next way is tried."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        scheme, _, secret = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = tokens.recognise(secret=secret.strip(), at=clock.now())
        # What is limited to one project sees no other: every `.of(user)` looks at this.
        token.user.only_project_id = token.project_id
        return token.user, token


class ReauthenticationNeeded(FirstElsewhere):
    code = "reauthentication_required"


@reauthentication_required(app="accounts")  # type: ignore[untyped-decorator]
def show_again(request: HttpRequest) -> None:
    """Lead whoever has not shown it in the last minutes to the page that asks who they are.

    Called within a page: allauth's middleware catches what is raised, and goes on with the same form after.
    """


def require_shown(request: Request, *, page: str) -> None:
    """The same for a program with a session: it is told the address at which a person can show it."""
    try:
        show_again(request._request)
    except ReauthenticationRequired as exc:
        address = f"{reverse('account_reauthenticate')}?{urlencode({'next': page}, safe='/')}"
        raise ReauthenticationNeeded(
            _("Show first that it is you, with your password or another means: it holds for ten minutes."),
            url=address,
        ) from exc
