"""Opening a project with its place in the share tree, and what it is called."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import SlugTaken
from accounts.models import Organisation, Project, User
from accounts.services import members
from accounts.services.projects import create_project, free_slug
from reservations.errors import ShareRefused
from reservations.models import Vertex
from reservations.services import shares, standing

_TRIES = 5


@transaction.atomic
def open_project(
    *,
    name: str,
    summary: str,
    account: Vertex,
    shares_among_siblings: int,
    lead: User | None,
    organisation: Organisation | None,
    uses_public_money: bool = False,
    slug: str = "",
) -> Project:
    """A project below an account, independent until somebody gives it a class.

    Its address is made of its name, with a number where that is taken.
    """
    for _try in range(_TRIES):
        try:
            project = create_project(
                slug=free_slug(slug or name), name=name, project_class=Project.Class.INDEPENDENT, lead=lead,
                organisation=organisation, summary=summary, uses_public_money=uses_public_money,
            )  # fmt: skip
        except SlugTaken:  # by somebody else in this moment
            continue
        _plant(project, account, shares_among_siblings)
        return project
    raise SlugTaken.by(free_slug(slug or name))


@transaction.atomic
def describe(*, project: Project, name: str, summary: str, by: User) -> Project:
    """What a lead calls the project; its address stays, so that links go on working."""
    project = standing.lock(project)
    members.require_lead(of=project, by=by)
    if not name.strip():
        raise ShareRefused(_("A project has a name."), field="name")
    project.name, project.summary = name.strip(), summary.strip()
    project.save(update_fields=["name", "summary"])
    vertex = Vertex.objects.filter(project=project).first()
    # Stored decisions keep the name of the place for good: a person's own never says who they are.
    if vertex is not None and vertex.parent is not None and project.personal_to_id is None:
        vertex.name = _free_name(project, vertex.parent)
        vertex.save(update_fields=["name"])
    return project


def place(*, project: Project, account: Vertex, shares_among_siblings: int) -> Vertex:
    """Give a project its place, or move it to another account; what it used and holds goes with it."""
    vertex = Vertex.objects.select_for_update(no_key=True, of=("self",)).filter(project=project).first()
    if vertex is None:
        return _plant(project, account, shares_among_siblings)
    if vertex.parent_id != account.pk:
        vertex.parent, vertex.name = account, _free_name(project, account)
        vertex.save(update_fields=["parent", "name"])
    shares.set_shares(vertex=vertex, shares=shares_among_siblings)
    vertex.refresh_from_db()
    return vertex


def _plant(project: Project, account: Vertex, shares_among_siblings: int) -> Vertex:
    return shares.create_project_vertex(
        parent=account, name=_free_name(project, account), project=project, shares=shares_among_siblings
    )


def _free_name(project: Project, account: Vertex) -> str:
    """Siblings have names of their own; a second project of a name is told by its address."""
    others = Vertex.objects.filter(parent=account, name=project.name).exclude(project=project)
    return f"{project.name[:100]} ({project.slug})" if others.exists() else project.name
