"""The rules about slots, jobs and decisions: members of their project see them, some may change them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_noop

from accounts.access import person, row
from common.access import Rule, Verdict
from reservations.models import Decision, Reservation, Run

_A, _S, _F, _H = Verdict.ALLOWED, Verdict.SIGN_IN, Verdict.FORBIDDEN, Verdict.HIDDEN


def _reservation(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in kwargs.items() if name != "uid"}
    mine = Reservation.objects.of(person(request)).select_related("project")
    return {**rest, "reservation": get_object_or_404(mine, uid=kwargs["uid"])}


def _run(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in kwargs.items() if name != "uid"}
    mine = Run.objects.of(person(request)).select_related("reservation__project", "node")
    return {**rest, "run": get_object_or_404(mine, uid=kwargs["uid"])}


def _decision(request: HttpRequest, kwargs: dict[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in kwargs.items() if name != "uid"}
    mine = Decision.objects.of(person(request)).only("uid", "project_id")
    return {**rest, "decision": get_object_or_404(mine, uid=kwargs["uid"])}


# From `uid` to `reservation`, `run`, `decision`.
RESERVATION_MEMBER = Rule(
    "reservation member",
    gettext_noop("Members of the slot’s project"),
    row(_S, _H, _A, _A, _H, _H, _H),
    _reservation,
)
# The member of the table has not booked this slot: the service answers 403 to them.
RESERVATION_KEEPER = Rule(
    "reservation keeper",
    gettext_noop("Who booked the slot, and leads of its project"),
    row(_S, _H, _F, _A, _H, _H, _H),
    _reservation,
)
RUN_MEMBER = Rule(
    "run member", gettext_noop("Members of the job’s project"), row(_S, _H, _A, _A, _H, _H, _H), _run
)
RUN_KEEPER = Rule(
    "run keeper",
    gettext_noop("Who booked the job’s slot, and leads of its project"),
    row(_S, _H, _F, _A, _H, _H, _H),
    _run,
)
DECISION_MEMBER = Rule(
    "decision member",
    gettext_noop("Members of the project that the decision is about"),
    row(_S, _H, _A, _A, _H, _H, _H),
    _decision,
)
