"""Applications as who applied and as stewards see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet

from accounts.models import Organisation, Project, User
from reservations.models import Application, Vertex

_ANSWERED = 20  # of the latest, below the queue


@dataclass(frozen=True)
class ApplicationRow:
    url: str
    steward_url: str
    name: str
    wanted_class: str
    applicant: str
    organisation: str
    submitted_at: datetime
    state: str
    tone: str
    decided_by: str


@dataclass(frozen=True)
class Queue:
    waiting: tuple[ApplicationRow, ...]
    answered: tuple[ApplicationRow, ...]


@dataclass(frozen=True)
class AccountChoice:
    """An account of the share tree that projects can be opened below."""

    vertex: Vertex
    path: str
    projects: int
    shares: int  # of all below it


@dataclass(frozen=True)
class Place:
    """Where a project stands in the share tree."""

    account_pk: int
    account: str  # the last step of its path is enough to be recognised
    shares: int | None  # None: it uses those of its account


@dataclass(frozen=True)
class Applicant:
    """What a steward looks at beside the application itself."""

    email: str
    name: str
    joined: datetime
    projects: tuple[Project, ...]
    organisations: tuple[Organisation, ...]
    former: int  # applications before this one


def applications() -> QuerySet[Application]:
    return Application.objects.select_related(
        "applicant", "project", "organisation", "decided_by", "granted_account"
    )


def applications_of(user: User) -> QuerySet[Application]:
    return applications().filter(user.within("project"), applicant=user)


def application_rows(found: QuerySet[Application]) -> tuple[ApplicationRow, ...]:
    return tuple(application_row(one) for one in found)


def queue() -> Queue:
    """Two queries. The oldest waits first."""
    every = applications()
    answered = every.exclude(state=Application.State.SUBMITTED).order_by("-decided_at")
    return Queue(
        waiting=application_rows(every.filter(state=Application.State.SUBMITTED).order_by("id")),
        answered=application_rows(answered[:_ANSWERED]),
    )


def applicant_of(application: Application) -> Applicant:
    """Three queries."""
    user = application.applicant
    return Applicant(
        email=user.email,
        name=user.name,
        joined=user.date_joined,
        projects=tuple(Project.objects.filter(memberships__user=user).order_by("name")),
        organisations=tuple(Organisation.objects.filter(memberships__user=user).order_by("name")),
        former=Application.objects.filter(applicant=user).exclude(pk=application.pk).count(),
    )


def place_of(project: Project | None) -> Place | None:
    """One query. None for a project that is not in the tree, and for one that is yet to be opened."""
    if project is None:
        return None
    leaf = Vertex.objects.filter(project=project).select_related("parent").first()
    if leaf is None or leaf.parent is None:
        return None
    return Place(account_pk=leaf.parent.pk, account=leaf.parent.name, shares=leaf.shares)


def is_own(*, application: Application, steward: User) -> bool:
    """What somebody has asked for themselves, or for a project they belong to, another steward answers."""
    if application.applicant_id == steward.pk:
        return True
    return application.project is not None and application.project.memberships.filter(user=steward).exists()


def account_choices(*, below: Organisation | None = None) -> tuple[AccountChoice, ...]:
    """Every account but the root, by path; or those of one organisation and below. One query."""
    accounts = list(
        Vertex.objects.filter(project=None, parent__isnull=False, is_independent=False)
        .annotate(count=Count("children__project"))
        .order_by("pk")
    )
    names = {account.pk: account.name for account in accounts}
    own = {account.pk for account in accounts if below and account.organisation_id == below.pk}
    choices = [
        AccountChoice(
            vertex=account,
            path=" / ".join(names.get(step, "") for step in account.path),
            projects=account.count,
            shares=account.shares or 0,
        )
        for account in accounts
        if below is None or own & set(account.path)
    ]
    return tuple(sorted(choices, key=lambda choice: choice.path))


def application_row(application: Application) -> ApplicationRow:
    tones = {"submitted": "info", "granted": "good", "declined": "bad", "withdrawn": ""}
    return ApplicationRow(
        url=application.get_absolute_url(),
        steward_url=f"/steward/applications/{application.uid}/",
        name=application.name,
        wanted_class=application.get_wanted_class_display(),
        applicant=str(application.applicant),
        organisation=str(application.organisation or ""),
        submitted_at=application.submitted_at,
        state=application.get_state_display(),
        tone=tones[application.state],
        decided_by=str(application.decided_by or ""),
    )
