"""One project as a steward sees it: its standing, class, share, and what a change would mean."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from django.db.models import F, Func, QuerySet

from accounts.models import ClassGrant, Project, ProjectMembership, User
from accounts.selectors.people import ActRow, acts
from reservations.domain.shares import Tree, Vertex as Node
from reservations.models import Vertex
from reservations.selectors.consequences import (
    LiveSlot,
    cancelled_by_end,
    cancelled_by_suspension,
    live_slots,
)


@dataclass(frozen=True)
class ClassRow:
    name: str
    given_by: str
    given_at: datetime
    until: datetime | None
    reason: str


@dataclass(frozen=True)
class StewardProjectPage:
    project: Project
    leads: tuple[User, ...]
    members: int
    account: str  # as a path; empty where the project has no place in the share tree
    shares: int | None
    account_pk: int | None
    can_move: bool  # a personal project stays where it is
    acts: tuple[ActRow, ...]
    classes: tuple[ClassRow, ...]
    by_suspension: tuple[LiveSlot, ...]  # would be cancelled
    going_on: tuple[LiveSlot, ...]  # have begun
    ends: datetime | None  # the end that is asked about
    by_end: tuple[LiveSlot, ...]  # would be cancelled by it


def steward_project_page(*, project: Project, ends: datetime | None, at: datetime) -> StewardProjectPage:
    """Five queries."""
    memberships = list(ProjectMembership.objects.filter(project=project).select_related("user"))
    path = sorted(_path(project), key=lambda vertex: len(vertex.path))
    slots = live_slots(project=project, at=at)
    return StewardProjectPage(
        project=project,
        leads=tuple(one.user for one in memberships if one.role == ProjectMembership.Role.LEAD),
        members=len(memberships),
        account=" / ".join(account.name for account in path[:-1]),
        shares=path[-1].shares if path else None,
        account_pk=path[-1].parent_id if path else None,
        can_move=project.personal_to_id is None,
        acts=tuple(acts(project=project)),
        classes=tuple(_classes(project)),
        by_suspension=cancelled_by_suspension(slots),
        going_on=tuple(slot for slot in slots if slot.has_begun),
        ends=ends,
        by_end=cancelled_by_end(slots, ends) if ends else (),
    )


@dataclass(frozen=True)
class PlaceAsked:
    """What another account or other shares would mean: parts of everything, as promised."""

    shares: int
    now: float | None  # None: it has no place yet
    then: float


def place_asked(*, project: Project, account_pk: int, shares: int) -> PlaceAsked:
    """One query, over the whole tree: asked for only before a change is made."""
    rows = Vertex.objects.values_list("pk", "parent_id", "shares", "project_id")
    nodes = [
        Node(str(pk), None if parent is None else str(parent), count, is_leaf=leaf is not None)
        for pk, parent, count, leaf in rows
    ]
    own = next((str(pk) for pk, _parent, _count, leaf in rows if leaf == project.pk), None)
    moved = Node(own or "new", str(account_pk), shares, is_leaf=True)
    return PlaceAsked(
        shares=shares,
        now=None if own is None else float(_promised(Tree(nodes), own)),
        then=float(_promised(Tree([*(node for node in nodes if node.key != own), moved]), moved.key)),
    )


def _promised(tree: Tree, key: str) -> Fraction:
    """S along the path; who uses the shares of the account above has all that it has."""
    promised = Fraction(1)
    while key != tree.root:
        account = tree.account_of(key)
        promised *= _part(tree, key, account)
        key = account
    return promised


def _part(tree: Tree, key: str, account: str) -> Fraction:
    found = next(one for one in tree.siblings(account) if one.key == key)
    return Fraction(1) if found.shares is None else tree.norm_shares(key)


def _path(project: Project) -> QuerySet[Vertex]:
    """The accounts above the project, and its own leaf."""
    its_own = Vertex.objects.filter(project=project)
    return Vertex.objects.filter(
        pk__in=its_own.annotate(step=Func(F("path"), function="unnest")).values("step")
    )


def _classes(project: Project) -> list[ClassRow]:
    grants = ClassGrant.objects.filter(project=project).select_related("given_by", "on_behalf_of")
    return [
        ClassRow(
            name=grant.get_project_class_display(),
            given_by=str(grant.on_behalf_of or grant.given_by),
            given_at=grant.given_at,
            until=grant.expires_at,
            reason=grant.reason,
        )
        for grant in grants
    ]
