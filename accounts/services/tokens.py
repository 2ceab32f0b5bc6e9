"""Tokens of programs: made and shown once, recognised by their hash, revoked."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.domain import scopes as known
from accounts.errors import TokenExpired, TokenOver, TokenRefused, TokenRevoked, TokenUnknown
from accounts.models import ApiToken, Project, ProjectMembership, User
from accounts.services.notices import notify
from common import formats
from common.compiled import Compiled

PREFIX = "eqn_"
LONGEST = timedelta(days=366)
MOST = 50  # live ones of a person: more than anybody can tell apart
_LENGTH = 43  # base64url of 32 random bytes
_HINT = len(PREFIX) + 4
_SEEN_EVERY = timedelta(minutes=1)


@transaction.atomic
def create(
    *,
    user: User,
    name: str,
    scopes: Sequence[str],
    project: Project | None,
    expires_at: datetime,
    at: datetime,
    by_token: ApiToken | None = None,
) -> tuple[ApiToken, str]:
    """A token and its secret, which is kept nowhere. What a token makes may do no more than itself."""
    _require_known(scopes, project)
    _require_lifetime(expires_at, at)
    if by_token is not None:
        _require_within(by_token, scopes, project, expires_at)
    if project is not None and not project.memberships.filter(user=user).exists():
        raise TokenRefused(_("A token is for a project that you are a member of."), field="project")
    if ApiToken.objects.of(user).live(at).count() >= MOST:
        raise TokenRefused(
            _("You have %(number)d tokens, the most there may be. Revoke one first.") % {"number": MOST},
            limit=MOST,
        )
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user, project=project, name=name, scopes=known.in_order(scopes), hint=secret[:_HINT],
        token_hash=_hash(secret), created_at=at, expires_at=expires_at,
    )  # fmt: skip
    notify(
        users=[user], kind="token_created", params={"token": name, "expires_at": expires_at},
        url=reverse("tokens"), dedupe=f"token:{token.uid}", at=at,
    )  # fmt: skip
    return token, secret


def revoke(*, token: ApiToken, at: datetime) -> ApiToken:
    """From now on it opens nothing. Revoking again changes nothing."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=at)
    token.refresh_from_db(fields=["revoked_at"])
    return token


def recognise(*, secret: str, at: datetime) -> ApiToken:
    """The live token of this secret with its person; one query, and one more each minute that it is used."""
    if not secret.startswith(PREFIX) or len(secret) != len(PREFIX) + _LENGTH or not secret.isascii():
        raise TokenUnknown(_("This is no token of this site."))
    token = _OF_SECRET.first(_hash(secret))
    if token is None:
        raise TokenUnknown(_("This is no token of this site."))
    _require_live(token, at)
    _see(token, at)
    return token


def _of_hash(digest: RawSQL) -> QuerySet[ApiToken]:
    is_member = ProjectMembership.objects.filter(project=OuterRef("project"), user=OuterRef("user"))
    tokens = ApiToken.objects.select_related("user").annotate(
        has_place=Q(project=None) | Exists(is_member)  # a project's token dies with the membership
    )
    return tokens.filter(token_hash=digest)


_OF_SECRET = Compiled(_of_hash)


def _require_live(token: ApiToken, at: datetime) -> None:
    if token.revoked_at is not None:
        raise TokenRevoked(_("This token was revoked. Make another one."))
    if at >= token.expires_at:
        raise TokenExpired(
            _("This token expired on %(day)s. Make another one.")
            % {"day": formats.long_day(token.expires_at)}
        )
    if not token.user.is_active:
        raise TokenOver(_("The account of this token is closed."))
    if not token.has_place:  # type: ignore[attr-defined]  # annotated above
        raise TokenOver(_("Whose token this is left the project that it was for."))


def _see(token: ApiToken, at: datetime) -> None:
    if token.last_used_at is None or at - token.last_used_at >= _SEEN_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=at)


def _require_known(scopes: Sequence[str], project: Project | None) -> None:
    if not scopes:
        raise TokenRefused(_("Choose what the token may do."), field="scopes")
    if unknown := known.unknown(scopes):
        raise TokenRefused(
            _("There is no scope “%(name)s”. Known are: %(names)s.")
            % {"name": unknown[0][:30], "names": ", ".join(known.ALL)},
            field="scopes",
        )
    if project is not None and (outside := known.outside_a_project(scopes)):
        raise TokenRefused(
            _("A token for one project cannot have the scope “%(name)s”. It can have: %(names)s.")
            % {"name": outside[0], "names": ", ".join(known.OF_ONE_PROJECT)},
            field="scopes",
        )


def _require_lifetime(expires_at: datetime, at: datetime) -> None:
    if not at < expires_at <= at + LONGEST:
        raise TokenRefused(
            _("A token expires in the future, within %(days)d days.") % {"days": LONGEST.days},
            field="expires_at",
            limit=LONGEST.days,
        )


def _require_within(
    by_token: ApiToken, scopes: Sequence[str], project: Project | None, expires_at: datetime
) -> None:
    if beyond := known.beyond(scopes, by_token.scopes):
        raise TokenRefused(
            _("A token makes tokens that may do no more than itself: it has not the scope “%(name)s”.")
            % {"name": beyond[0]},
            field="scopes",
        )
    if by_token.project_id is not None and (project is None or project.pk != by_token.project_id):
        raise TokenRefused(_("A project’s token makes tokens for that project only."), field="project")
    if expires_at > by_token.expires_at:
        raise TokenRefused(
            _("A token makes tokens that live no longer than itself, until %(day)s.")
            % {"day": formats.moment_with_year(by_token.expires_at)},
            field="expires_at",
        )


def _hash(secret: str) -> str:
    """Plain SHA-256: 256 random bits cannot be guessed, so a slow hash would only cost every call."""
    return hashlib.sha256(secret.encode()).hexdigest()
