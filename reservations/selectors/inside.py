"""An organisation's accounts of the share tree, with what each share comes to in per cent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q, QuerySet, Sum

from accounts.models import Invitation, Organisation, ProjectMembership
from reservations.models import Vertex

LEAD = ProjectMembership.Role.LEAD
_DEEPEST = 4


@dataclass(frozen=True)
class Lapsed:
    """An invitation that nobody answered in time."""

    email: str
    expired_at: datetime


@dataclass(frozen=True)
class ShareRow:
    pk: int
    below: int  # the account it stands in
    name: str
    depth: int  # 0: an account of the organisation itself; as far as a page indents
    is_project: bool
    slug: str  # of the project
    project_class: str
    class_name: str
    shares: int | None  # None: uses its account's
    of_account: float | None  # its part of the account it stands in
    of_all: float  # its part of everything
    leads: tuple[str, ...]
    invited: tuple[str, ...]  # to lead it: may still answer
    lapsed: tuple[Lapsed, ...]  # did not
    expires_at: datetime | None
    is_suspended: bool

    @property
    def is_led_by_nobody(self) -> bool:
        """Nor is anybody asked to."""
        return self.is_project and not self.leads and not self.invited


@dataclass(frozen=True)
class SharesPage:
    organisation: Organisation
    rows: tuple[ShareRow, ...]

    @property
    def accounts(self) -> tuple[ShareRow, ...]:
        """Where a project can be opened."""
        return tuple(row for row in self.rows if not row.is_project)


def vertices_of(organisation: Organisation) -> QuerySet[Vertex]:
    """The organisation's accounts and all below them."""
    own = Vertex.objects.filter(organisation=organisation).values_list("pk", flat=True)
    return Vertex.objects.filter(path__overlap=list(own))


def shares_page(*, organisation: Organisation, at: datetime) -> SharesPage:
    """Three queries, however much there is below."""
    own = list(Vertex.objects.filter(organisation=organisation).order_by("name", "pk"))
    above = {step for account in own for step in account.path}
    found = _read(own, above) if own else []
    parts = _parts(found)
    return SharesPage(
        organisation=organisation,
        rows=tuple(_row(vertex, depth, parts, at) for vertex, depth in _in_order(own, found)),
    )


def _read(own: Iterable[Vertex], above: Iterable[int]) -> list[Vertex]:
    leads = ProjectMembership.objects.filter(project=OuterRef("project"), role=LEAD)
    invited = Invitation.objects.unanswered().filter(project=OuterRef("project"), role=LEAD).order_by("pk")
    wanted = Q(path__overlap=[account.pk for account in own]) | Q(pk__in=list(above))
    vertices = Vertex.objects.filter(wanted).select_related("project")
    return list(
        vertices.annotate(
            leads=ArraySubquery(leads.values("user__email")),
            invited=ArraySubquery(invited.values("email")),
            invited_until=ArraySubquery(invited.values("expires_at")),
        ).order_by("name", "pk")
    )


def _parts(vertices: Iterable[Vertex]) -> Mapping[int, Fraction | None]:
    """What part of its account each has; None where it has no shares of its own."""
    found = list(vertices)
    parents = {vertex.parent_id for vertex in found}
    sums = Vertex.objects.filter(parent__in=parents).values_list("parent").annotate(Sum("shares"))
    of_parent = {parent: total or 0 for parent, total in sums}
    return {
        vertex.pk: None
        if vertex.shares is None
        else Fraction(vertex.shares, of_parent[vertex.parent_id] or 1)
        for vertex in found
        if vertex.parent_id is not None
    }


def _in_order(own: list[Vertex], vertices: Iterable[Vertex]) -> Iterator[tuple[Vertex, int]]:
    """Depth first, by name; an account of the organisation below another of its own stands there once."""
    children: dict[int | None, list[Vertex]] = defaultdict(list)
    by_id = {}
    for vertex in vertices:
        children[vertex.parent_id].append(vertex)
        by_id[vertex.pk] = vertex
    own_ids = {account.pk for account in own}

    def below(vertex: Vertex, depth: int) -> Iterator[tuple[Vertex, int]]:
        yield vertex, depth
        for child in children[vertex.pk]:
            yield from below(child, depth + 1)

    for account in own:
        if not own_ids & set(account.path[:-1]):
            yield from below(by_id[account.pk], 0)


def _row(vertex: Vertex, depth: int, parts: Mapping[int, Fraction | None], at: datetime) -> ShareRow:
    of_all = Fraction(1)
    for step in vertex.path:
        part = parts.get(step)
        of_all *= 1 if part is None else part
    project = vertex.project
    own_part = parts.get(vertex.pk)
    sent = list(zip(vertex.invited, vertex.invited_until, strict=True))  # type: ignore[attr-defined]  # annotated above
    return ShareRow(
        pk=vertex.pk,
        below=vertex.parent_id or 0,
        name=vertex.name,
        depth=min(depth, _DEEPEST),
        is_project=project is not None,
        slug=project.slug if project else "",
        project_class=project.project_class if project else "",
        class_name=project.get_project_class_display() if project else "",
        shares=vertex.shares,
        of_account=None if own_part is None else float(own_part),
        of_all=float(of_all),
        leads=tuple(vertex.leads),  # type: ignore[attr-defined]  # annotated above
        invited=tuple(email for email, until in sent if until > at),
        lapsed=tuple(Lapsed(email, until) for email, until in sent if until <= at),
        expires_at=project.expires_at if project else None,
        is_suspended=project is not None and project.suspended_at is not None,
    )
