"""No-shows: saying that one came, appealing, and all of them as stewards read and answer them."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import STEWARD, STEWARD_ACTS, person
from common import clock, formats
from common.access import guard
from common.errors import DomainError
from common.ranges import bounds
from reservations.access import NO_SHOW_PERSON, RESERVATION_MEMBER
from reservations.forms.changing import AnswerForm, AppealForm
from reservations.models import NoShow, Reservation
from reservations.selectors import appeals as selectors
from reservations.selectors.afterwards import question_of
from reservations.services import no_shows
from reservations.views.reservation import show


@guard({"GET": RESERVATION_MEMBER, "POST": RESERVATION_MEMBER})
def reservation_check_in(request: HttpRequest, reservation: Reservation) -> HttpResponse:
    if request.method != "POST":
        return redirect(reservation)
    try:
        no_shows.check_in(reservation=reservation, by=person(request), at=clock.now())
    except DomainError as error:
        return show(request, reservation, status=error.status, problem=error.message)
    messages.success(request, _("Noted: the slot is in use."))
    return redirect(reservation)


@never_cache
@guard({"GET": NO_SHOW_PERSON, "POST": NO_SHOW_PERSON})
def reservation_appeal(request: HttpRequest, reservation: Reservation) -> HttpResponse:
    """What was looked at and what was said of it, in or out of the project; POST appeals."""
    no_show: NoShow | None = getattr(reservation, "no_show", None)
    if no_show is None:
        if request.method == "POST":
            return show(request, reservation, status=409, problem=_("Nothing is said against anybody here."))
        return redirect(reservation)
    form, status = AppealForm(request.POST if request.method == "POST" else None), 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            text, by = form.cleaned_data["text"], person(request)
            try:
                no_shows.appeal(no_show=no_show, text=text, by=by, at=clock.now())
            except DomainError as error:
                form.add_error("text", error.message)
                status = error.status
            else:
                messages.success(request, _("A steward reads it and answers here."))
                return redirect(no_show)
    context = {
        "reservation": reservation,
        "slot": formats.span(*bounds(reservation.during)),
        "is_member": reservation.project.memberships.filter(user=person(request)).exists(),
        "asked": question_of(reservation, user=person(request), at=clock.now()),
        "appeal_form": form,
        "own_project": None,
    }
    return render(request, "reservations/no_show.html", context, status=status)


@never_cache
@guard(STEWARD)
def steward_no_shows(request: HttpRequest) -> HttpResponse:
    asked = request.GET.get("part", "")
    part = int(asked) if asked.isdecimal() and len(asked) < 5 else 1
    page = selectors.appeals_page(at=clock.now(), part=part, is_every="all" in request.GET)
    context = {"page": page, "own_project": None}
    return render(request, "reservations/steward_no_shows.html", context)


@never_cache
@guard({"GET": STEWARD, "POST": STEWARD_ACTS})
def steward_no_show(request: HttpRequest, uid: UUID) -> HttpResponse:
    """One no-show with its facts; POST answers the appeal."""
    no_show = get_object_or_404(selectors.every(), uid=uid)
    form, problem, status = AnswerForm(request.POST or None), "", 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                no_shows.answer(
                    no_show=no_show, is_upheld=form.cleaned_data["outcome"] == "upheld",
                    reason=form.cleaned_data["reason"], by=person(request), at=clock.now(),
                )  # fmt: skip
            except DomainError as error:
                problem, status = error.message, error.status
            else:
                messages.success(request, _("Answered. The person is told."))
                return redirect("steward_no_shows")
    page = selectors.appeal_page(no_show=no_show, reader=person(request))
    context = {"page": page, "form": form, "problem": problem, "own_project": None}
    return render(request, "reservations/steward_no_show.html", context, status=status)
