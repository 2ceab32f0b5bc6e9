"""The charts of a node's page, as Plotly figures in JSON.

Colours are named by their CSS token, `var(--data)`; static/js/charts.js puts in what the
token is in the reader's theme. The tables on the page say the same without a script.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import plotly.graph_objects as go
from django.utils.translation import gettext as _

from common import formats
from pricing.models import CostStatement, Tariff
from pricing.selectors.rates import WaterfallStep


@dataclass(frozen=True)
class Bars:
    """One colour of a stack: a value for each place on the axis."""

    name: str
    colour: str
    values: Sequence[Decimal | None]


_ZERO = Decimal(0)
_COLOURS = {
    "plus": "var(--data-soft)",
    "minus": "var(--data)",  # of the hatching; what shows between is the page
    "sum": "var(--data)",
    "price": "var(--action)",
}
# In pixels: a line of the page's own waterfall, and the room a letter of its 14 px text takes.
_STEP_HEIGHT = 33
_LETTER = 7


def waterfall_figure(steps: Sequence[WaterfallStep]) -> dict[str, Any]:
    """Each step a bar from where the one above it ended; what is taken off is hatched."""
    spans = _spans(steps)
    figure = go.Figure(_bars(steps, spans))
    widest = max((len(step.label) for step in steps), default=0)
    margin = {"l": _LETTER * widest, "r": _LETTER * 10, "t": 0, "b": 0}
    figure.update_layout(
        layout(height=_STEP_HEIGHT * len(steps)) | {"margin": margin},
        xaxis={
            "visible": False,
            "fixedrange": True,
            "range": [0, max((max(span) for span in spans), default=0) * 1.01],
        },
        yaxis={"visible": False, "fixedrange": True, "range": [len(steps) - 0.5, -0.5]},
        annotations=[
            text
            for row, step in enumerate(steps)
            for text in (
                _text(row, step, step.label, x=0, xanchor="left", xshift=-margin["l"]),
                _text(row, step, _amount(step), x=1, xanchor="right", xshift=margin["r"]),
            )
        ],
        shapes=_rules(len(steps)) + _joins(spans),
    )
    return as_json(figure)


def _spans(steps: Sequence[WaterfallStep]) -> list[tuple[float, float]]:
    """Where each bar begins and ends; a total begins at nothing."""
    spans, level = [], _ZERO
    for step in steps:
        start = _ZERO if step.kind in ("sum", "price") else level
        level = start + step.amount
        spans.append((float(start), float(level)))
    return spans


def _bars(steps: Sequence[WaterfallStep], spans: Sequence[tuple[float, float]]) -> go.Bar:
    taken_off = [step.kind == "minus" for step in steps]
    return go.Bar(
        orientation="h",
        y=list(range(len(steps))),
        x=[end - start for start, end in spans],
        base=[start for start, _end in spans],
        width=0.5,
        marker={
            "color": [_COLOURS[step.kind] for step in steps],
            "line": {"width": [int(off) for off in taken_off], "color": "var(--data)"},
            "pattern": {
                "shape": ["/" if off else "" for off in taken_off],
                "bgcolor": "var(--ground)",
                "size": 6,
                "solidity": 0.2,
            },
        },
        customdata=[[step.label, _amount(step)] for step in steps],
        hovertemplate=_("%{customdata[0]}<br>%{customdata[1]} EUR per device-hour") + "<extra></extra>",
    )


def _text(row: int, step: WaterfallStep, text: str, **place: Any) -> dict[str, Any]:
    # Bold by the font: Plotly writes <b> as a style attribute, which the content security policy stops.
    weight = 700 if step.kind in ("sum", "price") else 400
    font = {"weight": weight}
    return {"text": text, "y": row, "xref": "paper", "yref": "y", "showarrow": False, "font": font, **place}


def _amount(step: WaterfallStep) -> str:
    return formats.number(step.amount, 4)


def _rules(count: int) -> list[dict[str, Any]]:
    """A hairline under each row, from edge to edge."""
    return [
        {"type": "line", "xref": "paper", "yref": "y", "x0": -1, "x1": 2, "y0": row + 0.5, "y1": row + 0.5,
         "line": {"color": "var(--line)", "width": 1}, "layer": "below"}
        for row in range(count)
    ]  # fmt: skip


def _joins(spans: Sequence[tuple[float, float]]) -> list[dict[str, Any]]:
    """The thin line from the end of a bar down to the next."""
    return [
        {"type": "line", "x0": end, "x1": end, "y0": row + 0.25, "y1": row + 0.75,
         "line": {"color": "var(--line-control)", "width": 1}}
        for row, (_start, end) in enumerate(spans[:-1])
    ]  # fmt: skip


def history_figure(
    statements: Sequence[CostStatement], tariffs: Sequence[Tariff], *, at: datetime
) -> dict[str, Any]:
    """Full cost, chargeable cost and price over time, as the steps that were published."""
    figure = go.Figure()
    chargeable = {"color": "var(--data)", "width": 1.5, "dash": "dash"}
    for name, rows, attribute, line in (
        (_("Full cost"), statements, "full_delivered", {"color": "var(--data)", "width": 2}),
        (_("Chargeable cost"), statements, "chargeable_delivered", chargeable),
        (_("Price"), tariffs, "price", {"color": "var(--action)", "width": 3}),
    ):
        moments, values = _steps_of(rows, attribute, at)
        figure.add_trace(
            go.Scatter(
                name=name,
                x=moments,
                y=values,
                mode="lines",
                line={"shape": "hv", **line},
                connectgaps=False,
                hovertemplate="%{y:.4f} EUR",
            )
        )
    figure.update_layout(
        layout(height=280),
        hovermode="x unified",
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        margin={"l": 8, "r": 8, "t": 40, "b": 8},
        xaxis={"showgrid": False, "fixedrange": True, "automargin": True, "linecolor": "var(--line-control)"},
        yaxis={
            "fixedrange": True,
            "automargin": True,
            "rangemode": "tozero",
            "gridcolor": "var(--line)",
            "zeroline": False,
            "tickformat": ".2f",
            "nticks": 5,
        },
    )
    return as_json(figure)


def _steps_of(
    rows: Sequence[CostStatement] | Sequence[Tariff], attribute: str, at: datetime
) -> tuple[list[str], list[float | None]]:
    """Beginning and end of every row up to now; a hole where nothing was in force."""
    moments: list[str] = []
    values: list[float | None] = []
    last_end: datetime | None = None
    for row in sorted(rows, key=lambda row: row.effective_from):
        if row.effective_from > at or row.is_called_off:
            continue
        if last_end is not None and last_end < row.effective_from:
            moments.append(last_end.isoformat())
            values.append(None)
        last_end = min(row.effective_until or at, at)
        moments += [row.effective_from.isoformat(), last_end.isoformat()]
        values += [float(getattr(row, attribute))] * 2
    return moments, values


def clock_figure(bars: Sequence[Bars], *, labels: Sequence[str], unit: str, places: int) -> dict[str, Any]:
    """One stack of bars for each hour of the day; a hole where nothing is known."""
    figure = go.Figure(
        [
            go.Bar(
                name=one.name,
                x=list(labels),
                y=[None if value is None else float(value) for value in one.values],
                marker={"color": one.colour},
                hovertemplate=f"%{{x}}<br>%{{y:.{places}f}} {unit}<extra>{one.name}</extra>",
            )
            for one in bars
        ]
    )
    figure.update_layout(
        layout(height=220),
        barmode="relative",
        bargap=0.15,
        showlegend=len(bars) > 1,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        margin={"l": 8, "r": 8, "t": 40 if len(bars) > 1 else 8, "b": 8},
        xaxis={
            "type": "category", "showgrid": False, "fixedrange": True, "automargin": True, "nticks": 8,
            "linecolor": "var(--line-control)",
        },
        yaxis={
            "fixedrange": True, "automargin": True, "gridcolor": "var(--line)", "zeroline": True,
            "zerolinecolor": "var(--line-control)", "nticks": 5,
        },
    )  # fmt: skip
    return as_json(figure)


def layout(*, height: int) -> dict[str, Any]:
    return {
        "height": height,
        "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
        "showlegend": False,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "var(--font)", "size": 14, "color": "var(--ink)"},
        "hoverlabel": {
            "bgcolor": "var(--ground)",
            "bordercolor": "var(--line-control)",
            "font": {"family": "var(--font)", "color": "var(--ink)"},
        },
        "dragmode": False,
        "separators": f",{formats.NARROW}" if formats.is_french() else ".,",
    }


def as_json(figure: go.Figure) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(figure.to_json())
    answer["layout"].pop("template", None)  # 7 kB of defaults that the layout above sets itself
    return answer
