"""What an hour on one node costs, with all that stands behind it, as of now or of any moment."""

from __future__ import annotations

import csv
from io import StringIO

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from common import clock
from common.access import ANYONE, guard
from common.http import problem
from pricing.forms.as_of import AsOfForm
from pricing.selectors.costs import CostsPage, costs_page
from pricing.selectors.costs.data import costs_csv, costs_json
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
    return _open(JsonResponse(costs_json(page, with_charts=True))) if form.is_valid() else _refused(form)


@guard(ANYONE)
def node_costs_csv(request: HttpRequest, slug: str) -> HttpResponse:
    form = AsOfForm(request.GET, now=clock.now())
    page = _page(request, slug, form)
    if not form.is_valid():
        return _refused(form)
    text = StringIO()
    csv.writer(text).writerows(costs_csv(page))
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{slug}-costs.csv"'
    return _open(response)


@guard(ANYONE)
def how_costs_work(request: HttpRequest) -> HttpResponse:
    return render(request, "pricing/how_costs_work.html", {"method": method()})


def _page(request: HttpRequest, slug: str, form: AsOfForm) -> CostsPage:
    page = costs_page(slug=slug, now=form.now, asked=form.asked, reader=request.user)
    if page is None:
        raise Http404
    return page


def _refused(form: AsOfForm) -> HttpResponse:
    message = str(form.errors["as_of"][0])
    return _open(problem(400, "parameters_invalid", message, field="as_of"))


def _open(response: HttpResponse) -> HttpResponse:
    """Anybody's page may read published figures; only the files that a reader may open differ by who asks."""
    response["Access-Control-Allow-Origin"] = "*"
    return response
