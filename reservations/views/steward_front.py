"""Where stewards begin."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from accounts.access import STEWARD
from common import clock
from common.access import guard
from reservations.selectors.steward_front import front


@never_cache
@guard(STEWARD)
def steward(request: HttpRequest) -> HttpResponse:
    return render(request, "reservations/steward.html", {"page": front(at=clock.now())})
