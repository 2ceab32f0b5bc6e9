"""Pages that belong to no app: the style guide, the statement on accessibility, and errors."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from common.access import ANYONE, guard
from common.http import problem
from config import specimens
from config.away import is_database_away, without_database


@guard(ANYONE)
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component in every state, drawn by the templates that the pages use."""
    return render(request, "styleguide.html", {"specimens": specimens})


@guard(ANYONE)
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "accessibility.html")


def server_error(request: HttpRequest, *args: Any) -> HttpResponse:
    """Without context processors: whatever broke must not be asked again."""
    broken = sys.exc_info()[1]
    if is_database_away(broken):  # where the view was not reached: who asks could not be looked up
        return without_database(request, broken)
    if request.path.startswith("/api/"):
        return problem(500, "internal_error", _("Something broke on our side. It is written down."))
    page = render_to_string("500.html", {"is_example_world": settings.EXAMPLE_WORLD})
    return HttpResponse(page, status=500)
