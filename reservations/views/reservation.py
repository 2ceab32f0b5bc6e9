"""A reservation's page, the jobs in it, their logs and files."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from kombu.exceptions import OperationalError

from accounts.access import agreed, person
from common import clock
from common.access import guard
from common.errors import DomainError
from nodes.models import LogChunk, OutputFile
from nodes.selectors import lease_of
from reservations import tasks
from reservations.access import RESERVATION_KEEPER, RESERVATION_MEMBER, RUN_KEEPER, RUN_MEMBER
from reservations.errors import NotAKeeper
from reservations.forms import RunForm
from reservations.forms.changing import AppealForm
from reservations.models import Reservation, Run
from reservations.selectors.reservation import ReservationPage, reservation_page, reservations_of
from reservations.services import booking, runs

logger = logging.getLogger(__name__)

# What a job made is somebody's data, never part of this site: nothing in it may run or be guessed at.
_SANDBOX = "default-src 'none'; sandbox"


@never_cache
@guard(RESERVATION_MEMBER)
def reservation(request: HttpRequest, reservation: Reservation) -> HttpResponse:
    return _page(request, reservation)


@guard({"GET": RESERVATION_MEMBER, "POST": RESERVATION_KEEPER})
def reservation_cancel(request: HttpRequest, reservation: Reservation) -> HttpResponse:
    """A refusal is shown at this address: whoever loads it again, or keeps it, comes back to the slot."""
    if request.method != "POST":
        return redirect(reservation)
    try:
        booking.cancel(reservation=reservation, by=person(request), at=clock.now())
    except DomainError as error:
        return _refused(request, reservation, error)
    messages.success(request, _("Cancelled. The time is free for others again."))
    return redirect(reservation)


@guard({"GET": RESERVATION_MEMBER, "POST": agreed(RESERVATION_KEEPER)})
def run_add(request: HttpRequest, reservation: Reservation) -> HttpResponse:
    if request.method != "POST":
        return redirect(reservation)
    page = reservation_page(reservation=reservation, user=person(request), at=clock.now())
    form = RunForm(request.POST, nodes=[part.node for part in page.nodes], offered=page.choices)
    if form.is_valid():
        try:
            run = runs.queue_run(
                reservation=reservation, by=person(request), at=clock.now(), **form.cleaned_data
            )
        except NotAKeeper as error:
            return _refused(request, reservation, error)
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            transaction.on_commit(_hurry)
            messages.success(request, _("Run %(number)d is queued.") % {"number": run.number})
            return redirect(reservation)
    return render(request, "reservations/reservation.html", {"page": page, "form": form}, status=400)


@guard({"GET": RUN_MEMBER, "POST": RUN_KEEPER})
def run_stop(request: HttpRequest, run: Run) -> HttpResponse:
    if request.method != "POST":
        return redirect(run.reservation)
    try:
        runs.stop_run(run=run, by=person(request), at=clock.now())
    except DomainError as error:
        return _refused(request, run.reservation, error)
    messages.success(request, _("Run %(number)d is asked to stop.") % {"number": run.number})
    return redirect(run.reservation)


@never_cache
@guard(RUN_MEMBER)
def run_log(request: HttpRequest, run: Run) -> StreamingHttpResponse:
    """All that a job printed, as plain text."""
    response = StreamingHttpResponse(_printed(run), content_type="text/plain; charset=utf-8")
    response.headers["Content-Security-Policy"] = _SANDBOX
    return response


@never_cache
@guard(RUN_MEMBER)
def run_file(request: HttpRequest, run: Run, name: str) -> FileResponse:
    """A file that a job brought back: always a download, never shown."""
    if "\0" in name:  # no file is called that, and the database would not take the question
        raise Http404
    found = get_object_or_404(OutputFile, lease=lease_of(run.reference), name=name)
    response = FileResponse(
        found.content.open("rb"),
        as_attachment=True,
        filename=name.rsplit("/", maxsplit=1)[-1],
        content_type="application/octet-stream",
    )
    response.headers["Content-Security-Policy"] = _SANDBOX
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _refused(request: HttpRequest, reservation: Reservation, error: DomainError) -> HttpResponse:
    return show(request, reservation, status=error.status, problem=error.message)


def show(
    request: HttpRequest,
    reservation: Reservation,
    *,
    status: int,
    problem: str = "",
) -> HttpResponse:
    """The page as it is now, if it is theirs still: somebody else may have been quicker."""
    now = get_object_or_404(reservations_of(person(request)), pk=reservation.pk)
    return _page(request, now, status=status, problem=problem)


def _page(
    request: HttpRequest,
    reservation: Reservation,
    *,
    status: int = 200,
    problem: str = "",
) -> HttpResponse:
    page = reservation_page(reservation=reservation, user=person(request), at=clock.now())
    context = {
        "page": page,
        "own_project": page.project,
        "problem": problem,
        "form": _run_form(page),
        "appeal_form": AppealForm(),
    }
    return render(request, "reservations/reservation.html", context, status=status)


def _run_form(page: ReservationPage) -> RunForm:
    """The last run once more, to be changed and run again."""
    newest = page.newest
    initial: dict[str, Any] = {}
    if newest is not None:
        initial = {
            "script": newest.script,
            "environment": newest.environment,
            "bring_back": newest.bring_back,
            "runner": newest.runner,
            "image": newest.image,
            "network": newest.network,
            "retry": newest.retry,
            "checkpoint": newest.checkpoint,
            "on_disconnect": newest.on_disconnect,
        }
    nodes = [part.node for part in page.nodes]
    return RunForm(None, nodes=nodes, offered=page.choices, initial=initial)


def _printed(run: Run) -> Iterator[str]:
    lease = lease_of(run.reference)
    if lease is not None:
        for chunk in LogChunk.objects.filter(lease=lease).order_by("seq").iterator():
            yield chunk.text


def _hurry() -> None:
    """Due work is a query that comes every second: without a broker it is only a little later."""
    try:
        tasks.dispatch_due.delay()
    except OperationalError as exc:
        logger.warning("could not hurry the dispatch: %s", exc)
