"""Published figures as files: CSV and JSON that any page may read, and the refusal of a moment."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from io import StringIO
from typing import Any

from django.http import HttpResponse

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


def as_of_refused(form: AsOfForm) -> HttpResponse:
    """The moment cannot be read, or is still to come."""
    return problem(400, "parameters_invalid", str(form.errors["as_of"][0]), field="as_of")
