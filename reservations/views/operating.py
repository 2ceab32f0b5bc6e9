"""A node as its owner runs it: closing devices, taking no new bookings, stopping at once, withdrawing."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from io import StringIO
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import agreed, person
from common import clock
from common.access import ANYONE, guard
from common.errors import DomainError
from nodes.models import Closure, Node
from nodes.services import standing
from pricing.access import NODE_LEAD, NODE_MEMBER, is_lead_of
from reservations.errors import SlotsInTheWay
from reservations.forms.operating import ClosingForm, DrainForm, StoppingForm, WithdrawingForm
from reservations.models import Reservation
from reservations.selectors import operating as selectors
from reservations.selectors.node_charts import SPANS, samples_json
from reservations.selectors.reliability import reliability_csv, reliability_json
from reservations.selectors.taking_back import booked
from reservations.services import taking_back

_WRITES = {"GET": NODE_LEAD, "POST": agreed(NODE_LEAD)}


@never_cache
@guard(NODE_MEMBER)
def node_operate(request: HttpRequest, node: Node) -> HttpResponse:
    return _operate(request, node)


def _operate(request: HttpRequest, node: Node, *, status: int = 200, **context: Any) -> HttpResponse:
    page = selectors.operating_page(node=node, is_lead=is_lead_of(node, person(request)), at=clock.now())
    span = "fortnight" if request.GET.get("span") == "fortnight" else "day"
    shown = {"page": page, "node": node, "span": span, "drain_form": DrainForm(), **context}
    return render(request, "nodes/operate.html", shown, status=status)


@never_cache
@guard(NODE_MEMBER)
def node_operate_now(request: HttpRequest, node: Node) -> HttpResponse:
    """What changes by itself, asked for every few seconds."""
    now = selectors.now(node=node, at=clock.now())
    return render(request, "nodes/_operate_now.html", {"now": now, "node": node})


@never_cache
@guard(NODE_MEMBER)
def node_operate_json(request: HttpRequest, node: Node) -> HttpResponse:
    span = request.GET.get("span", "day")
    return JsonResponse(samples_json(node, span=span if span in SPANS else "day", at=clock.now()))


# --- closing -------------------------------------------------------------------------------------------
@never_cache
@guard(_WRITES)
def node_close(request: HttpRequest, node: Node) -> HttpResponse:
    """Maintenance or the owner's own time; what is booked there is seen before it is taken back."""
    at = clock.now()
    form = ClosingForm(request.POST if request.method == "POST" else None, node=node, at=at)
    status, slots = 400 if form.is_bound else 200, []
    if form.is_bound and form.is_valid():
        said = form.cleaned_data
        try:
            taking_back.close(
                node=node, device_ids=[device.pk for device in said["device"]], start=form.begins,
                end=said["end"], kind=said["kind"], reason=said["reason"], by=person(request), at=at,
                taking_back=said["taking_back"],
            )  # fmt: skip
        except SlotsInTheWay as refusal:
            slots, status = _slots(refusal, node), refusal.status
            form.add_error(None, refusal.message)
        except DomainError as refusal:
            status = _refuse(form, refusal, {"devices": "device"})
        else:
            messages.success(request, _("Closed. Whoever had booked there is told."))
            return redirect("node_operate", node.slug)
    elif not form.is_bound:
        form.initial = {"kind": request.GET.get("kind", "owner"), "now": False}
    context = {"form": form, "node": node, "slots": slots, "zone": timezone.get_current_timezone_name()}
    return render(request, "nodes/close.html", context, status=status)


@guard({"POST": agreed(NODE_LEAD)})
def node_reopen(request: HttpRequest, node: Node, uid: UUID) -> HttpResponse:
    closure = get_object_or_404(_closures(node), uid=uid)
    return _done(
        request, node, lambda: taking_back.reopen(node=node, closure=closure, at=clock.now()),
        _("Opened again: that time can be booked."),
    )  # fmt: skip


def _closures(node: Node) -> Any:
    """Those that hold a device of this node, now or later."""
    uids = [row.uid for row in selectors.closures(node=node, at=clock.now())]
    return Closure.objects.filter(uid__in=uids)


# --- bookings ------------------------------------------------------------------------------------------
@guard({"POST": agreed(NODE_LEAD)})
def node_drain(request: HttpRequest, node: Node) -> HttpResponse:
    form = DrainForm(request.POST)
    if not form.is_valid():
        return _operate(request, node, status=400, drain_form=form)
    reason, by = form.cleaned_data["reason"], person(request)
    return _done(
        request, node, lambda: standing.drain(node=node, reason=reason, by=by, at=clock.now()),
        "",  # the page says so itself, as long as it is so
    )  # fmt: skip


@guard({"POST": agreed(NODE_LEAD)})
def node_resume(request: HttpRequest, node: Node) -> HttpResponse:
    return _done(
        request, node, lambda: standing.resume(node=node, by=person(request), at=clock.now()),
        _("It takes bookings again."),
    )  # fmt: skip


def _done(request: HttpRequest, node: Node, act: Callable[[], object], said: str) -> HttpResponse:
    try:
        act()
    except DomainError as refusal:
        return _operate(request, node, status=refusal.status, problem=refusal.message)
    if said:
        messages.success(request, said)
    return redirect("node_operate", node.slug)


# --- stopping and withdrawing ----------------------------------------------------------------------------
@never_cache
@guard(_WRITES)
def node_stop(request: HttpRequest, node: Node) -> HttpResponse:
    """Everything that runs ends now, and nobody books until the owner says so."""
    at = clock.now()
    form = StoppingForm(request.POST if request.method == "POST" else None, at=at)
    status = 400 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        said = form.cleaned_data
        try:
            taking_back.stop(node=node, until=said["end"], reason=said["reason"], by=person(request), at=at)
        except DomainError as refusal:
            status = _refuse(form, refusal, {})
        else:
            messages.success(request, _("Stopped. Jobs are told to end, and whoever had booked is told why."))
            return redirect("node_operate", node.slug)
    context = {
        "form": form, "node": node, "zone": timezone.get_current_timezone_name(),
        "slots": _rows(node, booked(device_ids=_ids(node), start=at, end=at + selectors.AHEAD)),
        "now": selectors.now(node=node, at=at),
    }  # fmt: skip
    return render(request, "nodes/stop.html", context, status=status)


@never_cache
@guard(_WRITES)
def node_withdraw(request: HttpRequest, node: Node) -> HttpResponse:
    """Every slot that this takes back stands on the page before it is done."""
    at = clock.now()
    slots = _rows(node, booked(device_ids=_ids(node), start=at, end=at + taking_back.BEYOND))
    form = WithdrawingForm(request.POST if request.method == "POST" else None)
    status = 400 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        said = form.cleaned_data
        try:
            taking_back.withdraw_node(
                node=node, reason=said["reason"], taking_back=said["taking_back"], by=person(request), at=at
            )
        except DomainError as refusal:
            status = _refuse(form, refusal, {})
        else:
            messages.success(
                request, _("%(node)s is withdrawn. Its pages and figures stay.") % {"node": node.name}
            )
            return redirect("node_operate", node.slug)
    return render(request, "nodes/withdraw.html", {"form": form, "node": node, "slots": slots}, status=status)


def _ids(node: Node) -> list[int]:
    return [device.pk for device in node.devices.all()]


def _slots(refusal: SlotsInTheWay, node: Node) -> list[selectors.SlotRow]:
    """Those that a refusal names, and the ones that were seen before: all that is taken back in the end."""
    return _rows(node, list(Reservation.objects.filter(uid__in=refusal.every).order_by("during", "pk")))


def _rows(node: Node, reserved: Sequence[Reservation]) -> list[selectors.SlotRow]:
    return selectors.slot_rows(reserved, node, clock.now())


def _refuse(form: Form, refusal: DomainError, fields: dict[str, str]) -> int:
    named = fields.get(refusal.field, refusal.field) if refusal.field else None
    form.add_error(named if named in form.fields else None, refusal.message)
    return refusal.status


# --- for everybody ---------------------------------------------------------------------------------------
@guard(ANYONE)
def node_reliability_json(request: HttpRequest, slug: str) -> HttpResponse:
    return _open(JsonResponse(reliability_json(_public(slug))))


@guard(ANYONE)
def node_reliability_csv(request: HttpRequest, slug: str) -> HttpResponse:
    text = StringIO()
    csv.writer(text).writerows(reliability_csv(_public(slug)))
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{slug}-reliability.csv"'
    return _open(response)


def _open(response: HttpResponse) -> HttpResponse:
    """Open data: anybody's page may read it."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _public(slug: str) -> Node:
    return get_object_or_404(Node.objects.exclude(state=Node.State.DRAFT), slug=slug)
