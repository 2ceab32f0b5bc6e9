"""What a node told of itself as figures over time, for its owner: heartbeats, temperature, power, load."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import plotly.graph_objects as go
from django.utils import timezone
from django.utils.translation import gettext as _

from common.api.shapes import moment
from nodes.domain.lease import HEARTBEAT_EVERY
from nodes.domain.samples import minute_of
from nodes.models import Node, NodeSample
from pricing.selectors.charts import as_json, layout

SPANS = {"day": timedelta(days=1), "fortnight": timedelta(days=14)}
_HEIGHT = 220
_DASHES = ("solid", "dash", "dot", "dashdot")
_MINUTE = timedelta(minutes=1)


def samples_of(node: Node, *, span: str, at: datetime) -> list[NodeSample]:
    since = at - SPANS[span]
    return list(NodeSample.objects.filter(node=node, minute__gte=since).order_by("minute"))


def samples_json(node: Node, *, span: str, at: datetime) -> dict[str, Any]:
    """The rows as they are kept, and the figures that the page draws of them."""
    rows = samples_of(node, span=span, at=at)
    return {
        "node": node.slug,
        "at": moment(at),
        "heartbeats_expected_per_minute": _MINUTE // HEARTBEAT_EVERY,
        "samples": [sample_json(row) for row in rows],
        "charts": {
            # The running minute has not had all of its own yet.
            "heartbeats": heartbeats_figure([row for row in rows if row.minute < minute_of(at)]),
            "temperature": devices_figure(rows, "temperature_c", "°C"),
            "power": devices_figure(rows, "power_w", "W"),
            "load": load_figure(rows),
        },
    }


def sample_json(row: NodeSample) -> dict[str, Any]:
    return {
        "minute": moment(row.minute),
        "heartbeats": row.heartbeats,
        "cpu_percent": row.cpu_percent,
        "memory_used_bytes": row.memory_used_bytes,
        "disk_free_bytes": row.disk_free_bytes,
        "clock_offset_s": row.clock_offset_s,
        "gpus": row.gpus,
    }


def heartbeats_figure(rows: Sequence[NodeSample]) -> dict[str, Any]:
    """Six a minute while all is well."""
    return _figure([_line(rows, lambda row: row.heartbeats, _("Heartbeats a minute"), "", 0)])


def devices_figure(rows: Sequence[NodeSample], name: str, unit: str) -> dict[str, Any]:
    """A line for each device that has ever told it."""
    indexes = sorted({gpu["index"] for row in rows for gpu in row.gpus if gpu.get(name) is not None})
    return _figure(
        [
            _line(rows, _of_device(index, name), _("Device %s") % index, f" {unit}", place)
            for place, index in enumerate(indexes)
        ]
    )


def load_figure(rows: Sequence[NodeSample]) -> dict[str, Any]:
    cpu = _line(rows, lambda row: row.cpu_percent, _("Processor"), " %", 0)
    indexes = sorted({gpu["index"] for row in rows for gpu in row.gpus})
    devices = [
        _line(rows, _of_device(index, "utilisation_percent"), _("Device %s") % index, " %", place)
        for place, index in enumerate(indexes, start=1)
    ]
    return _figure([cpu, *devices])


def _of_device(index: int, name: str) -> Callable[[NodeSample], float | None]:
    return lambda row: next((gpu.get(name) for gpu in row.gpus if gpu["index"] == index), None)


def _line(
    rows: Sequence[NodeSample], value: Callable[[NodeSample], float | None], name: str, unit: str, place: int
) -> go.Scatter:
    x: list[str] = []
    y: list[float | None] = []
    before: datetime | None = None
    for row in rows:
        if before is not None and row.minute - before > _gap(rows):
            x.append(_said(before + _MINUTE))  # nobody was heard: the line breaks off
            y.append(None)
        x.append(_said(row.minute))
        y.append(value(row))
        before = row.minute
    return go.Scatter(
        name=name, x=x, y=y, mode="lines", connectgaps=False,
        line={"width": 1.5, "color": "var(--data)", "dash": _DASHES[place % len(_DASHES)]},
        hovertemplate="%{x|%d/%m %H:%M}<br>%{y}" + unit + "<extra>" + name + "</extra>",
    )  # fmt: skip


def _gap(rows: Sequence[NodeSample]) -> timedelta:
    """Older rows are further apart, which is no silence."""
    if not rows:
        return timedelta(0)
    oldest = rows[-1].minute - rows[0].minute
    return timedelta(minutes=3) if oldest <= timedelta(days=1, minutes=15) else timedelta(minutes=31)


def _figure(lines: Sequence[go.Scatter]) -> dict[str, Any]:
    figure = go.Figure(list(lines))
    figure.update_layout(
        layout(height=_HEIGHT),
        showlegend=len(lines) > 1,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        margin={"l": 8, "r": 8, "t": 40 if len(lines) > 1 else 8, "b": 8},
        xaxis={
            "type": "date", "showgrid": False, "fixedrange": True, "automargin": True,
            "linecolor": "var(--line-control)",
        },
        yaxis={
            "fixedrange": True, "automargin": True, "gridcolor": "var(--line)", "zeroline": False,
            "nticks": 5, "rangemode": "tozero",
        },
    )  # fmt: skip
    return as_json(figure)


def _said(minute: datetime) -> str:
    """In the reader's zone and without an offset, which Plotly would turn into the browser's."""
    return f"{timezone.localtime(minute):%Y-%m-%dT%H:%M}"
