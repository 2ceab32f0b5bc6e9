"""The public pages of prices and nodes, each with its data beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from common import clock
from common.access import ANYONE, guard
from common.http import PageRequest, render_page
from pricing.forms.as_of import AsOfForm
from pricing.forms.prices import PriceFilterForm
from pricing.selectors import open_data
from pricing.selectors.flags import flag_counts, flags_of
from pricing.selectors.node import NodePage, node_page
from pricing.selectors.price_lines import price_lines
from pricing.selectors.prices import PriceFilter, PricesPage, prices as prices_page
from pricing.views.data import as_of_refused, csv_answer, open_to_all, unless_known

ROWS = 100  # on one page; the files hold all


@dataclass(frozen=True)
class Shown:
    """The part of the rows that fit which is on the page, and the addresses of the parts beside it."""

    rows: slice
    first: int
    last: int
    before: str
    after: str


@dataclass(frozen=True)
class Heading:
    """A column's head: where a press on it leads, and how the table is sorted by it now."""

    label: str
    query: str
    sorted: str  # ascending | descending, or empty
    is_number: bool


@guard(ANYONE)
def prices(request: PageRequest) -> HttpResponse:
    now = clock.now()
    form, asked = PriceFilterForm(request.GET), AsOfForm(request.GET, now=now)
    wanted = form.wanted()
    page = prices_page(wanted=wanted, at=now, as_of=asked.asked)
    form.offer(page)
    shown = _shown(request, len(page.rows))
    part = replace(page, rows=page.rows[shown.rows])
    context = {
        "page": page,
        "shown": shown,
        "lines": price_lines(part, flags={} if page.as_of else flag_counts(at=page.at)),
        "form": form,
        "as_of_form": asked,
        "wanted": wanted,
        "headings_of_table": _headings(request, wanted),
        "query": _query(request),
        "query_of_now": _query(request, as_of=""),
    }
    return render_page(request, "pricing/prices.html", context, status=200 if asked.is_valid() else 400)


@guard(ANYONE)
def prices_json(request: HttpRequest) -> HttpResponse:
    page = _asked(request)
    if isinstance(page, HttpResponse):
        return page
    figures = open_data.prices_json(page)
    same = JsonResponse(figures | {"at": None}).content
    return unless_known(request, open_to_all(JsonResponse(figures)), same)


@guard(ANYONE)
def prices_csv(request: HttpRequest) -> HttpResponse:
    page = _asked(request)
    if isinstance(page, HttpResponse):
        return page
    response = csv_answer("prices.csv", open_data.prices_csv(page))
    return unless_known(request, response, response.content)


@guard(ANYONE)
def node(request: HttpRequest, slug: str) -> HttpResponse:
    page = _node(slug)
    flags = flags_of(page.statement, at=page.at) if page.statement else ()
    raised = sum(flag.is_raised for flag in flags)
    return render(request, "pricing/node.html", {"page": page, "raised": raised})


@guard(ANYONE)
def node_json(request: HttpRequest, slug: str) -> HttpResponse:
    return open_to_all(JsonResponse(open_data.node_json(_node(slug))))


@guard(ANYONE)
def node_csv(request: HttpRequest, slug: str) -> HttpResponse:
    return csv_answer(f"{slug}.csv", open_data.node_csv(_node(slug)))


def _asked(request: HttpRequest) -> PricesPage | HttpResponse:
    now = clock.now()
    asked = AsOfForm(request.GET, now=now)
    if not asked.is_valid():
        return as_of_refused(asked)
    return prices_page(wanted=PriceFilterForm(request.GET).wanted(), at=now, as_of=asked.asked)


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
        ("market", _("Lowest list price elsewhere"), True),
    ]
    return [_heading(request, wanted, *column) for column in columns]


def _heading(request: HttpRequest, wanted: PriceFilter, name: str, label: str, is_number: bool) -> Heading:
    is_here = wanted.column == name
    direction = ("descending" if wanted.descends else "ascending") if is_here else ""
    query = _query(request, sort=f"-{name}" if is_here and not wanted.descends else name)
    return Heading(label, query, direction, is_number)


def _shown(request: HttpRequest, total: int) -> Shown:
    """A page that there is not is the last, or the first where it is no number."""
    asked, pages = request.GET.get("page", ""), max(1, -(-total // ROWS))
    number = max(1, min(int(asked), pages)) if asked.isdecimal() and len(asked) < 9 else 1
    return Shown(
        rows=slice((number - 1) * ROWS, number * ROWS),
        first=(number - 1) * ROWS + 1,
        last=min(number * ROWS, total),
        before=_query(request, page=str(number - 1)) if number > 1 else "",
        after=_query(request, page=str(number + 1)) if number < pages else "",
    )


def _query(request: HttpRequest, **changes: str) -> str:
    """What was asked, from its first row on, with changes and without the fields that were left empty."""
    asked = request.GET.dict() | {"page": ""} | changes
    return urlencode({name: value for name, value in asked.items() if value})
