"""Electricity by the hour: the zones, a zone's hours with their data, and the stewards' imports."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.access import STEWARD, STEWARD_ACTS, person
from common import clock, formats
from common.access import ANYONE, guard
from common.errors import DomainError
from common.evidence.uploads import refused_size
from common.http import problem
from pricing.forms.hourly import MOST_DAYS_OF_FILE, MOST_DAYS_OF_PAGE, ImportForm, PeriodForm
from pricing.models import HourlyImport
from pricing.selectors import hourly_data
from pricing.selectors.hourly_page import ZonePage, zone_lines, zone_page
from pricing.services.hourly import import_file

Answer = TypeVar("Answer", bound=HttpResponseBase)

_SHOWN = 50  # imports on the stewards' page
MOST_UNPACKED = 64_000_000  # of what is handed in while somebody waits


@guard(ANYONE)
def electricity_zones(request: HttpRequest) -> HttpResponse:
    return render(request, "pricing/electricity_zones.html", {"zones": zone_lines()})


@guard(ANYONE)
def electricity(request: HttpRequest, zone: str) -> HttpResponse:
    form = PeriodForm(request.GET, most_days=MOST_DAYS_OF_PAGE)
    page = _page(zone, form)
    context = {"page": page, "form": form.shown(page), "query": urlencode(form.told(page))}
    return render(request, "pricing/electricity.html", context, status=200 if form.is_valid() else 400)


@guard(ANYONE)
def electricity_json(request: HttpRequest, zone: str) -> HttpResponse:
    form = PeriodForm(request.GET, most_days=MOST_DAYS_OF_FILE)
    page = _page(zone, form)
    if not form.is_valid():
        return _refused(form)
    return _open(JsonResponse(hourly_data.with_charts(page.found)))


@guard(ANYONE)
def electricity_csv(request: HttpRequest, zone: str) -> HttpResponseBase:
    form = PeriodForm(request.GET, most_days=MOST_DAYS_OF_FILE)
    page = _page(zone, form)
    if not form.is_valid():
        return _refused(form)
    lines = _lines(hourly_data.hourly_rows(page.found))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="electricity-{page.zone}.csv"'
    return _open(response)


@never_cache
@guard({"GET": STEWARD, "POST": STEWARD_ACTS})
def steward_electricity(request: HttpRequest) -> HttpResponse:
    status, form = 200, ImportForm()
    if request.method == "POST":
        form, status = ImportForm(request.POST, request.FILES, refused=refused_size(request)), 400
        if form.is_valid():
            try:
                said = form.said
                done = import_file(**said, by=person(request), at=clock.now(), most_unpacked=MOST_UNPACKED)
            except DomainError as refusal:
                form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
                status = refusal.status
            else:
                messages.success(request, _told(done.values, done.added, done.changed))
                return redirect("steward_electricity")
    imports = HourlyImport.objects.select_related("by", "entry")[:_SHOWN]
    context = {"form": form, "imports": imports}
    return render(request, "pricing/steward_electricity.html", context, status=status)


def _told(values: int, added: int, changed: int) -> str:
    if not added and not changed:
        return _("Nothing is new: all that the file says was known already (values: %(values)s).") % {
            "values": formats.number(values)
        }
    return _("Imported. Values added: %(added)s; changed: %(changed)s; in the file: %(values)s.") % {
        "added": formats.number(added),
        "changed": formats.number(changed),
        "values": formats.number(values),
    }


def _page(zone: str, form: PeriodForm) -> ZonePage:
    form.is_valid()
    page = zone_page(zone=zone, at=clock.now(), **form.period)
    if page is None:
        raise Http404
    return page


def _refused(form: PeriodForm) -> HttpResponse:
    name, faults = next(iter(form.errors.items()))
    return problem(400, "parameters_invalid", str(faults[0]), field=name)


class _Echo:
    """What csv.writer writes to: the line is handed on."""

    def write(self, line: str) -> str:
        return line


def _lines(rows: Iterable[list[str]]) -> Iterator[str]:
    writer: Any = csv.writer(_Echo())
    return (writer.writerow(row) for row in rows)


def _open(response: Answer) -> Answer:
    """Anybody's page may read published figures; nothing here depends on who asks."""
    response["Access-Control-Allow-Origin"] = "*"
    return response
