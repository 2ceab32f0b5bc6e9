"""Lists in pages: a cursor says after which row to go on, so that new rows neither repeat nor hide any."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.core import signing
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request

from common.api.bodies import Members
from common.api.errors import CursorInvalid

Row = TypeVar("Row")
MOST = 200


class ListQuery(Members):
    """What every list takes; a list with filters adds them below."""

    limit = serializers.IntegerField(
        min_value=1, max_value=MOST, default=50, help_text="How many rows at most."
    )
    cursor = serializers.CharField(
        default="",
        allow_blank=True,
        max_length=500,
        help_text="From `next` of the page before; the filters must be the same.",
    )  # fmt: skip


@dataclass(frozen=True)
class Page:
    items: list[dict[str, Any]]
    next: str | None

    @property
    def data(self) -> dict[str, Any]:
        return {"items": self.items, "next": self.next}

    @property
    def headers(self) -> dict[str, str]:
        return {"Link": f'<{self.next}>; rel="next"'} if self.next else {}


def page_of_rows(
    request: Request,
    asked: Mapping[str, Any],
    rows: QuerySet[Any],
    shown: Callable[[Any], dict[str, Any]],
    order: Sequence[str] = ("-pk",),
) -> Page:
    """A page of a query. `order` ends with a unique column; a minus before a name descends."""
    rows = rows.order_by(*order)
    if after := _after(request, asked, len(order)):
        rows = rows.filter(_beyond(order, after))
    found: list[Model] = list(rows[: asked["limit"] + 1])
    more = len(found) > asked["limit"]
    found = found[: asked["limit"]]
    key = [getattr(found[-1], name.lstrip("-")) for name in order] if more else None
    return Page([shown(row) for row in found], _next(request, asked, key))


def page_of_lines(
    request: Request,
    asked: Mapping[str, Any],
    lines: Iterable[Row],
    shown: Callable[[Row], dict[str, Any]],
    key: Callable[[Row], list[Any]],
) -> Page:
    """A page of what a selector has put together whole; `key` is what the lines are in order of."""
    after = _after(request, asked, None)
    found = [line for line in lines if not after or key(line) > after]
    shown_lines = found[: asked["limit"]]
    last = key(shown_lines[-1]) if len(found) > len(shown_lines) else None
    return Page([shown(line) for line in shown_lines], _next(request, asked, last))


def _beyond(order: Sequence[str], after: Sequence[Any]) -> Q:
    """(a, b) beyond (x, y): a beyond x, or a is x and b beyond y."""
    beyond, same = Q(pk__in=[]), Q()
    for name, value in zip(order, after, strict=True):
        column = name.lstrip("-")
        beyond |= same & Q(**{f"{column}__{'lt' if name.startswith('-') else 'gt'}": value})
        same &= Q(**{column: value})
    return beyond


def _after(request: Request, asked: Mapping[str, Any], length: int | None) -> list[Any]:
    if not asked["cursor"]:
        return []
    try:
        after = signing.loads(asked["cursor"], salt=_salt(request))
    except signing.BadSignature as exc:
        raise CursorInvalid(
            _("This cursor is not one of this list with these filters. Begin again without it."),
        ) from exc
    assert isinstance(after, list)
    assert length in (None, len(after))
    return after


def _next(request: Request, asked: Mapping[str, Any], key: list[Any] | None) -> str | None:
    if key is None:
        return None
    cursor = signing.dumps(key, salt=_salt(request))
    return f"{request.path}?{urlencode([*_filters(request), ('limit', asked['limit']), ('cursor', cursor)])}"


def _salt(request: Request) -> str:
    """A cursor belongs to its list: whoever changes a filter would silently miss rows."""
    return f"cursor {request.path}?{urlencode(sorted(_filters(request)))}"


def _filters(request: Request) -> list[tuple[str, str]]:
    return [
        (name, value)
        for name, values in request.query_params.lists()
        if name not in ("limit", "cursor")
        for value in values
    ]
