"""Which projects a funder can give to: those it may know of. Of others nobody is told that they exist."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Organisation, Project, User
from pricing.models import Grant

SHOWN = 20  # while somebody types; more letters find the rest


@dataclass(frozen=True)
class Recipient:
    slug: str
    name: str
    class_name: str


def recipients(*, funder: Organisation, user: User) -> QuerySet[Project]:
    """Projects under their own name: public money pays them, the funder has, or the person belongs there."""
    given = Grant.objects.filter(project=OuterRef("pk"), funder=funder)
    mine = Project.objects.of(user).values("pk")
    return Project.objects.filter(
        Q(uses_public_money=True) | Q(organisation=funder) | Q(pk__in=mine) | Exists(given)
    )


def found(*, funder: Organisation, user: User, asked: str) -> tuple[Recipient, ...]:
    """The first by name whose name or address holds these letters. One query."""
    rows = recipients(funder=funder, user=user).filter(suspended_at=None)
    if asked := asked.strip():
        rows = rows.filter(Q(name__icontains=asked) | Q(slug__icontains=asked))
    return tuple(
        Recipient(one.slug, one.name, one.get_project_class_display())
        for one in rows.order_by("name", "pk")[:SHOWN]
    )


def named(*, funder: Organisation, user: User, text: str) -> tuple[Project, ...]:
    """What somebody means by an address, a name or an id; more than one where a name is not enough.

    The id finds any project: it cannot be guessed, so who has it was given it by a member.
    """
    text = text.strip()
    if uid := _uid(text):
        return tuple(Project.objects.filter(uid=uid))
    known = list(recipients(funder=funder, user=user).filter(Q(slug=text) | Q(name__iexact=text))[:SHOWN])
    by_address = [one for one in known if one.slug == text]
    return tuple(by_address or known)


def _uid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
