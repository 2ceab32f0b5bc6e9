"""The pricing policy and its exceptions: the page that everybody reads, its data, and what stewards do."""

from __future__ import annotations

import csv
from datetime import datetime
from io import StringIO
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import STEWARD, STEWARD_ACTS, person
from common import clock
from common.access import ANYONE, guard
from common.errors import DomainError
from nodes.models import Node
from pricing.forms.caps import PriceExceptionEndForm, PriceExceptionForm, PricingPolicyForm
from pricing.selectors import cap_pages as selectors
from pricing.selectors.caps import prices_above
from pricing.selectors.flags import board
from pricing.services.price_exceptions import end_price_exception, grant_price_exception
from pricing.services.pricing_policies import publish_pricing_policy


@guard(ANYONE)
def pricing_policy(request: HttpRequest) -> HttpResponse:
    """The numbers in force, in words, and every version there was."""
    at = clock.now()
    context = {"page": selectors.policy_page(at=at), "above": prices_above(at=at)}
    return render(request, "pricing/policy.html", context)


@guard(ANYONE)
def pricing_policy_json(request: HttpRequest) -> HttpResponse:
    return _open(JsonResponse(selectors.policies_json(selectors.policy_page(at=clock.now()))))


@guard(ANYONE)
def pricing_policy_csv(request: HttpRequest) -> HttpResponse:
    page = selectors.policy_page(at=clock.now())
    return _csv("pricing-policy.csv", selectors.policies_csv(page))


@guard(ANYONE)
def price_exceptions_json(request: HttpRequest) -> HttpResponse:
    at = clock.now()
    return _open(JsonResponse(selectors.exceptions_json(selectors.rows(selectors.every(), at), at=at)))


@guard(ANYONE)
def price_exceptions_csv(request: HttpRequest) -> HttpResponse:
    found = selectors.rows(selectors.every(), clock.now())
    return _csv("price-exceptions.csv", selectors.exceptions_csv(found))


@never_cache
@guard(STEWARD)
def steward_prices(request: HttpRequest) -> HttpResponse:
    """Prices above the cap, exceptions, and with `?q=` the nodes that one could be granted to."""
    at, asked = clock.now(), request.GET.get("q", "").strip()[:100]
    context = {
        "policy": selectors.policy_page(at=at),
        "above": prices_above(at=at),
        "page": selectors.exceptions_page(at=at),
        "asked": asked,
        "nodes": selectors.nodes_named(asked),
        "board": board(at=at),
    }
    return render(request, "pricing/steward_prices.html", context)


@never_cache
@guard({"GET": STEWARD, "POST": STEWARD_ACTS})
def steward_pricing_policy(request: HttpRequest) -> HttpResponse:
    """The form for the next version, filled with the numbers in force; POST publishes it."""
    at = clock.now()
    page = selectors.policy_page(at=at)
    initial = PricingPolicyForm.of(page.current.policy.rules) if page.current else None
    form = PricingPolicyForm(request.POST if request.method == "POST" else None, at=at, initial=initial)
    status = 400 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        try:
            policy = publish_pricing_policy(
                rules=form.rules(), effective_from=form.cleaned_data["effective_from"],
                reason=form.cleaned_data["reason"], by=person(request), at=at,
            )  # fmt: skip
        except DomainError as refusal:
            form.refuse(refusal.field, refusal.message, refusal.details.get("faults"))
            status = refusal.status
        else:
            said = {"number": policy.version}
            messages.success(request, _("Version %(number)d of the pricing policy is published.") % said)
            return redirect("steward_prices")
    context = {"form": form, "page": page}
    return render(request, "pricing/steward_policy.html", context, status=status)


@never_cache
@guard({"GET": STEWARD, "POST": STEWARD_ACTS})
def steward_node_exceptions(request: HttpRequest, slug: str) -> HttpResponse:
    """A node's exceptions and the form for another; POST grants it."""
    node = get_object_or_404(Node.objects.select_related("owner"), slug=slug)
    at = clock.now()
    form = PriceExceptionForm(request.POST if request.method == "POST" else None, at=at)
    status = _granted(request, node, form, at) if form.is_bound else 200
    if status == 302:
        messages.success(request, _("Granted. Everybody can read it."))
        return redirect("steward_node_exceptions", node.slug)
    page = selectors.grant_page(node=node, reader=person(request), at=at)
    context = {"page": page, "node": node, "form": form}
    return render(request, "pricing/steward_node_exceptions.html", context, status=status)


def _granted(request: HttpRequest, node: Node, form: PriceExceptionForm, at: datetime) -> int:
    """302 where it was granted; else what the refusal, which stands in the form, comes to."""
    if not form.is_valid():
        return 400
    try:
        grant_price_exception(node=node, by=person(request), at=at, **form.cleaned_data)
    except DomainError as refusal:
        form.refuse(refusal.field, refusal.message)
        return refusal.status
    return 302


@never_cache
@guard({"GET": STEWARD, "POST": STEWARD_ACTS})
def steward_price_exception(request: HttpRequest, uid: UUID) -> HttpResponse:
    """One exception as stewards read it; POST ends it."""
    at, exception = clock.now(), get_object_or_404(selectors.every(), uid=uid)
    form, problem, status = PriceExceptionEndForm(request.POST or None), "", 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                end_price_exception(exception=exception, by=person(request), at=at, **form.cleaned_data)
            except DomainError as refusal:
                problem, status = refusal.message, refusal.status
            else:
                messages.success(request, _("Ended: the cap holds for the node from now on."))
                return redirect("steward_node_exceptions", exception.node.slug)
    grant = selectors.grant_page(node=exception.node, reader=person(request), at=at)
    context = {
        "row": selectors.row_of(exception, at), "page": grant, "form": form, "problem": problem,
    }  # fmt: skip
    return render(request, "pricing/steward_price_exception.html", context, status=status)


def _csv(name: str, lines: list[list[str]]) -> HttpResponse:
    written = StringIO()
    csv.writer(written).writerows(lines)
    response = HttpResponse(written.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return _open(response)


def _open(response: HttpResponse) -> HttpResponse:
    """Open data: anybody's page may read it."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
