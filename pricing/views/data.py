"""Published figures as files: CSV and JSON that any page may read, and the refusal of a moment."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable
from io import StringIO
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response

from common.http import problem
from pricing.forms.as_of import AsOfForm


def csv_answer(name: str, rows: Iterable[Iterable[Any]]) -> HttpResponse:
    text = StringIO()
    csv.writer(text).writerows(rows)
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return open_to_all(response)


def open_to_all(response: HttpResponse) -> HttpResponse:
    """Anybody's page may read published figures; nothing here depends on who asks."""
    response["Access-Control-Allow-Origin"] = "*"
    return response


def unless_known(request: HttpRequest, response: HttpResponse, figures: bytes) -> HttpResponse:
    """304 to who has these figures already, by the tag that came with them.

    Nothing is kept between two requests: the figures were just read. The tag is weak, since the moment of
    the answer is none of them.
    """
    tag = f'W/"{hashlib.sha256(figures).hexdigest()[:32]}"'
    response.headers["ETag"] = tag
    conditional = get_conditional_response(request, etag=tag, response=response)
    return open_to_all(conditional) if isinstance(conditional, HttpResponse) else response


def as_of_refused(form: AsOfForm) -> HttpResponse:
    """The moment cannot be read, or is still to come."""
    return problem(400, "parameters_invalid", str(form.errors["as_of"][0]), field="as_of")
