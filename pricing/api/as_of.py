"""`?as_of=` of calls that answer how figures stood."""

from __future__ import annotations

from datetime import datetime

from rest_framework.request import Request

from common.api.errors import ParametersInvalid
from pricing.forms.as_of import AsOfForm


def asked_as_of(request: Request, now: datetime) -> datetime | None:
    """The moment that is asked for; None: now. Refused where it cannot be read or is still to come."""
    form = AsOfForm(request.query_params, now=now)
    if not form.is_valid():
        raise ParametersInvalid({"as_of": [str(fault) for fault in form.errors["as_of"]]})
    return form.asked
