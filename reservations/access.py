"""The rules about slots, jobs and decisions: members of their project see them, some may change them."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _, gettext_noop

from accounts.access import LEADS, MEMBERS, PROJECT_MEMBER, own, person, row
from accounts.models import ProjectMembership, User
from common.access import NotAllowed, Rule, Verdict
from reservations.errors import NotAKeeper
from reservations.models import Application, NoShow, Reservation, Run
from reservations.selectors.applications import applications, applications_of
from reservations.selectors.decision import decisions_of
from reservations.selectors.keepers import is_keeper, who_keeps
from reservations.selectors.project_members import projects_of
from reservations.selectors.reservation import reservations_of

_A, _S, _H = Verdict.ALLOWED, Verdict.SIGN_IN, Verdict.HIDDEN


def _runs(user: User) -> QuerySet[Run]:
    role = ProjectMembership.objects.filter(project=OuterRef("reservation__project"), user=user)
    mine = Run.objects.of(user).select_related("reservation__project", "node", "retry_of")
    return mine.annotate(role=Subquery(role.values("role")))


# From `slug` to `project`, read at once with what its page shows.
PROJECT_READER = own(
    PROJECT_MEMBER.name,
    PROJECT_MEMBER.said,
    projects_of,
    argument="slug",
    given="project",
    field="slug",
    verdicts=PROJECT_MEMBER.verdicts,
)
# From `uid` to `reservation`, `run`, `decision`.
RESERVATION_MEMBER = own(
    "reservation member",
    gettext_noop("Members of the slot’s project"),
    reservations_of,
    argument="uid",
    given="reservation",
    verdicts=MEMBERS,
)
RUN_MEMBER = own(
    "run member",
    gettext_noop("Members of the job’s project"),
    _runs,
    argument="uid",
    given="run",
    verdicts=MEMBERS,
)
DECISION_MEMBER = own(
    "decision member",
    gettext_noop("Members of the project that the decision is about"),
    decisions_of,
    argument="uid",
    given="decision",
    verdicts=MEMBERS,
)


def _kept_reservation(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    admitted = RESERVATION_MEMBER.admit(request, kwargs)
    _require_keeper(request, admitted["reservation"], admitted["reservation"].role)
    return admitted


def _kept_run(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    admitted = RUN_MEMBER.admit(request, kwargs)
    _require_keeper(request, admitted["run"].reservation, admitted["run"].role)
    return admitted


def _require_keeper(request: HttpRequest, reservation: Reservation, role: str) -> None:
    """Services look once more, under the project's lock: somebody may have been removed meanwhile."""
    if not is_keeper(reservation=reservation, role=role, user=person(request)):
        raise NotAKeeper(who_keeps(reservation))


# The member of the table has not booked this slot.
RESERVATION_KEEPER = Rule(
    "reservation keeper",
    gettext_noop("Who booked the slot, and leads of its project"),
    LEADS,
    _kept_reservation,
)


def _no_show_person(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Whoever has left the project may still appeal: it counts against them in all projects."""
    try:
        admitted = RESERVATION_MEMBER.admit(request, kwargs)
    except Http404:
        own = NoShow.objects.of(person(request)).filter(reservation__uid=kwargs["uid"])
        found = own.select_related("reservation__project", "reservation__decision__policy").first()
        if found is None:
            raise
        return {name: value for name, value in kwargs.items() if name != "uid"} | {
            "reservation": found.reservation
        }
    reservation: Reservation = admitted["reservation"]
    no_show = getattr(reservation, "no_show", None)
    theirs = reservation.booked_by_id if no_show is None else no_show.person_id
    if theirs != person(request).pk:
        raise NotAllowed(_("Only the person whom it counts against appeals."))
    return admitted


NO_SHOW_PERSON = Rule(
    "no-show person", gettext_noop("Whom a no-show in the slot counts against"), LEADS, _no_show_person
)
RUN_KEEPER = Rule(
    "run keeper", gettext_noop("Who booked the job’s slot, and leads of its project"), LEADS, _kept_run
)


def _readable(user: User) -> QuerySet[Application]:
    return applications() if user.is_steward else applications_of(user)


# From `uid` to `application`. The lead of the table has applied.
APPLICANT = own(
    "applicant",
    gettext_noop("Who applied"),
    applications_of,
    argument="uid",
    given="application",
    verdicts=row(_S, _H, _H, _A, _H, _H, _H),
)
APPLICATION_READER = own(
    "application reader",
    gettext_noop("Who applied, and stewards"),
    _readable,
    argument="uid",
    given="application",
    verdicts=row(_S, _H, _H, _A, _H, _H, _A),
)
