"""People as stewards see them: found by name or address, and a page of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from allauth.usersessions.models import UserSession
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404
from django.urls import reverse

from accounts.models import (
    ApiToken,
    Organisation,
    OrganisationMembership,
    Project,
    ProjectMembership,
    StewardAct,
    User,
)
from accounts.selectors.security import SECOND_FACTORS

PAGE = 25


@dataclass(frozen=True)
class PersonRow:
    name: str
    email: str
    url: str
    joined_at: datetime
    is_open: bool
    is_steward: bool


@dataclass(frozen=True)
class People:
    asked: str
    rows: tuple[PersonRow, ...]
    has_more: bool  # than are shown: ask more closely


@dataclass(frozen=True)
class Belonging:
    name: str
    url: str
    role: str


@dataclass(frozen=True)
class ActRow:
    name: str
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True)
class PersonPage:
    person: User
    sessions: int
    tokens: int
    has_second_factor: bool
    projects: tuple[Belonging, ...]
    organisations: tuple[Belonging, ...]
    acts: tuple[ActRow, ...]
    is_oneself: bool


def named(asked: str) -> QuerySet[User]:
    """All but those who have left; with letters, those whose name or address holds them."""
    found: QuerySet[User] = User.objects.filter(erased_at=None)
    return found.filter(Q(name__icontains=asked) | Q(email__icontains=asked)) if asked else found


def people(*, asked: str) -> People:
    """Whose name or address holds these letters; without any, who joined last. One query."""
    rows = list(named(asked).order_by("-pk")[: PAGE + 1])
    return People(asked, tuple(_row(user) for user in rows[:PAGE]), len(rows) > PAGE)


def person_page(*, uid: UUID, reader: User, at: datetime) -> PersonPage:
    """Four queries."""
    person = User.objects.filter(uid=uid).annotate(
        session_count=_count(UserSession.objects.filter(user=OuterRef("pk"))),
        token_count=_count(ApiToken.objects.live(at).filter(user=OuterRef("pk"))),
        is_proved=Exists(SECOND_FACTORS.filter(user=OuterRef("pk"))),
    )
    found = person.first()
    if found is None:
        raise Http404
    return PersonPage(
        person=found,
        sessions=found.session_count,
        tokens=found.token_count,
        has_second_factor=found.is_proved,
        projects=tuple(
            Belonging(
                one.project.name,
                reverse("steward_project", args=[one.project.slug]),
                one.get_role_display(),
            )
            for one in ProjectMembership.objects.filter(user=found)
            .select_related("project")
            .order_by("project__name")
        ),
        organisations=tuple(
            Belonging(
                one.organisation.name,
                reverse("steward_organisation", args=[one.organisation.slug]),
                one.get_role_display(),
            )
            for one in OrganisationMembership.objects.filter(user=found)
            .select_related("organisation")
            .order_by("organisation__name")
        ),
        acts=tuple(acts(person=found)),
        is_oneself=found == reader,
    )


def acts(
    *,
    person: User | None = None,
    project: Project | None = None,
    organisation: Organisation | None = None,
    limit: int = 50,
) -> list[ActRow]:
    """What stewards did, to one person, project or organisation, or at all; the latest first."""
    found = StewardAct.objects.select_related("steward")
    if person is not None:
        found = found.filter(person=person)
    if project is not None:
        found = found.filter(project=project)
    if organisation is not None:
        found = found.filter(organisation=organisation)
    return [ActRow(str(row.get_act_display()), str(row.steward), row.reason, row.at) for row in found[:limit]]


def _row(user: User) -> PersonRow:
    return PersonRow(
        name=user.name,
        email=user.email,
        url=reverse("steward_person", args=[user.uid]),
        joined_at=user.date_joined,
        is_open=user.is_active,
        is_steward=user.is_steward,
    )


def _count(rows: object) -> Coalesce:
    counted = rows.order_by().values("user").annotate(count=Count("*")).values("count")  # type: ignore[attr-defined]
    return Coalesce(Subquery(counted), 0)
