"""What an hour on one node costs, with all that stands behind it, as of now or of any moment."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from common import clock
from common.access import ANYONE, guard
from pricing.forms.as_of import AsOfForm
from pricing.selectors.costs import CostsPage, costs_page
from pricing.selectors.costs.data import costs_csv, costs_json
from pricing.views.data import as_of_refused, csv_answer, open_to_all
from pricing.wording.method import method


@guard(ANYONE)
def node_costs(request: HttpRequest, slug: str) -> HttpResponse:
    form = AsOfForm(request.GET, now=clock.now())
    page = _page(request, slug, form)
    status = 200 if form.is_valid() else 400
    return render(request, "pricing/costs.html", {"page": page, "form": form}, status=status)


@guard(ANYONE)
def node_costs_json(request: HttpRequest, slug: str) -> HttpResponse:
    form = AsOfForm(request.GET, now=clock.now())
    page = _page(request, slug, form)
    if not form.is_valid():
        return as_of_refused(form)
    return open_to_all(JsonResponse(costs_json(page, with_charts=True)))


@guard(ANYONE)
def node_costs_csv(request: HttpRequest, slug: str) -> HttpResponse:
    form = AsOfForm(request.GET, now=clock.now())
    page = _page(request, slug, form)
    return csv_answer(f"{slug}-costs.csv", costs_csv(page)) if form.is_valid() else as_of_refused(form)


@guard(ANYONE)
def how_costs_work(request: HttpRequest) -> HttpResponse:
    return render(request, "pricing/how_costs_work.html", {"method": method()})


def _page(request: HttpRequest, slug: str, form: AsOfForm) -> CostsPage:
    page = costs_page(slug=slug, now=form.now, asked=form.asked, reader=request.user)
    if page is None:
        raise Http404
    return page
