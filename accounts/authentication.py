"""Who calls the API with a token. The settings name it, for every endpoint of every app."""

from __future__ import annotations

from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.services import tokens
from common import clock


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
