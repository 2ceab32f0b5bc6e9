"""The public pages of prices and nodes, each with its data beside it."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from io import StringIO
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from common import clock
from common.access import ANYONE, guard
from common.http import PageRequest, render_page
from pricing.forms.prices import PriceFilterForm
from pricing.selectors import open_data
from pricing.selectors.behind import behind_the_costs
from pricing.selectors.node import NodePage, node_page
from pricing.selectors.prices import PriceFilter, PricesPage, prices as prices_page


@dataclass(frozen=True)
class Heading:
    """A column's head: where a press on it leads, and how the table is sorted by it now."""

    label: str
    query: str
    sorted: str  # ascending | descending, or empty
    is_number: bool


@guard(ANYONE)
def prices(request: PageRequest) -> HttpResponse:
    form = PriceFilterForm(request.GET)
    wanted = form.wanted()
    page = prices_page(wanted=wanted, at=clock.now())
    form.offer(page)
    context = {
        "page": page,
        "form": form,
        "wanted": wanted,
        "headings_of_table": _headings(request, wanted),
        "query": _query(request),
    }
    return render_page(request, "pricing/prices.html", context)


@guard(ANYONE)
def prices_json(request: HttpRequest) -> HttpResponse:
    return _open(JsonResponse(open_data.prices_json(_asked(request))))


@guard(ANYONE)
def prices_csv(request: HttpRequest) -> HttpResponse:
    return _csv("prices.csv", open_data.prices_csv(_asked(request)))


@guard(ANYONE)
def node(request: HttpRequest, slug: str) -> HttpResponse:
    page = _node(slug)
    behind = behind_the_costs(page.node, page.statement, page.at, request.user)
    return render(request, "pricing/node.html", {"page": page, "behind": behind})


@guard(ANYONE)
def node_json(request: HttpRequest, slug: str) -> HttpResponse:
    return _open(JsonResponse(open_data.node_json(_node(slug))))


@guard(ANYONE)
def node_csv(request: HttpRequest, slug: str) -> HttpResponse:
    return _csv(f"{slug}.csv", open_data.node_csv(_node(slug)))


def _asked(request: HttpRequest) -> PricesPage:
    return prices_page(wanted=PriceFilterForm(request.GET).wanted(), at=clock.now())


def _node(slug: str) -> NodePage:
    page = node_page(slug=slug, at=clock.now())
    if page is None:
        raise Http404
    return page


def _headings(request: HttpRequest, wanted: PriceFilter) -> list[Heading]:
    columns = [
        ("device", _("Device"), False),
        ("place", _("Place"), False),
        ("price", _("Price"), True),
        ("full", _("Full cost"), True),
        ("chargeable", _("Chargeable cost"), True),
        ("against", _("Price against cost"), True),
    ]
    return [_heading(request, wanted, *column) for column in columns]


def _heading(request: HttpRequest, wanted: PriceFilter, name: str, label: str, is_number: bool) -> Heading:
    is_here = wanted.column == name
    direction = ("descending" if wanted.descends else "ascending") if is_here else ""
    query = _query(request, sort=f"-{name}" if is_here and not wanted.descends else name)
    return Heading(label, query, direction, is_number)


def _query(request: HttpRequest, **changes: str) -> str:
    """What was asked, with changes and without the fields that were left empty."""
    asked = {name: value for name, value in request.GET.items() if value} | changes
    return urlencode(asked)


def _csv(name: str, rows: Iterable[Iterable[Any]]) -> HttpResponse:
    text = StringIO()
    csv.writer(text).writerows(rows)
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return _open(response)


def _open(response: HttpResponse) -> HttpResponse:
    """Anybody's page may read published figures; nothing here depends on who asks."""
    response["Access-Control-Allow-Origin"] = "*"
    return response
