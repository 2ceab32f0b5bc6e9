"""Opening projects, and who books for them."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from accounts.errors import SlugTaken
from accounts.models import Organisation, Project, ProjectMembership, User
from accounts.services import slugs

RESERVED = frozenset({"apply"})  # pages beside those of projects, at /projects/


def create_project(
    *,
    slug: str,
    name: str,
    project_class: str,
    lead: User | None,
    organisation: Organisation | None = None,
    summary: str = "",
    uses_public_money: bool = False,
    personal_to: User | None = None,
) -> Project:
    """Open a project with its lead, or with none until somebody who is invited to lead it accepts.

    Its place in the share tree is given by `reservations`.
    """
    try:
        with transaction.atomic():
            project = Project.objects.create(
                slug=slug,
                name=name,
                project_class=project_class,
                organisation=organisation,
                summary=summary,
                uses_public_money=uses_public_money,
                personal_to=personal_to,
            )
            if lead is not None:
                ProjectMembership.objects.create(project=project, user=lead, role=ProjectMembership.Role.LEAD)
            return project
    except IntegrityError as exc:
        raise SlugTaken.by(slug) from exc


def free_slug(name: str) -> str:
    """The name as an address below /projects/."""
    return slugs.free_slug(Project, name, reserved=RESERVED)


def add_to_project(
    *, project: Project, user: User, role: str = ProjectMembership.Role.MEMBER
) -> ProjectMembership:
    """Let somebody book for a project; somebody who may already gets the new role."""
    membership, _created = ProjectMembership.objects.update_or_create(
        project=project, user=user, defaults={"role": role}
    )
    return membership
