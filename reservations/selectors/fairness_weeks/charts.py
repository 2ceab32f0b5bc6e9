"""The charts of /fairness/, as Plotly figures in JSON; the tables beneath have the same figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import plotly.graph_objects as go
from django.utils.translation import gettext as _

from pricing.selectors.charts import as_json, layout
from reservations.models import WeekSum
from reservations.selectors.fairness_weeks import Weeks

_HEIGHT = 300
# Lines part by their dash, bars by their pattern: colour alone would tell some readers nothing.
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid", "dash")
_PATTERNS = ("", "/", ".", "x", "\\", "-", "+", "|")


def shares_figure(weeks: Weeks, of: str) -> dict[str, Any]:
    """What each got, as a part of everything; what was promised as a faint line of the same dash."""
    figure = go.Figure()
    rows = [row for row in reversed(weeks.shares(of)) if not row.is_running]
    mondays = [row.monday for row in rows]
    for index, column in enumerate(weeks.columns(of)):
        dash = _DASHES[index % len(_DASHES)]
        cells = [row.cells[index] for row in rows]
        figure.add_trace(_line(column.name, mondays, [cell.delivered for cell in cells], dash, index))
        promised = _line(column.name, mondays, [cell.promised for cell in cells], dash, index)
        promised.update(
            line={"width": 1, "color": "var(--line-control)", "dash": dash}, showlegend=False,
            hoverinfo="skip", mode="lines", hovertemplate=None,
        )  # fmt: skip
        figure.add_trace(promised)
    return _drawn(figure, {"tickformat": ".0%", "rangemode": "tozero"})


def jain_figure(weeks: Weeks) -> dict[str, Any]:
    rows = [row for row in reversed(weeks.shares(WeekSum.Of.ACCOUNT)) if not row.is_running]
    trace = _line(_("Jain’s index"), [row.monday for row in rows], [row.jain for row in rows], "solid", 0)
    trace.update(hovertemplate="%{y:.3f}<extra></extra>")
    figure = go.Figure([trace])
    return _drawn(figure, {"range": [0, 1.02], "tickformat": ".1f"}, height=180, has_legend=False)


def floor_figure(weeks: Weeks) -> dict[str, Any]:
    rows = [row for row in reversed(weeks.floor) if not row.is_running]
    mondays = [row.monday for row in rows]
    figure = go.Figure(
        [
            _bar(_("Promised"), mondays, [row.promised for row in rows], 1),
            _bar(_("Wanted"), mondays, [row.demanded for row in rows], 2),
            _bar(_("Delivered"), mondays, [row.delivered for row in rows], 0),
        ]
    )
    figure.update_layout(barmode="group")
    return _drawn(figure, {"rangemode": "tozero"})


def refusals_figure(weeks: Weeks) -> dict[str, Any]:
    rows = [row for row in reversed(weeks.answers) if not row.is_running]
    mondays = [row.monday for row in rows]
    numbers: dict[str, int] = {}
    for row in rows:
        for name, number in row.refusals:
            numbers[name] = numbers.get(name, 0) + number
    figure = go.Figure()
    for index, name in enumerate(sorted(numbers, key=lambda name: (-numbers[name], name))):
        values = [Decimal(dict(row.refusals).get(name, 0)) for row in rows]
        figure.add_trace(_bar(name, mondays, values, index))
    figure.update_layout(barmode="stack")
    return _drawn(figure, {"rangemode": "tozero"})


def _line(
    name: str, mondays: Sequence[date], values: Sequence[Decimal | None], dash: str, index: int
) -> go.Scatter:
    return go.Scatter(
        name=name,
        x=[monday.isoformat() for monday in mondays],
        y=[None if value is None else float(value) for value in values],
        mode="lines+markers",
        line={"width": 2, "color": _colour(index), "dash": dash},
        marker={"size": 6, "color": _colour(index), "symbol": index},
        connectgaps=False,
        hovertemplate="%{y:.1%}<extra>%{fullData.name}</extra>",
    )


def _bar(name: str, mondays: Sequence[date], values: Sequence[Decimal], index: int) -> go.Bar:
    return go.Bar(
        name=name,
        x=[monday.isoformat() for monday in mondays],
        y=[float(value) for value in values],
        marker={
            "color": _colour(0), "line": {"width": 1, "color": "var(--data)"},
            "pattern": {"shape": _PATTERNS[index % len(_PATTERNS)], "bgcolor": "var(--ground)", "size": 6,
                        "solidity": 0.3},
        },
        hovertemplate="%{y}<extra>%{fullData.name}</extra>",
    )  # fmt: skip


def _colour(index: int) -> str:
    return "var(--action)" if index == 1 else "var(--data)"


def _drawn(
    figure: go.Figure, yaxis: dict[str, Any], *, height: int = _HEIGHT, has_legend: bool = True
) -> dict[str, Any]:
    """Eight of its Mondays are named at most."""
    mondays = figure.data[0].x if figure.data else ()
    figure.update_layout(
        layout(height=height),
        hovermode="x unified",
        showlegend=has_legend,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        margin={"l": 8, "r": 8, "t": 64 if has_legend else 8, "b": 8},
        xaxis={
            "type": "date", "showgrid": False, "fixedrange": True, "automargin": True,
            "tickvals": mondays[:: -(-len(mondays) // 8) or 1], "linecolor": "var(--line-control)",
        },
        yaxis={
            "fixedrange": True, "automargin": True, "gridcolor": "var(--line)", "zeroline": False,
            "nticks": 5, **yaxis,
        },
    )  # fmt: skip
    return as_json(figure)
