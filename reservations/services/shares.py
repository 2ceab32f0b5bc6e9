"""Planting the share tree: the root, accounts with their shares, projects as leaves."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Project
from reservations.errors import ShareRefused
from reservations.models import Vertex


@transaction.atomic
def create_root(*, name: str) -> Vertex:
    """The whole, of which accounts have shares. There is one."""
    if Vertex.objects.filter(parent=None).exists():
        raise ShareRefused(_("The share tree has its root already."))
    return Vertex.objects.create(name=name, shares=1)


def create_account(*, parent: Vertex, name: str, shares: int | None) -> Vertex:
    """An inner vertex: a funder, an institution, a programme. Without shares it uses its parent's."""
    return _plant(parent=parent, name=name, shares=shares, project=None)


@transaction.atomic
def ensure_independent_account(*, shares: int) -> Vertex:
    """The one account that personal projects share, made with its shares where there is none yet.

    On a site without a tree the root is planted, too.
    """
    if found := Vertex.objects.filter(is_independent=True).first():
        return found
    root = Vertex.objects.filter(parent=None).first() or create_root(name="Everybody")
    account = create_account(parent=root, name="Independent", shares=shares)
    account.is_independent = True
    account.save(update_fields=["is_independent"])
    return account


def lock_independent_account() -> Vertex | None:
    """Whoever is about to join it waits in turn, until the end of the transaction."""
    return Vertex.objects.select_for_update(no_key=True).filter(is_independent=True).first()


def create_project_vertex(*, parent: Vertex, project: Project, shares: int | None, name: str = "") -> Vertex:
    """Give a project its place, as a leaf of an account; `name` where siblings may be called alike."""
    if Vertex.objects.filter(project=project).exists():
        raise ShareRefused(_("%(project)s has its place in the share tree already.") % {"project": project})
    return _plant(parent=parent, name=name or project.name, shares=shares, project=project)


@transaction.atomic
def set_shares(*, vertex: Vertex, shares: int | None) -> None:
    """Change what a vertex has among its siblings. Decisions already taken keep their snapshot."""
    if vertex.parent_id is None:
        raise ShareRefused(_("The root is the whole: it has no shares to change."), field="shares")
    _require_count(shares)
    Vertex.objects.filter(pk=vertex.pk).update(shares=shares)


@transaction.atomic
def _plant(*, parent: Vertex, name: str, shares: int | None, project: Project | None) -> Vertex:
    _require_count(shares)
    if parent.project_id is not None:
        raise ShareRefused(
            _("%(parent)s is a project: only accounts have others below them.") % {"parent": parent},
            field="parent",
        )
    if Vertex.objects.filter(parent=parent, name=name).exists():
        raise ShareRefused(
            _("%(parent)s has “%(name)s” already.") % {"parent": parent, "name": name}, field="name"
        )
    vertex = Vertex.objects.create(parent=parent, name=name, shares=shares, project=project)
    vertex.refresh_from_db(fields=["path"])  # which the database writes
    return vertex


def _require_count(shares: int | None) -> None:
    if shares is not None and shares < 0:
        raise ShareRefused(_("Shares are a whole number, zero or more."), field="shares")
