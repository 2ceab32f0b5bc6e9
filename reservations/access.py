"""The rules about slots, jobs and decisions: members of their project see them, some may change them."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, Subquery
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_noop

from accounts.access import PROJECT_MEMBER, person, row
from accounts.models import ProjectMembership
from common.access import Rule, Verdict
from reservations.errors import NotAKeeper
from reservations.models import Reservation, Run
from reservations.selectors.applications import applications, applications_of
from reservations.selectors.decision import decisions_of
from reservations.selectors.keepers import is_keeper, who_keeps
from reservations.selectors.project import projects_of
from reservations.selectors.reservation import reservations_of

_A, _S, _F, _H = Verdict.ALLOWED, Verdict.SIGN_IN, Verdict.FORBIDDEN, Verdict.HIDDEN


def _without(argument: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in kwargs.items() if name != argument}


def _reservation(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    found = get_object_or_404(reservations_of(person(request)), uid=kwargs["uid"])
    return {**_without("uid", kwargs), "reservation": found}


def _kept_reservation(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    admitted = _reservation(request, kwargs)
    _require_keeper(request, admitted["reservation"], admitted["reservation"].role)
    return admitted


def _run(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    user = person(request)
    role = ProjectMembership.objects.filter(project=OuterRef("reservation__project"), user=user)
    mine = Run.objects.of(user).select_related("reservation__project", "node")
    found = get_object_or_404(mine.annotate(role=Subquery(role.values("role"))), uid=kwargs["uid"])
    return {**_without("uid", kwargs), "run": found}


def _kept_run(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    admitted = _run(request, kwargs)
    _require_keeper(request, admitted["run"].reservation, admitted["run"].role)
    return admitted


def _require_keeper(request: HttpRequest, reservation: Reservation, role: str) -> None:
    """Services look once more, under the project's lock: somebody may have been removed meanwhile."""
    if not is_keeper(reservation=reservation, role=role, user=person(request)):
        raise NotAKeeper(who_keeps(reservation))


def _decision(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    found = get_object_or_404(decisions_of(person(request)), uid=kwargs["uid"])
    return {**_without("uid", kwargs), "decision": found}


def _project_with_people(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    found = get_object_or_404(projects_of(person(request)), slug=kwargs["slug"])
    return {**_without("slug", kwargs), "project": found}


# From `slug` to `project`, read at once with what its page shows.
PROJECT_READER = Rule(PROJECT_MEMBER.name, PROJECT_MEMBER.said, PROJECT_MEMBER.verdicts, _project_with_people)
# From `uid` to `reservation`, `run`, `decision`.
RESERVATION_MEMBER = Rule(
    "reservation member",
    gettext_noop("Members of the slot’s project"),
    row(_S, _H, _A, _A, _H, _H, _H),
    _reservation,
)
# The member of the table has not booked this slot.
RESERVATION_KEEPER = Rule(
    "reservation keeper",
    gettext_noop("Who booked the slot, and leads of its project"),
    row(_S, _H, _F, _A, _H, _H, _H),
    _kept_reservation,
)
RUN_MEMBER = Rule(
    "run member", gettext_noop("Members of the job’s project"), row(_S, _H, _A, _A, _H, _H, _H), _run
)
RUN_KEEPER = Rule(
    "run keeper",
    gettext_noop("Who booked the job’s slot, and leads of its project"),
    row(_S, _H, _F, _A, _H, _H, _H),
    _kept_run,
)
DECISION_MEMBER = Rule(
    "decision member",
    gettext_noop("Members of the project that the decision is about"),
    row(_S, _H, _A, _A, _H, _H, _H),
    _decision,
)


def _application(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    found = get_object_or_404(applications_of(person(request)), uid=kwargs["uid"])
    return {**_without("uid", kwargs), "application": found}


def _read_application(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    user = person(request)
    seen = applications() if user.is_steward else applications_of(user)
    return {**_without("uid", kwargs), "application": get_object_or_404(seen, uid=kwargs["uid"])}


# From `uid` to `application`. The lead of the table has applied.
APPLICANT = Rule("applicant", gettext_noop("Who applied"), row(_S, _H, _H, _A, _H, _H, _H), _application)
APPLICATION_READER = Rule(
    "application reader",
    gettext_noop("Who applied, and stewards"),
    row(_S, _H, _H, _A, _H, _H, _A),
    _read_application,
)
