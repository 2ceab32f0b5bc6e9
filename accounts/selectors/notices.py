"""The inbox, and what somebody wants mailed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import BooleanField, Count, ExpressionWrapper, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.domain.notices import KINDS, Group
from accounts.models import MailPreference, Notice, User
from accounts.wording import notices as wording

PAGE = 25
_UNREAD = ExpressionWrapper(Q(read_at=None), output_field=BooleanField())


@dataclass(frozen=True)
class Line:
    """A notice, worded for who reads now."""

    uid: UUID
    title: str
    body: str
    url: str
    created_at: datetime
    is_unread: bool


@dataclass(frozen=True)
class Inbox:
    lines: tuple[Line, ...]
    unread: int
    newer: int | None  # numbers of pages
    older: int | None


@dataclass(frozen=True)
class Choice:
    kind: str
    sentence: str
    by_mail: bool


@dataclass(frozen=True)
class Choices:
    """The kinds under one heading."""

    heading: str
    kinds: tuple[Choice, ...]


def inbox(*, user: User, page: int) -> Inbox:
    """Unread first, then the newest."""
    first = (page - 1) * PAGE
    found = list(Notice.objects.of(user).order_by(_UNREAD.desc(), "-id")[first : first + PAGE + 1])
    return Inbox(
        lines=tuple(line_of(notice) for notice in found[:PAGE]),
        unread=unread(user),
        newer=page - 1 if page > 1 else None,
        older=page + 1 if len(found) > PAGE else None,
    )


def people_with_unread() -> QuerySet[User]:
    """People, each with the number of their unread notices: from an index of those alone."""
    counted = Notice.objects.unread().filter(user=OuterRef("pk")).order_by().values("user")
    return User.objects.annotate(
        unread_notices=Coalesce(Subquery(counted.annotate(count=Count("*")).values("count")), 0)
    )


def unread(user: User) -> int:
    """What the session brought along, else counted: it stands on every page."""
    known: int | None = getattr(user, "unread_notices", None)
    return Notice.objects.of(user).unread().count() if known is None else known


def choices(*, user: User) -> list[Choices]:
    """Every kind that this person can be told of, as they want it or as it is by itself."""
    wishes = dict(MailPreference.objects.filter(user=user).values_list("kind", "by_mail"))
    return [
        Choices(
            heading=str(heading),
            kinds=tuple(
                Choice(kind.name, str(wording.SENTENCES[kind.name]), wishes.get(kind.name, kind.by_mail))
                for kind in KINDS.values()
                if kind.group == group
            ),
        )
        for group, heading in wording.GROUPS.items()
        if user.is_steward or group != Group.STEWARDS
    ]


def line_of(notice: Notice) -> Line:
    return Line(
        uid=notice.uid,
        title=wording.title(notice.kind, notice.params),
        body=wording.body(notice.kind, notice.params),
        url=notice.url,
        created_at=notice.created_at,
        is_unread=notice.read_at is None,
    )
