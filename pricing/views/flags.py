"""What to look at in what owners declare: every node with a flag, and all of them as data."""

from __future__ import annotations

import csv
from io import StringIO

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from common import clock
from common.access import ANYONE, guard
from pricing.selectors.flags import board
from pricing.selectors.flags.data import flag_lines, flags_csv as rows_of, flags_json as members_of
from pricing.wording.flags import definitions


@guard(ANYONE)
def flags(request: HttpRequest) -> HttpResponse:
    """Nodes with a flag, most first, and how each flag comes about."""
    context = {"board": board(at=clock.now()), "definitions": definitions()}
    return render(request, "pricing/flags.html", context)


@guard(ANYONE)
def flags_json(request: HttpRequest) -> HttpResponse:
    return _open(JsonResponse(members_of(board(at=clock.now()))))


@guard(ANYONE)
def flags_csv(request: HttpRequest) -> HttpResponse:
    written = StringIO()
    csv.writer(written).writerows(rows_of(flag_lines(board(at=clock.now()))))
    response = HttpResponse(written.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="flags.csv"'
    return _open(response)


def _open(response: HttpResponse) -> HttpResponse:
    """Open data: anybody's page may read it."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
