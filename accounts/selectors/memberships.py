"""What a person belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from accounts.models import OrganisationMembership, ProjectMembership

if TYPE_CHECKING:
    from accounts.models import User


@dataclass(frozen=True)
class Membership:
    """Something a person belongs to."""

    name: str
    kind: str
    role: str
    url: str


@dataclass(frozen=True)
class Memberships:
    projects: list[Membership]
    organisations: list[Membership]


def memberships(user: User) -> Memberships:
    """All that a person belongs to, by name: two queries."""
    projects = ProjectMembership.objects.filter(user=user).select_related("project").order_by("project__name")
    organisations = (
        OrganisationMembership.objects.filter(user=user)
        .select_related("organisation")
        .order_by("organisation__name")
    )
    return Memberships(
        projects=[
            Membership(
                one.project.name,
                one.project.get_project_class_display(),
                one.get_role_display(),
                one.project.get_absolute_url(),
            )
            for one in projects
        ],
        organisations=[
            Membership(
                one.organisation.name,
                one.organisation.get_kind_display(),
                one.get_role_display(),
                one.organisation.get_absolute_url(),
            )
            for one in organisations
        ],
    )
