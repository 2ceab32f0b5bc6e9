"""A person's tokens as their page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import ApiToken, User
from accounts.wording.scopes import SENTENCES

_FORMER = 20


@dataclass(frozen=True)
class TokenLine:
    uid: UUID
    name: str
    hint: str
    project: str  # empty: all that is the person's
    may: tuple[str, ...]  # a sentence for each scope
    scopes: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True)
class TokensPage:
    live: tuple[TokenLine, ...]
    former: tuple[TokenLine, ...]  # revoked or expired, the newest


def tokens_page(*, user: User, at: datetime) -> TokensPage:
    mine = ApiToken.objects.of(user).select_related("project")
    live = list(mine.live(at))
    former = mine.exclude(pk__in=[token.pk for token in live])[:_FORMER]
    return TokensPage(tuple(map(_line, live)), tuple(map(_line, former)))


def _line(token: ApiToken) -> TokenLine:
    return TokenLine(
        uid=token.uid,
        name=token.name,
        hint=token.hint,
        project=token.project.name if token.project else "",
        may=tuple(str(SENTENCES[scope]) for scope in token.scopes if scope in SENTENCES),
        scopes=", ".join(token.scopes),
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
        revoked_at=token.revoked_at,
    )
