"""A project's level over the last weeks, and what moved it since last week, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import plotly.graph_objects as go
from django.utils.translation import gettext

from accounts.models import Project
from common import formats
from pricing.selectors.charts import as_json, layout
from reservations.domain.exact_json import moment
from reservations.domain.moved import DECAY, OTHERS, OWN, SHARES, Counted, Moves, Part, Sums, moves
from reservations.domain.policy import Policy
from reservations.domain.room import Standing, promised_share
from reservations.models import DailyStanding
from reservations.selectors.levels import Level, said

_DAYS = 28
_WEEK = timedelta(days=7)
_HEIGHT = 260


@dataclass(frozen=True)
class Day:
    """Cost-weighted hours, as they counted at the beginning of a day, and last now."""

    day: date
    at: datetime
    used: Decimal
    booked: Decimal
    entitled: Decimal  # the promised share of all that everybody used and booked
    level: Level


@dataclass(frozen=True)
class Cause:
    name: str
    because: str
    change: str  # signed; empty where there is no number before or after


@dataclass(frozen=True)
class Week:
    """What moved the level. Without a day to compare with, `since` is None."""

    since: datetime | None
    before: str
    after: str
    causes: tuple[Cause, ...]


@dataclass(frozen=True)
class History:
    days: tuple[Day, ...]
    week: Week
    half_life_days: Decimal


def level_history(*, project: Project, standing: Standing, policy: Policy, at: datetime) -> History:
    """One query: the standings of the last days that were counted with the half-life in force."""
    rows = DailyStanding.objects.filter(
        vertex__project=project, day__gt=(at - timedelta(days=_DAYS)).date(),
        half_life_hours=policy.half_life_hours, at__lt=at,
    ).order_by("day")  # fmt: skip
    past = [_sums(row) for row in rows]
    now = Sums(
        at, promised_share(standing.path), standing.stored, standing.committed, standing.stored_by_all,
        standing.committed_by_all,
    )  # fmt: skip
    return History(
        days=tuple(_day(sums, sums.counted(policy.half_life, sums.at)) for sums in (*past, now)),
        week=_week(past, now, policy),
        half_life_days=Decimal(policy.half_life_hours) / 24,
    )


def _sums(row: DailyStanding) -> Sums:
    return Sums(
        row.at, Fraction(row.promised), row.stored, row.committed, row.stored_by_all, row.committed_by_all
    )


def _day(sums: Sums, counted: Counted) -> Day:
    return Day(
        day=sums.at.date(), at=sums.at, used=_hours(counted.used), booked=_hours(counted.booked),
        entitled=_hours(counted.entitled), level=said(counted.level),
    )  # fmt: skip


def _hours(exact: Fraction) -> Decimal:
    return Decimal(exact.numerator) / exact.denominator


def _week(past: list[Sums], now: Sums, policy: Policy) -> Week:
    """Beside the last day that is a week ago, or the oldest that there is."""
    older = [sums for sums in past if sums.at <= now.at - _WEEK]
    then = older[-1] if older else next(iter(past), None)
    if then is None:
        figure = said(now.counted(policy.half_life, now.at).level).figure
        return Week(None, figure, figure, ())
    found = moves(then, now, policy.half_life)
    return Week(then.at, said(found.then.level).figure, said(found.now.level).figure, tuple(_causes(found)))


def _causes(found: Moves) -> Iterator[Cause]:
    words = {DECAY: _decay, OWN: _own, OTHERS: _others, SHARES: _shares}
    for part in found.parts:
        told = words[part.cause](found)
        if told is not None:
            yield Cause(*told, _change(part))


def _change(part: Part) -> str:
    return "" if part.change is None else formats.signed(_hours(part.change), 2)


def _decay(found: Moves) -> tuple[str, str] | None:
    if not found.then.used:
        return None
    said = {"before": _written(found.then.used), "after": _written(found.faded.used)}
    return (
        gettext("Your earlier use decayed"),
        gettext("Of %(before)s cost-weighted hours, %(after)s still count") % said,
    )


def _own(found: Moves) -> tuple[str, str] | None:
    used, booked = found.now.used - found.faded.used, found.now.booked - found.then.booked
    if not used and not booked:
        return None
    said = {"used": _written(used), "booked": _written(abs(booked))}
    if not booked:
        because = gettext("%(used)s cost-weighted hours used") % said
    elif booked > 0:
        because = gettext("%(used)s cost-weighted hours used, %(booked)s more booked than then") % said
    else:
        because = gettext("%(used)s cost-weighted hours used, %(booked)s fewer booked than then") % said
    return gettext("You used and booked"), because


def _others(found: Moves) -> tuple[str, str] | None:
    if found.then.others == found.now.others:
        return None
    said = {"before": _written(found.then.others), "after": _written(found.now.others)}
    because = gettext("%(before)s cost-weighted hours counted then, %(after)s do now; theirs decay, too")
    return gettext("Others used and booked"), because % said


def _shares(found: Moves) -> tuple[str, str] | None:
    before, after = found.then.promised, found.now.promised
    if before == after:
        return None
    said = {"before": formats.percent(float(before), 2), "after": formats.percent(float(after), 2)}
    return gettext("Shares changed"), gettext("%(before)s of everything was yours, %(after)s is now") % said


def _written(exact: Fraction) -> str:
    return formats.number(_hours(exact), 1)


# --- as JSON, with the chart -------------------------------------------------
def history_json(*, project: Project, history: History) -> dict[str, Any]:
    """Level is null where nothing was used yet."""
    days = [
        {
            "at": moment(day.at), "used": _plain(day.used), "booked": _plain(day.booked),
            "entitled": _plain(day.entitled), "level": day.level.value and _plain(day.level.value),
        }
        for day in history.days
    ]  # fmt: skip
    return {
        "project": project.slug, "unit": "cost-weighted hours", "half_life_days": str(history.half_life_days),
        "days": days, "charts": {"level": level_figure(history.days)},
    }  # fmt: skip


def _plain(number: Decimal) -> str:
    return f"{number:.6f}"


def level_figure(days: tuple[Day, ...]) -> dict[str, Any]:
    """Bars of what counts for the project, and the line of its share: above them, the level is above 1."""
    x = [*(f"{day.at:%d/%m}" for day in days[:-1]), gettext("Now")]
    hover = "%{x}<br>%{y:.1f}<extra>%{fullData.name}</extra>"

    def bars(name: str, values: list[Decimal], colour: str) -> go.Bar:
        return go.Bar(
            name=name,
            x=x,
            y=[float(value) for value in values],
            marker={"color": colour},
            hovertemplate=hover,
        )

    figure = go.Figure(
        [
            bars(gettext("Used, decayed"), [day.used for day in days], "var(--data)"),
            bars(gettext("Booked"), [day.booked for day in days], "var(--data-soft)"),
            go.Scatter(
                name=gettext("Your share"), x=x,
                y=[float(day.entitled) for day in days], mode="lines+markers",
                line={"width": 2, "color": "var(--ink)"}, marker={"size": 5}, hovertemplate=hover,
            ),
        ]
    )  # fmt: skip
    figure.update_layout(
        layout(height=_HEIGHT),
        barmode="stack",
        bargap=0.25,
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        margin={"l": 8, "r": 8, "t": 40, "b": 8},
        xaxis={
            "type": "category", "showgrid": False, "fixedrange": True, "automargin": True, "nticks": 10,
            "tickangle": 0, "linecolor": "var(--line-control)",
        },
        yaxis={
            "fixedrange": True, "automargin": True, "rangemode": "tozero", "gridcolor": "var(--line)",
            "zeroline": False, "nticks": 5,
        },
    )  # fmt: skip
    return as_json(figure)
