"""The cells of a row of the timetable: hundreds a page, which as a template took longer than all the rest."""

from __future__ import annotations

from datetime import UTC
from html import escape

from django import template
from django.utils.safestring import SafeString, mark_safe

from reservations.selectors.cells import Cell
from reservations.selectors.timetable import DeviceRow

register = template.Library()


@register.simple_tag
def cells(row: DeviceRow, may_book: bool) -> SafeString:
    """One `<td>` each. Free time is a button where the reader may book, a slot of their own a link."""
    drawn = (_cell(row.uid, cell, may_book) for cell in row.cells)
    return mark_safe("\n".join(drawn))  # noqa: S308 -- every text in it is escaped below


def _cell(device: str, cell: Cell, may_book: bool) -> str:
    words = (
        f'<span class="slot__who">{escape(cell.who)}</span>'
        f'<span class="slot__when"> {escape(cell.when)}</span>'
    )
    if cell.kind == "free" and may_book:
        pick = f"{device}@{cell.start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        return (
            f'<td colspan="{cell.span}" data-free data-first="{cell.first}" data-last="{cell.last}">'
            f'<button class="slot slot--free" form="slot" name="pick" value="{escape(pick)}"'
            f' aria-pressed="false">{words}</button></td>'
        )
    if cell.url and not cell.is_narrow:
        url = escape(cell.url)
        return f'<td colspan="{cell.span}"><a class="slot slot--own" href="{url}">{words}</a></td>'
    # A narrow slot of one's own is too small a target: the list below leads to it.
    narrow = " slot--narrow" if cell.is_narrow else ""
    return f'<td colspan="{cell.span}"><span class="slot slot--{cell.look}{narrow}">{words}</span></td>'
