"""The charts of a zone's hours, as Plotly figures in JSON; the tables on the page say the same."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
from django.utils.translation import gettext as _

from pricing.domain.hourly.filling import Hour
from pricing.domain.hourly.values import Basis
from pricing.selectors.charts import as_json, layout
from pricing.selectors.hourly import Hourly, Hours

_HEIGHT = 260


def price_figure(found: Hourly) -> dict[str, Any]:
    figure = _figure([(_("Price"), found.price, "solid")])
    figure.update_layout(yaxis={**_Y, "zeroline": True, "zerolinecolor": "var(--line-control)"})
    return as_json(figure)


def intensity_figure(found: Hourly) -> dict[str, Any]:
    figure = _figure([(_("Lifecycle"), found.lifecycle, "solid"), (_("Direct"), found.direct, "dash")])
    figure.update_layout(yaxis={**_Y, "rangemode": "tozero"})
    return as_json(figure)


_Y = {
    "fixedrange": True,
    "automargin": True,
    "gridcolor": "var(--line)",
    "zeroline": False,
    "nticks": 5,
}


def _figure(lines: list[tuple[str, Hours, str]]) -> go.Figure:
    figure = go.Figure()
    for name, series, dash in lines:
        if series.coverage.hours > series.coverage.missing:
            figure.add_trace(_line(name, series, dash))
    estimates = [
        hour
        for _name, series, _dash in lines
        for hour in series.hours
        # What stands in for a year is one line, and said beneath.
        if hour.is_estimate and hour.basis is not Basis.YEARLY
    ]
    if estimates:
        figure.add_trace(_estimates(estimates))
    figure.update_layout(
        layout(height=_HEIGHT),
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        margin={"l": 8, "r": 8, "t": 40, "b": 8},
        xaxis={
            "type": "date", "showgrid": False, "fixedrange": True, "automargin": True,
            "linecolor": "var(--line-control)",
        },
    )  # fmt: skip
    return figure


def _line(name: str, series: Hours, dash: str) -> go.Scatter:
    """An hour is a step: its value holds from its beginning to the next."""
    return go.Scatter(
        name=name,
        x=[_moment(hour) for hour in series.hours],
        y=[None if hour.value is None else float(hour.value) for hour in series.hours],
        mode="lines",
        line={"shape": "hv", "width": 1.5, "color": "var(--data)", "dash": dash},
        connectgaps=False,
        hovertemplate="%{x|%d/%m %H:%M} UTC<br>%{y:.2f} " + series.unit + "<extra></extra>",
    )


def _estimates(hours: list[Hour]) -> go.Scatter:
    return go.Scatter(
        name=_("Estimated"),
        x=[_moment(hour) for hour in hours],
        y=[float(hour.value) for hour in hours if hour.value is not None],
        mode="markers",
        marker={"symbol": "circle-open", "size": 6, "color": "var(--data)"},
        hoverinfo="skip",
    )


def _moment(hour: Hour) -> str:
    """Without an offset, which Plotly would turn into the browser's own time."""
    return f"{hour.start:%Y-%m-%dT%H:%M}"
