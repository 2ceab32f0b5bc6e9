"""/fairness/ and its twins: all of it as JSON, and each of its sections as JSON and CSV."""

from __future__ import annotations

import csv
import hashlib
import json
from datetime import datetime
from io import StringIO
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.utils.translation import get_language

from common import clock
from common.access import ANYONE, guard
from common.kept import kept
from reservations.domain import exact_json
from reservations.domain.exact_json import Json
from reservations.errors import NoPolicy
from reservations.selectors.fairness import FairnessPage, ShareRow, fairness_page, fairness_part
from reservations.selectors.fairness_weeks import PERIODS, Weeks, weeks
from reservations.selectors.fairness_weeks.sections import SECTIONS, section_csv, section_json, tag
from reservations.selectors.open_data import is_large


@guard(ANYONE)
def fairness(request: HttpRequest) -> HttpResponse:
    account, number = request.GET.get("account", ""), request.GET.get("page", "1")
    period = _period(request)
    try:
        page = fairness_part(
            at=clock.now(), account=account, page=int(number) if number.isdecimal() else 0, period=period
        )
    except NoPolicy:
        return render(request, "reservations/fairness.html", {"page": None})
    if page is None:
        raise Http404
    context = {"page": page, "periods": PERIODS, "query": "" if period == PERIODS[0] else f"?weeks={period}"}
    return render(request, "reservations/fairness.html", context)


@guard(ANYONE)
def fairness_twin(request: HttpRequest) -> HttpResponse:
    at = clock.now()
    try:
        text, _is_large = kept("fairness:text", lambda: _written(at), at=at, is_large=lambda found: found[1])
    except NoPolicy:
        return JsonResponse({"policy": None}, status=404)
    return _opened(HttpResponse(text, content_type="application/json"))


@guard(ANYONE)
def fairness_section_json(request: HttpRequest, section: str) -> HttpResponse:
    return _section(request, section, as_csv=False)


@guard(ANYONE)
def fairness_section_csv(request: HttpRequest, section: str) -> HttpResponse:
    return _section(request, section, as_csv=True)


def _section(request: HttpRequest, section: str, *, as_csv: bool) -> HttpResponse:
    """304 to who has these lines already: they are counted every ten minutes, not at each look."""
    if section not in SECTIONS:
        raise Http404
    found = weeks(at=clock.now(), period=_period(request))
    named = f"{section} {as_csv} {tag(found, language=get_language() or '')}"
    etag = f'W/"{hashlib.sha256(named.encode()).hexdigest()[:32]}"'
    answer = get_conditional_response(request, etag=etag)
    if not isinstance(answer, HttpResponse):
        answer = _csv(section, found) if as_csv else JsonResponse(section_json(section, found))
    answer.headers["ETag"] = etag
    return _opened(answer)


def _csv(section: str, found: Weeks) -> HttpResponse:
    text = StringIO()
    csv.writer(text).writerows(section_csv(section, found))
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="fairness-{section}.csv"'
    return response


def _period(request: HttpRequest) -> int:
    """How many weeks back; whatever else is asked for is the first."""
    asked = request.GET.get("weeks", "")
    return next((period for period in PERIODS if str(period) == asked), PERIODS[0])


def _written(at: datetime) -> tuple[str, bool]:
    """The twin as text, and whether it is large: writing thousands of shares takes as long as a booking."""
    content = _shares(at)
    return json.dumps(content, cls=DjangoJSONEncoder), is_large(content)


def _shares(at: datetime) -> Json:
    page = fairness_page(at=at)
    return exact_json.written(
        {
            "at": page.at,
            "policy": page.policy_version,
            "shares": [_share(row) for row in page.rows],
            "jain": page.jain,
            "requests": {"asked": page.asked, "granted": page.granted, "days": page.days},
            "refusals": {refusals.code: refusals.number for refusals in page.refusals},
            "exceptions_in_force": page.exceptions,
            "universal_allowance": _allowance(page),
            "sections": {name: f"/fairness/{name}.json" for name in SECTIONS},
        }
    )


def _allowance(page: FairnessPage) -> dict[str, Any] | None:
    allowance = page.allowance
    if allowance is None:
        return None
    month = allowance.month
    return {
        "funder": allowance.funder,
        "hours": allowance.hours,
        "ceiling_eur": allowance.ceiling,
        "without": allowance.without,
        "month": month
        and {
            "month": f"{month.month:%Y-%m}",
            "projects": month.projects,
            "hours_given": month.hours,
            "hours_used_or_booked": month.hours_taken,
            "eur_given": month.amount,
            "eur_used_or_booked": month.taken,
        },
    }


def _share(row: ShareRow) -> dict[str, Any]:
    """Exact fractions as text: whoever recomputes them gets the same, not nearly the same."""
    return {
        "name": row.name,
        "depth": row.depth,
        "is_project": row.is_project,
        "shares": row.shares,
        "promised": row.promised,
        "received": row.received,
        "level": row.level.value,
        "place": row.rank,
    }


def _opened(response: HttpResponse) -> HttpResponse:
    """Open data: anybody’s page may read it."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
