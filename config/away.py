"""The answer while PostgreSQL cannot be reached: it asks nothing of it again."""

from __future__ import annotations

import logging
from http import HTTPStatus

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from common.http import problem

logger = logging.getLogger(__name__)

RETRY_AFTER = "10"  # seconds: usually it is back by then
# SQLSTATE: of connections (class 08), too many of them, and a server that stops, crashed or starts.
_CLASS, _STATES = "08", {"53300", "57P01", "57P02", "57P03"}


def is_database_away(exception: BaseException | None) -> bool:
    """A deadlock, a lock or a statement that took too long is an operational error too, and has its state."""
    if not isinstance(exception, OperationalError | InterfaceError):
        return False
    state = getattr(exception.__cause__, "sqlstate", None)
    return state is None or state.startswith(_CLASS) or state in _STATES


def without_database(request: HttpRequest, exception: BaseException | None) -> HttpResponse:
    """For people a page without its context, for programs a problem.

    Whoever asks is nobody from here on: what comes after the view would look up who it is, or keep the
    session, and wait for the database again.
    """
    logger.error("refused without PostgreSQL: %s %s: %s", request.method, request.path, exception)
    request.user = AnonymousUser()
    if hasattr(request, "session"):
        request.session.modified = False
    if request.path.startswith(("/api/", "/agent/")):
        sentence = _("The database is not reachable just now. Try again in ten seconds.")
        answer: HttpResponse = problem(503, "unavailable", sentence)
    else:
        page = render_to_string("503_database.html", {"is_example_world": settings.EXAMPLE_WORLD})
        answer = HttpResponse(page, status=HTTPStatus.SERVICE_UNAVAILABLE)
    answer.headers["Retry-After"] = RETRY_AFTER
    return answer
