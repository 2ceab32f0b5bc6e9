"""What the site itself costs: the page that everybody reads, its data, and where stewards publish it."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import STEWARD, STEWARD_ACTS, person
from common import clock
from common.access import ANYONE, guard
from common.errors import DomainError
from pricing.forms.site_costs import SiteCostsForm, SiteFeeForm
from pricing.models import SiteCosts
from pricing.selectors import site_costs as selectors
from pricing.services.fees import set_site_fee
from pricing.services.site_costs import publish_site_costs
from pricing.views.data import csv_answer, open_to_all


@guard(ANYONE)
def site_costs(request: HttpRequest) -> HttpResponse:
    """The costs in force, how the fee follows from them, and every statement there was."""
    page = selectors.site_costs_page(at=clock.now())
    return render(request, "pricing/site_costs.html", {"page": page})


@guard(ANYONE)
def site_costs_json(request: HttpRequest) -> HttpResponse:
    page = selectors.site_costs_page(at=clock.now())
    return open_to_all(JsonResponse(selectors.page_json(page)))


@guard(ANYONE)
def site_costs_csv(request: HttpRequest) -> HttpResponse:
    page = selectors.site_costs_page(at=clock.now())
    return csv_answer("site-costs.csv", selectors.page_csv(page))


@never_cache
@guard({"GET": STEWARD, "POST": STEWARD_ACTS})
def steward_site_costs(request: HttpRequest) -> HttpResponse:
    """The form for the next statement, filled with the one in force; POST publishes it."""
    at = clock.now()
    page = selectors.site_costs_page(at=at)
    before = page.current.statement if page.current else None
    form = SiteCostsForm(
        request.POST if request.method == "POST" else None, at=at, before=before,
        initial=SiteCostsForm.of(before, page.fee.amount if page.fee else None),
    )  # fmt: skip
    status = 200
    if form.is_bound:
        status = _published(request, form, before, at) if form.is_valid() else 400
    if status == 302:
        messages.success(request, _("Published. Everybody can read it."))
        return redirect("site_costs")
    context = {"form": form, "page": page, "shown": selectors.shown(form.costs) if form.is_bound else ()}
    return render(request, "pricing/steward_site_costs.html", context, status=status)


def _published(request: HttpRequest, form: SiteCostsForm, before: SiteCosts | None, at: datetime) -> int:
    """302 where it was published; 200 where it was only worked out; else what the refusal comes to."""
    costs = form.costs
    if costs is None or "show" in request.POST:
        return 200
    said = form.cleaned_data
    try:
        publish_site_costs(
            costs=costs, fee=said["fee"], effective_from=said["effective_from"], reason=said["reason"],
            corrects=before if said.get("is_correction") else None, by=person(request), at=at,
        )  # fmt: skip
    except DomainError as refusal:
        form.refuse(refusal.field, refusal.message, refusal.details.get("faults"))
        return refusal.status
    return 302


@never_cache
@guard({"GET": STEWARD, "POST": STEWARD_ACTS})
def steward_site_fee(request: HttpRequest) -> HttpResponse:
    """Another fee under the costs in force."""
    at = clock.now()
    page = selectors.site_costs_page(at=at)
    form, status = SiteFeeForm(request.POST if request.method == "POST" else None, at=at), 200
    if form.is_bound:
        status = 400
        if form.is_valid():
            try:
                set_site_fee(by=person(request), at=at, **form.cleaned_data)
            except DomainError as refusal:
                form.refuse(refusal.field, refusal.message)
                status = refusal.status
            else:
                messages.success(request, _("Published. Everybody can read it."))
                return redirect("site_costs")
    return render(request, "pricing/steward_site_fee.html", {"form": form, "page": page}, status=status)
