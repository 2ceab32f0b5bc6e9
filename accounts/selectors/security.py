"""How somebody signs in, and where they are signed in now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.utils.translation import gettext as _

from accounts.domain.browsers import browser_and_system
from accounts.models import User

# Recovery codes alone are none: they stand in for one.
SECOND_FACTORS = Authenticator.objects.filter(type__in=[Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN])


@dataclass(frozen=True)
class Passkey:
    id: int
    name: str
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True)
class SessionLine:
    id: int
    browser: str
    ip: str
    begun_at: datetime
    seen_at: datetime
    is_current: bool


@dataclass(frozen=True)
class Connection:
    """A configured provider; `account_id` is None where this person is not known to it."""

    id: str
    name: str
    account_id: int | None


@dataclass(frozen=True)
class Security:
    has_password: bool
    passkeys: list[Passkey]
    totp_since: datetime | None
    recovery_codes_left: int | None  # None: none were made yet
    connections: list[Connection]
    sessions: list[SessionLine]

    @property
    def has_second_factor(self) -> bool:
        return bool(self.passkeys or self.totp_since)

    @property
    def has_other_sessions(self) -> bool:
        return len(self.sessions) > 1


def security(user: User, session_key: str | None) -> Security:
    """Three queries, and two for each session: whether it is still one is asked of the session itself."""
    means = list(Authenticator.objects.filter(user=user).order_by("created_at"))
    codes = next((one for one in means if one.type == Authenticator.Type.RECOVERY_CODES), None)
    return Security(
        has_password=user.has_usable_password(),
        passkeys=[
            Passkey(one.pk, str(one), one.created_at, one.last_used_at)
            for one in means
            if one.type == Authenticator.Type.WEBAUTHN
        ],
        totp_since=next((one.created_at for one in means if one.type == Authenticator.Type.TOTP), None),
        recovery_codes_left=len(codes.wrap().get_unused_codes()) if codes else None,
        connections=connections(user),
        sessions=sessions(user, session_key),
    )


def connections(user: User) -> list[Connection]:
    known = dict(SocialAccount.objects.filter(user=user).values_list("provider", "pk"))
    return [Connection(one.id, one.name, known.get(one.id)) for one in settings.OIDC_PROVIDERS.values()]


def sessions(user: User, session_key: str | None) -> list[SessionLine]:
    """Where somebody is signed in: this session first, then the one seen last."""
    lines = [
        SessionLine(
            id=one.pk,
            browser=_browser(one.user_agent),
            ip=one.ip,
            begun_at=one.created_at,
            seen_at=one.last_seen_at,
            is_current=one.session_key == session_key,
        )
        for one in UserSession.objects.purge_and_list(user)
    ]
    return sorted(lines, key=lambda line: (not line.is_current, -line.seen_at.timestamp()))


def has_second_factor(user: User) -> bool:
    return bool(SECOND_FACTORS.filter(user=user).exists())


def _browser(user_agent: str) -> str:
    browser, system = browser_and_system(user_agent)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or user_agent[:40] or _("Unknown program")
