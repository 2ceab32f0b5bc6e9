"""The upper half of the booking page: what somebody needs, and the slots that answer it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from accounts.models import Project, User
from common.errors import DomainError
from reservations.domain.needs import Order
from reservations.forms.needs import NeedForm
from reservations.selectors.needs.page import need_page
from reservations.services import finding

_NAMES = ("count", "want", "hours", "after", "by", "most")
_USUAL = {"count": 1, "want": "memory:0", "hours": 2}


@dataclass(frozen=True)
class OrderLink:
    order: Order
    url: str
    is_current: bool


def found(
    data: QueryDict, *, project: Project | None, models: Iterable[tuple[str, str]], by: User, at: datetime
) -> dict[str, Any]:
    """The form, and once something is asked for its answer."""
    is_asked = "want" in data
    form = NeedForm(data if is_asked else None, models=models, at=at, initial=_USUAL)
    if not is_asked or project is None or not form.is_valid():
        return {"need_form": form}
    need = form.need()
    asked = {name: data[name] for name in _NAMES if data.get(name)}
    try:
        answers = finding.find(need=need, project=project, asked_by=by, at=at)
    except DomainError as error:
        return {"need_form": form, "need_problem": error.message}
    shown = frozenset((name, value) for name, values in data.lists() for value in values)
    query = urlencode(asked | {"order": need.order})
    return {
        "need_form": form,
        "need": need_page(answers, project=project.slug, asked=query, shown=shown),
        "need_orders": [
            OrderLink(
                order,
                "?" + urlencode({"project": project.slug} | asked | {"order": order}) + "#of",
                order is need.order,
            )
            for order in Order
        ],
    }
