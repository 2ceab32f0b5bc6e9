"""A funder's lines and grants."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import FUNDER, agreed, person
from accounts.models import Organisation
from common import clock, formats
from common.access import guard
from common.errors import DomainError
from pricing.forms.funding import GrantForm, LineForm
from pricing.models import FundingLine, Grant
from pricing.selectors import recipients
from pricing.selectors.funding import funding_page, line_of, open_lines, what_it_buys
from pricing.services import grants, lines


@never_cache
@guard(FUNDER)
def funding(request: HttpRequest, organisation: Organisation) -> HttpResponse:
    page = funding_page(organisation=organisation, at=clock.now())
    return render(request, "pricing/funding.html", {"page": page})


@never_cache
@guard({"GET": FUNDER, "POST": agreed(FUNDER)})
def line_new(request: HttpRequest, organisation: Organisation) -> HttpResponse:
    form = LineForm(request.POST if request.method == "POST" else None)
    status = 400 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        asked = form.cleaned_data
        try:
            line = lines.create_line(
                funder=organisation, name=asked["name"], purpose=asked["purpose"], amount=asked["amount"],
                valid_from=form.valid_from, valid_until=form.valid_until, classes=asked["classes"],
                allowance_hours=asked["allowance_hours"], allowance_amount=asked["allowance_amount"],
                by=person(request), at=clock.now(),
            )  # fmt: skip
        except DomainError as refusal:
            form.refuse(refusal.field, refusal.message)
            status = refusal.status
        else:
            said = {"line": line.name, "amount": formats.money(line.amount)}
            messages.success(request, _("%(amount)s are set aside in “%(line)s”.") % said)
            return redirect("funding", organisation.slug)
    context = {"form": form, "organisation": organisation}
    return render(request, "pricing/line_new.html", context, status=status)


@never_cache
@guard({"GET": FUNDER, "POST": FUNDER})
def line_close(request: HttpRequest, organisation: Organisation, uid: UUID) -> HttpResponse:
    """What closing means is read before it is done."""
    try:
        line = line_of(funder=organisation, uid=uid)
    except FundingLine.DoesNotExist as exc:
        raise Http404 from exc
    if request.method == "POST":
        lines.close_line(line=line, at=clock.now())
        messages.success(request, _("“%(line)s” is closed.") % {"line": line})
        return redirect("funding", organisation.slug)
    return render(request, "pricing/line_close.html", {"line": line, "organisation": organisation})


@never_cache
@guard({"GET": FUNDER, "POST": agreed(FUNDER)})
def grant_new(request: HttpRequest, organisation: Organisation) -> HttpResponse:
    """The form; what it would mean in device-hours; and the grant, each after a press of its own."""
    at = clock.now()
    offered = open_lines(funder=organisation, at=at)
    giver = person(request)
    form = GrantForm(
        request.POST if request.method == "POST" else None, lines=offered,
        named=lambda text: recipients.named(funder=organisation, user=giver, text=text),
    )  # fmt: skip
    context = {
        "form": form, "organisation": organisation,
        "recipients": recipients.found(funder=organisation, user=giver, asked=""),
    }  # fmt: skip
    status = 400 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        if "preview" in request.POST:
            buys = what_it_buys(amount=form.ceiling, hours=form.wanted_hours, at=at)
            context |= {"buys": buys, "ceiling": form.ceiling, "hours": form.wanted_hours}
            return render(request, "pricing/grant_new.html", context)
        try:
            grant = _give(request, organisation, form)
        except DomainError as refusal:
            form.refuse(refusal.field, refusal.message)
            status = refusal.status
        else:
            messages.success(request, _said(grant))
            return redirect("funding", organisation.slug)
    return render(request, "pricing/grant_new.html", context, status=status)


@never_cache
@guard(FUNDER)
def grant_projects(request: HttpRequest, organisation: Organisation) -> HttpResponse:
    """What the field offers while somebody types."""
    asked = request.GET.get("project", "")[:150]
    shown = recipients.found(funder=organisation, user=person(request), asked=asked)
    return render(request, "pricing/_recipients.html", {"recipients": shown})


def _said(grant: Grant) -> str:
    facts = {"project": grant.project, "amount": formats.money(grant.amount)}
    if grant.hours is None:
        return _("%(project)s has a grant of %(amount)s.") % facts
    facts["hours"] = formats.device_hours(grant.hours, 2)
    return _("%(project)s has a grant of %(hours)s, of %(amount)s at most.") % facts


def _give(request: HttpRequest, organisation: Organisation, form: GrantForm) -> Grant:
    asked = form.cleaned_data
    return grants.create_grant(
        project=asked["project"], funder=organisation, line=asked["line"], name=asked["name"],
        purpose=asked["purpose"], valid_from=form.valid_from, valid_until=form.valid_until,
        amount=form.ceiling, hours=form.wanted_hours, by=person(request), at=clock.now(),
    )  # fmt: skip
