"""Pages that everybody may read: home, policy, fairness, status. What has figures has a JSON twin."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from common import clock
from common.access import ANYONE, guard
from reservations.domain import exact_json
from reservations.errors import NoPolicy
from reservations.selectors.home import home_page
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
def status(request: HttpRequest) -> HttpResponse:
    """200 even when something is wrong: the page says what."""
    return render(request, "reservations/status.html", {"page": status_page(at=clock.now())})


def _policy() -> PolicyPage | None:
    try:
        return policy_page(at=clock.now())
    except NoPolicy:
        return None


def _open(content: dict[str, Any]) -> HttpResponse:
    """Open data: anybody’s page may read it."""
    response = JsonResponse(exact_json.written(content), safe=False)
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
