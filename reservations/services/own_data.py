"""The part of requests, slots and jobs in a person's data."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _, ngettext

from accounts.models import User
from accounts.selectors.own_data import projects_alone
from accounts.services.own_data import Part, Stop
from common import formats
from common.evidence import store
from nodes.services.forgetting import forget_leases
from reservations.models import Application, NoShow, Reservation, Run, Vertex
from reservations.selectors import own_data as selectors

MOST_NAMED = 10


def _goes(user: User) -> list[str]:
    return [
        _("The words and files with which you applied; applications without an answer are withdrawn."),
        _("Scripts, logs and files of jobs in projects that are closed with you."),
        _("What you wrote in appeals against no-shows."),
    ]


def _stays(user: User) -> list[str]:
    sentences = []
    if booked := Reservation.objects.filter(booked_by=user).count():
        said = ngettext(
            "%(number)s reservation with its decision and charges, as of somebody who left: money and shares "
            "were counted with it, and the law asks for books.",
            "%(number)s reservations with their decisions and charges, as of somebody who left: money and "
            "shares were counted with them, and the law asks for books.",
            booked,
        )
        sentences.append(said % {"number": formats.number(booked)})
    if Run.objects.filter(created_by=user).exists():
        sentences.append(
            _("Scripts, logs and files of your jobs in projects that go on: they belong to the project.")
        )
    return sentences


def _lock(user: User) -> None:
    """The places of their projects in the share tree: nothing is booked for these meanwhile."""
    places = Vertex.objects.filter(project__memberships__user=user)
    list(Vertex.objects.select_for_update(no_key=True).filter(pk__in=places.values("pk")).order_by("pk"))


def _stops(user: User, at: datetime) -> list[Stop]:
    return [
        Stop(
            _("You booked a slot for %(project)s until %(end)s. Cancel it first, or wait for its end.")
            % {"project": reservation.project, "end": formats.moment(reservation.during.upper)},
            reservation.get_absolute_url(),
        )
        for reservation in selectors.upcoming(user, at)[:MOST_NAMED]
    ]


def _erase(user: User, at: datetime) -> None:
    _forget_applications(user)
    NoShow.objects.filter(person=user).update(appeal="")
    alone = projects_alone(user)
    _forget_runs(selectors.runs_of(alone))
    for place in Vertex.objects.filter(project__in=alone.values("pk")):
        Vertex.objects.filter(pk=place.pk).update(name=f"closed-{place.pk}")


def _forget_applications(user: User) -> None:
    """What became of each stays, with the digest of what was looked at."""
    for application in Application.objects.filter(applicant=user):
        stored = application.evidence_file.name
        if application.state == Application.State.SUBMITTED:
            application.state = Application.State.WITHDRAWN
        if application.state != Application.State.GRANTED:
            application.name = application.slug = application.summary = ""
        application.purpose = application.evidence = application.evidence_file = ""
        application.save()
        # One file may stand behind several applications, of others too.
        if stored and not Application.objects.filter(evidence_file=stored).exists():
            transaction.on_commit(partial(store.storage().delete, stored))


def _forget_runs(runs: QuerySet[Run]) -> None:
    forget_leases(lease_uids=[run.lease_uid for run in runs if run.lease_uid])
    runs.update(script="", environment={}, bring_back=[], image="", checkpoint=[])


PART = Part(
    app="reservations", sections=selectors.own_data, goes=_goes, stays=_stays, lock=_lock, stops=_stops,
    erase=_erase,
)  # fmt: skip
