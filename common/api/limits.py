"""How many calls a person, or an address that nobody signed in from, may make in a minute.

Said in each answer as draft-ietf-httpapi-ratelimit-headers-10 has it. While Redis is away nobody is
counted: a site that cannot count must still book.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.utils.translation import gettext as _, ngettext
from rest_framework.request import Request

from common.api.errors import TooManyCalls
from common.http import client_address

WINDOW = 60  # seconds


@dataclass(frozen=True)
class Allowance:
    """What is left of one limit."""

    name: str  # person or address
    limit: int
    left: int  # below zero: too many
    resets_in: int  # seconds

    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Policy": f'"{self.name}";q={self.limit};w={WINDOW}',
            "RateLimit": f'"{self.name}";r={max(0, self.left)};t={self.resets_in}',
        }


def count(request: Request) -> Allowance | None:
    """Count this call; None while nothing can be counted."""
    return counted(request.user, client_address(request._request))


def counted(user: AbstractBaseUser | AnonymousUser, address: str) -> Allowance | None:
    """The same for a page that costs as much as a call."""
    if user.is_authenticated:
        name, key, limit = "person", str(user.pk), settings.API_CALLS_PER_PERSON
    else:
        name, key, limit = "address", address, settings.API_CALLS_PER_ADDRESS
    # Windows are cut by the clock of the machine: all that matters is that they pass.
    window, passed = divmod(int(time.time()), WINDOW)
    calls = cache.count(f"api-calls:{name}:{key}:{window}", WINDOW)  # type: ignore[attr-defined]  # config.cache
    if calls is None:
        return None
    return Allowance(name, limit, limit - calls, WINDOW - passed)


def require_left(allowance: Allowance | None) -> None:
    if allowance is None or allowance.left >= 0:
        return
    raise TooManyCalls(
        _("That was more than %(limit)d calls in a minute.") % {"limit": allowance.limit}
        + " "
        + ngettext("Go on in %(seconds)d second.", "Go on in %(seconds)d seconds.", allowance.resets_in)
        % {"seconds": allowance.resets_in},
        limit=allowance.limit,
        retry_after=allowance.resets_in,
    )
