"""Pages that everybody may read: home, policy, fairness, status. What has figures has a JSON twin."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from common import clock
from common.access import ANYONE, guard
from common.kept import kept
from reservations.domain import exact_json
from reservations.domain.exact_json import Json
from reservations.errors import NoPolicy
from reservations.selectors.fairness import FairnessPage, ShareRow, fairness_page, fairness_part
from reservations.selectors.home import home_page
from reservations.selectors.open_data import is_large
from reservations.selectors.policy_page import PolicyPage, policy_page
from reservations.selectors.status import status_page


@guard(ANYONE)
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "reservations/home.html", {"page": home_page(at=clock.now())})


@guard(ANYONE)
def policy(request: HttpRequest) -> HttpResponse:
    return render(request, "reservations/policy.html", {"page": _policy()})


@guard(ANYONE)
def policy_twin(request: HttpRequest) -> HttpResponse:
    page = _policy()
    if page is None:
        return JsonResponse({"policy": None}, status=404)
    version = page.version
    return _open(
        {
            "policy": version.number,
            "effective_from": version.starts,
            "effective_until": version.ends,
            "reason": version.reason,
            "digest": version.digest,
            "ledger_entry": version.entry,
            "rules": page.rules,
        }
    )


@guard(ANYONE)
def fairness(request: HttpRequest) -> HttpResponse:
    account, number = request.GET.get("account", ""), request.GET.get("page", "1")
    try:
        page = fairness_part(at=clock.now(), account=account, page=int(number) if number.isdecimal() else 0)
    except NoPolicy:
        return render(request, "reservations/fairness.html", {"page": None})
    if page is None:
        raise Http404
    return render(request, "reservations/fairness.html", {"page": page})


@guard(ANYONE)
def fairness_twin(request: HttpRequest) -> HttpResponse:
    at = clock.now()
    try:
        text, _is_large = kept("fairness:text", lambda: _written(at), at=at, is_large=lambda found: found[1])
    except NoPolicy:
        return JsonResponse({"policy": None}, status=404)
    return _opened(HttpResponse(text, content_type="application/json"))


@guard(ANYONE)
def status(request: HttpRequest) -> HttpResponse:
    """200 even when something is wrong: the page says what."""
    return render(request, "reservations/status.html", {"page": status_page(at=clock.now())})


def _policy() -> PolicyPage | None:
    try:
        return policy_page(at=clock.now())
    except NoPolicy:
        return None


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
            "universal_allowance": _allowance(page),
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


def _open(content: dict[str, Any]) -> HttpResponse:
    return _opened(JsonResponse(exact_json.written(content), safe=False))


def _opened(response: HttpResponse) -> HttpResponse:
    """Open data: anybody's page may read it."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
