"""The booking page's address with a slot filled in: how previews, refusals and boards lead there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.utils import timezone


def slot_fields(
    *, project: str, devices: Iterable[str], start: datetime | None, end: datetime
) -> tuple[tuple[str, str], ...]:
    """The members of the form that say this slot exactly; without a start it begins at once.

    `_second` tells the two readings of a time that clocks show twice apart; for every other time it
    says nothing.
    """
    fields = [("project", project), *(("device", uid) for uid in devices)]
    fields += [("now", "on")] if start is None else _moment("start", start)
    return (*fields, *_moment("end", end))


def slot_url(*, project: str, devices: Iterable[str], start: datetime | None, end: datetime) -> str:
    fields = slot_fields(project=project, devices=devices, start=start, end=end)
    return "/book/?" + urlencode([*fields, ("week", week_of(start or end))])


def timetable_url(*, model: str, site: str, at: datetime) -> str:
    """The timetable of one model at one site, in the week of that moment."""
    return "/book/?" + urlencode({"model": model, "site": site, "week": week_of(at)})


def week_of(moment: datetime) -> str:
    """`2026-W48`, as the reader's calendar has it."""
    year, week, _ = moment.astimezone(_zone()).isocalendar()
    return f"{year}-W{week:02}"


def _moment(name: str, moment: datetime) -> list[tuple[str, str]]:
    local = moment.astimezone(_zone())
    return [(name, f"{local:%Y-%m-%dT%H:%M}"), (f"{name}_second", str(local.fold))]


def _zone() -> ZoneInfo:
    return ZoneInfo(timezone.get_current_timezone_name())
