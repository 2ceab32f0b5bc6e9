"""Nodes side by side, with their data."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from common import clock
from common.access import ANYONE, guard
from common.http import problem
from pricing.forms import comparing
from pricing.forms.as_of import AsOfForm
from pricing.selectors import compare_table
from pricing.selectors.compare import LEAST, MOST, Comparison, compare as comparison, priced_names
from pricing.views.data import as_of_refused, csv_answer, open_to_all


@guard(ANYONE)
def compare(request: HttpRequest) -> HttpResponse:
    form = AsOfForm(request.GET, now=clock.now())
    names = priced_names(at=form.at, as_of=form.asked)
    asked = _named(request)
    fault = comparing.fault_of(asked, names=names) if asked else ""
    slugs = comparing.chosen(asked, names=names)
    found = comparison(slugs, at=form.now, as_of=form.asked) if len(slugs) >= LEAST else None
    as_of = [("as_of", request.GET["as_of"])] if form.asked else []
    context = {
        "found": found,
        "heads": compare_table.heads(found) if found else [],
        "parts": compare_table.parts(found) if found else [],
        "chosen": [(slug, names[slug]) for slug in slugs],
        "others": [(slug, name) for slug, name in names.items() if slug not in slugs],
        "has_room": len(slugs) < MOST,
        "fault": fault,
        "as_of_form": form,
        "query": urlencode([("node", slug) for slug in slugs] + as_of),
        "query_of_now": urlencode([("node", slug) for slug in slugs]),
    }
    status = 400 if fault or not form.is_valid() else 200
    return render(request, "pricing/compare.html", context, status=status)


@guard(ANYONE)
def compare_json(request: HttpRequest) -> HttpResponse:
    found = _asked(request)
    if isinstance(found, HttpResponse):
        return found
    return open_to_all(JsonResponse(compare_table.comparison_json(found)))


@guard(ANYONE)
def compare_csv(request: HttpRequest) -> HttpResponse:
    found = _asked(request)
    if isinstance(found, HttpResponse):
        return found
    return csv_answer("compare.csv", compare_table.comparison_csv(found))


def _asked(request: HttpRequest) -> Comparison | HttpResponse:
    form = AsOfForm(request.GET, now=clock.now())
    if not form.is_valid():
        return as_of_refused(form)
    asked = _named(request)
    fault = comparing.fault_of(asked, names=priced_names(at=form.at, as_of=form.asked))
    if fault:
        return problem(400, "parameters_invalid", fault, field="node")
    return comparison(asked, at=form.now, as_of=form.asked)


def _named(request: HttpRequest) -> list[str]:
    """Without what was left open in the list of nodes to add."""
    return [slug for slug in request.GET.getlist("node") if slug]
