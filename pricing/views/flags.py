"""What to look at in what owners declare: every node with a flag, and all of them as data."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from common import clock
from common.access import ANYONE, guard
from pricing.selectors.flags import board
from pricing.selectors.flags.data import flag_lines, flags_csv as rows_of, flags_json as members_of
from pricing.views.data import csv_answer, open_to_all
from pricing.wording.flags import definitions


@guard(ANYONE)
def flags(request: HttpRequest) -> HttpResponse:
    """Nodes with a flag, most first, and how each flag comes about."""
    context = {"board": board(at=clock.now()), "definitions": definitions()}
    return render(request, "pricing/flags.html", context)


@guard(ANYONE)
def flags_json(request: HttpRequest) -> HttpResponse:
    return open_to_all(JsonResponse(members_of(board(at=clock.now()))))


@guard(ANYONE)
def flags_csv(request: HttpRequest) -> HttpResponse:
    return csv_answer("flags.csv", rows_of(flag_lines(board(at=clock.now()))))
