"""Pages that everybody may read: home and status."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from common import clock
from common.access import ANYONE, guard
from reservations.selectors.home import home_page
from reservations.selectors.status import status_page


@guard(ANYONE)
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "reservations/home.html", {"page": home_page(at=clock.now())})


@guard(ANYONE)
def status(request: HttpRequest) -> HttpResponse:
    """200 even when something is wrong: the page says what."""
    return render(request, "reservations/status.html", {"page": status_page(at=clock.now())})
