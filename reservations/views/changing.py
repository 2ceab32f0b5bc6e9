"""Changing a slot that one has: moving, extending, releasing, handing over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import agreed, person
from common import clock, formats
from common.access import guard
from common.errors import DomainError
from common.ranges import bounds
from nodes.models import Device
from reservations import wording
from reservations.access import RESERVATION_KEEPER
from reservations.domain.decision import Answer
from reservations.errors import Refused
from reservations.forms.changing import (
    KEEP,
    ExtendForm,
    HandOverForm,
    MoveForm,
    ReleaseForm,
)
from reservations.models import Reservation
from reservations.selectors import changing as selectors, policies
from reservations.selectors.budgets import left_now
from reservations.selectors.decision import decision_page, decisions_of
from reservations.selectors.giving_back import rest_of
from reservations.selectors.offers import offer_rows
from reservations.selectors.places import Place, where_to_extend, where_to_move
from reservations.selectors.preview import Asked, Preview, preview_page
from reservations.selectors.reservation import is_kept_by, reservations_of
from reservations.services import changing, handing_over, releasing

_LOCAL = "%Y-%m-%dT%H:%M"


# --- moving ---------------------------------------------------------------------------
@never_cache
@guard({"GET": RESERVATION_KEEPER, "POST": agreed(RESERVATION_KEEPER)})
def reservation_move(request: HttpRequest, reservation: Reservation) -> HttpResponse:
    """The form with a preview of what it asks for; POST moves the slot."""
    at, devices = clock.now(), selectors.devices_to_choose(reservation)
    if request.method == "POST":
        form = MoveForm(request.POST, devices=devices, at=at)
        if not form.is_valid():
            return _move_page(request, reservation, form, devices, at, status=400)

        def move() -> Reservation:
            return changing.move(
                reservation=reservation, devices=[device.uid for device in form.cleaned_data["device"]],
                start=form.cleaned_data["start"], end=form.cleaned_data["end"], by=person(request), at=at,
            )  # fmt: skip

        def again(problem: str, status: int) -> HttpResponse:
            return _move_page(request, reservation, form, devices, at, problem=problem, status=status)

        return _changed(request, move, again, _("Moved. This is the slot that you have now."))
    is_asking = any(request.GET.get(name) for name in ("device", "start", "end"))
    start, end = (timezone.localtime(one) for one in bounds(reservation.during))
    initial = {"start": f"{start:{_LOCAL}}", "end": f"{end:{_LOCAL}}"}
    form = MoveForm(request.GET if is_asking else None, devices=devices, at=at, initial=initial)
    return _move_page(request, reservation, form, devices, at)


def _move_page(
    request: HttpRequest,
    reservation: Reservation,
    form: MoveForm,
    devices: list[Device],
    at: datetime,
    *,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    start, _end = bounds(reservation.during)
    context: dict[str, Any] = {
        "is_open": reservation.state == Reservation.State.BOOKED and at < start,
        "giving_up": selectors.giving_up(reservation, at),
        "zone": timezone.get_current_timezone_name(),
    }
    chosen = {str(one) for one in reservation.devices.values_list("device__uid", flat=True)}
    if form.is_bound:
        chosen = set(_data(request).getlist("device"))
    context["nodes"] = selectors.choices(devices, chosen)
    if form.is_bound and form.is_valid() and not problem:
        picked = list(form.cleaned_data["device"])
        times = {"start": form.cleaned_data["start"], "end": form.cleaned_data["end"]}

        def answer() -> Answer:
            return changing.preview_move(
                reservation=reservation, devices=[device.uid for device in picked], by=person(request), at=at,
                **times,
            )  # fmt: skip

        asked = Asked(reservation.project, picked, times["start"], times["end"], at)
        context |= _previewed(asked, answer, where_to_move(reservation))
        context["jobs"] = [
            *selectors.jobs_along(reservation, picked),
            *selectors.torn(reservation, picked, times["end"]),
        ]
        if "answer" in context:
            context |= _beside_the_old(reservation, asked, context["answer"], context["preview"])
    return _shown(request, "reservations/move.html", reservation, form, context, problem, status)


# --- extending --------------------------------------------------------------------------
@never_cache
@guard({"GET": RESERVATION_KEEPER, "POST": agreed(RESERVATION_KEEPER)})
def reservation_extend(request: HttpRequest, reservation: Reservation) -> HttpResponse:
    """The form with a preview of the added hours; POST books them."""
    at = clock.now()
    if request.method == "POST":
        form = ExtendForm(request.POST, at=at)
        if not form.is_valid():
            return _extend_page(request, reservation, form, at, status=400)

        def extend() -> Reservation:
            end = form.cleaned_data["end"]
            return changing.extend(reservation=reservation, end=end, by=person(request), at=at)

        def again(problem: str, status: int) -> HttpResponse:
            return _extend_page(request, reservation, form, at, problem=problem, status=status)

        return _changed(request, extend, again, _("Extended. These are the hours added."))
    form = ExtendForm(request.GET if request.GET.get("end") else None, at=at)
    return _extend_page(request, reservation, form, at)


def _extend_page(
    request: HttpRequest,
    reservation: Reservation,
    form: ExtendForm,
    at: datetime,
    *,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    _start, end = bounds(reservation.during)
    context: dict[str, Any] = {
        "is_open": reservation.state == Reservation.State.BOOKED and at < end,
        "said": selectors.extending(reservation),
        "end": end,
        "zone": timezone.get_current_timezone_name(),
    }
    if form.is_bound and form.is_valid() and not problem:
        until = form.cleaned_data["end"]
        devices = list(
            Device.objects.filter(pk__in=reservation.devices.values("device")).select_related("node__site")
        )

        def answer() -> Answer:
            return changing.preview_extension(reservation=reservation, end=until, by=person(request), at=at)

        asked = Asked(reservation.project, devices, end, until, at)
        context |= _previewed(asked, answer, where_to_extend(reservation))
    return _shown(request, "reservations/extend.html", reservation, form, context, problem, status)


# --- giving back, handing over ---------------------------------------------------
@never_cache
@guard({"GET": RESERVATION_KEEPER, "POST": RESERVATION_KEEPER})
def reservation_release(request: HttpRequest, reservation: Reservation) -> HttpResponse:
    """What ending the slot now costs and frees; POST does it, now or after its jobs, or takes it back."""
    at = clock.now()
    form = ReleaseForm(request.POST or None)
    problem, status = "", 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                return _released(request, reservation, form.cleaned_data["when"], at)
            except DomainError as error:
                problem, status = error.message, error.status
    now = get_object_or_404(reservations_of(person(request)), pk=reservation.pk)
    start, end = bounds(now.during)
    context = {
        "is_open": now.state == Reservation.State.BOOKED and start < at < end,
        "is_asked": now.release_asked_at is not None,
        "rest": rest_of(now, at=at),
    }
    return _shown(request, "reservations/release.html", now, form, context, problem, status)


def _released(request: HttpRequest, reservation: Reservation, when: str, at: datetime) -> HttpResponse:
    if when == KEEP:
        releasing.keep(reservation=reservation, by=person(request), at=at)
        messages.success(request, _("Kept. The slot is yours until its end."))
        return redirect(reservation)
    released = releasing.release(reservation=reservation, by=person(request), when=when, at=at)
    if released.state == Reservation.State.RELEASED:
        messages.success(request, _("Released. The rest of the time is free for others."))
    else:
        messages.success(request, _("The rest is released once no job runs or waits any more."))
    return redirect(reservation)


@never_cache
@guard({"GET": RESERVATION_KEEPER, "POST": RESERVATION_KEEPER})
def reservation_hand_over(request: HttpRequest, reservation: Reservation) -> HttpResponse:
    """The other members; POST makes one of them the holder."""
    at = clock.now()
    form = HandOverForm(request.POST or None, reservation=reservation)
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            to = form.cleaned_data["to"]
            try:
                handing_over.hand_over(reservation=reservation, to=to, by=person(request), at=at)
            except DomainError as error:
                form.add_error(error.field if error.field in form.fields else None, error.message)
                status = error.status
            else:
                messages.success(request, _("Handed over to %(person)s, who is told.") % {"person": to})
                return redirect(reservation)
    _start, end = bounds(reservation.during)
    context = {
        "is_open": reservation.state == Reservation.State.BOOKED and at < end,
        "has_others": form.fields["to"].queryset.exists(),  # type: ignore[attr-defined]
        "holder": reservation.booked_by,
        "after": selectors.extension_of(reservation),
    }
    return _shown(request, "reservations/hand_over_slot.html", reservation, form, context, "", status)


# --- shared -----------------------------------------------------------------------------
def _previewed(asked: Asked, answer: Callable[[], Answer], place: Place) -> dict[str, Any]:
    try:
        said = answer()
        page: Preview = preview_page(asked=asked, answer=said, policy=policies.in_force(asked.at)[1])
    except DomainError as error:
        return {"problems": [error.message]}
    offers = () if said.is_granted else offer_rows(asked=asked, answer=said, place=place)
    return {"preview": page, "answer": said, "offers": offers}


def _beside_the_old(reservation: Reservation, asked: Asked, answer: Answer, page: Preview) -> dict[str, Any]:
    """The figures of a move, for which the slot that is there counts as given up."""
    start = asked.start or asked.at
    left = left_now(project=asked.project, start=start, end=asked.end)
    if left is not None:
        left += selectors.freed(reservation, at=asked.at, start=start, end=asked.end)
    against = selectors.against(reservation, answer.quote.total, asked.at) if answer.quote else ""
    return {"preview": replace(page, rules=tuple(wording.rules(answer, left))), "against": against}


def _changed(
    request: HttpRequest,
    change: Callable[[], Reservation],
    again: Callable[[str, int], HttpResponse],
    said: str,
) -> HttpResponse:
    """To the slot that came of it, or back with what stands in the way."""
    try:
        made = change()
    except Refused as refusal:
        decision = decisions_of(person(request)).get(pk=refusal.decision.pk)
        page = decision_page(decision=decision)
        messages.error(request, refusal.message)
        return render(request, "reservations/decision.html", {"page": page, "is_fresh": True}, status=409)
    except DomainError as error:
        return again(error.message, error.status)
    messages.success(request, said)
    return redirect(made)


def _shown(
    request: HttpRequest,
    template: str,
    reservation: Reservation,
    form: Any,
    context: dict[str, Any],
    problem: str,
    status: int,
) -> HttpResponse:
    shared = {
        "reservation": reservation,
        "slot": formats.span(*bounds(reservation.during)),
        "own_project": reservation.project,
        "form": form,
        "asked": [*_data(request).lists()],
        "problem": problem,
        "is_kept": is_kept_by(reservation, person(request)),
    }
    return render(request, template, shared | context, status=status)


def _data(request: HttpRequest) -> QueryDict:
    return request.POST if request.method == "POST" else request.GET
