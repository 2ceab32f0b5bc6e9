"""A report as one HTML file with its charts: nothing is fetched, so it can be mailed and kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any

from django.conf import settings

from reservations.domain.laboratory.experiment import Report
from reservations.domain.laboratory.outcomes import Outcome, Window
from reservations.management.laboratory.table import NAMES, lines_of, time_of

Reads = Callable[[Window], Decimal | None]

# Okabe and Ito's colours: told apart by whoever does not see red and green as others do.
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9")
# Beyond these a chart by project is a grey block; the table has all.
_MOST_PROJECTS = 30
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
h1 { overflow-wrap: anywhere; }
th, td { padding: .25rem .75rem; text-align: right; border-bottom: 1px solid #8888; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
.wide { overflow-x: auto; }
pre { overflow-x: auto; font-size: .85rem; }
figure { margin: 1rem 0 2rem; }
"""
_SCRIPT = """
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
const font = { color: dark ? "#eee" : "#222" };
const look = { paper_bgcolor: "transparent", plot_bgcolor: "transparent", font };
for (const figure of document.querySelectorAll("[data-figure]")) {
  const { data, layout } = JSON.parse(document.getElementById(figure.dataset.figure).textContent);
  Plotly.newPlot(figure, data, { ...layout, ...look }, { responsive: true, displayModeBar: false });
}
"""


def page_of(report: Report, *, title: str) -> str:
    plotly = Path(settings.BASE_DIR, "static/vendor/plotly/plotly-basic.min.js").read_text("utf-8")
    body = "\n".join(_body(report, title))
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)} - policy laboratory</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n<script>{plotly}</script>\n<script>{_SCRIPT}</script>\n</body>\n</html>\n"
    )


def _body(report: Report, title: str) -> Iterator[str]:
    yield f"<h1>Policy laboratory: {escape(title)}</h1>"
    yield f"<pre>{escape(chr(10).join(lines_of(report)))}</pre>"
    for number, (heading, note, figure) in enumerate(_figures(report)):
        yield f"<h2>{escape(heading)}</h2>\n<p>{escape(note)}</p>"
        yield f'<figure data-figure="figure-{number}"></figure>'
        data = json.dumps(figure, sort_keys=True).replace("<", "\\u003c")
        yield f'<script type="application/json" id="figure-{number}">{data}</script>'
    yield "<h2>By project</h2>\n<p>Cost-weighted hours.</p>"
    yield from _table(
        ("project", "class", "shares", "wanted", "entitled", *(NAMES[one.name] for one in report.outcomes)),
        _project_rows(report.outcomes),
    )
    yield "<h2>Waits by class</h2>"
    yield from _table(
        ("policy", "class", "started", "refused", "mean", "median", "90 %", "99 %", "slowdown"),
        _wait_rows(report.outcomes),
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield '<div class="wide"><table>'
    yield "<thead><tr>" + "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head) + "</tr></thead>"
    for row in rows:
        yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
    yield "</table></div>"


def _project_rows(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, ...]]:
    for rows in zip(*(outcome.projects for outcome in outcomes), strict=True):
        first = rows[0]
        yield (
            first.project, first.project_class, str(first.shares), _hours(first.wanted),
            _hours(first.entitled), *(_hours(row.delivered) for row in rows),
        )  # fmt: skip


def _wait_rows(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, ...]]:
    for outcome in outcomes:
        for waits in outcome.waits:
            yield (
                NAMES[outcome.name], waits.project_class, f"{waits.jobs:,}", f"{waits.refused:,}",
                time_of(waits.mean), time_of(waits.median), time_of(waits.ninety),
                time_of(waits.ninety_nine), f"{waits.slowdown:.1f}",
            )  # fmt: skip


def _hours(amount: Decimal) -> str:
    return f"{amount:,.1f}"


# --- charts -------------------------------------------------------------------------------------------
def _figures(report: Report) -> Iterator[tuple[str, str, dict[str, Any]]]:
    outcomes = report.outcomes
    yield (
        "Waits", "Hours from when a job was ready until it started, of those that started.",
        _figure([_waits(*one) for one in _coloured(outcomes)], "hours", barmode="group"),
    )  # fmt: skip
    yield (
        "Delivered of entitled, by project",
        "1 is what weighted max-min of capacity over demand gives a project, half-life by half-life."
        f" The {_MOST_PROJECTS} projects entitled to most.",
        _figure([_shares(*one) for one in _coloured(outcomes)], "delivered / entitled"),
    )
    yield (
        "Jain's index by half-life", "1 where all had the same part of what they were entitled to.",
        _figure([_bars(*one, lambda window: window.jain) for one in _coloured(outcomes)], "index"),
    )  # fmt: skip
    yield (
        "Use by half-life", "The part of the cluster's cost-weighted hours that jobs ran in.",
        _figure(
            [_bars(*one, lambda window: window.delivered / window.capacity) for one in _coloured(outcomes)],
            "used",
        ),
    )  # fmt: skip
    yield (
        "The floor by half-life", "Cost-weighted hours of projects of public interest.",
        _figure(_floor(outcomes), "hours"),
    )  # fmt: skip


def _coloured(outcomes: Sequence[Outcome]) -> Iterator[tuple[Outcome, str]]:
    return zip(outcomes, _COLOURS, strict=False)


def _figure(data: list[dict[str, Any]], axis: str, **layout: Any) -> dict[str, Any]:
    return {
        "data": data,
        "layout": {
            "height": 380, "margin": {"t": 10, "r": 10},
            "xaxis": {"type": "category", "gridcolor": "#8884"},
            "yaxis": {"title": {"text": axis}, "rangemode": "tozero", "gridcolor": "#8884"},
            "legend": {"orientation": "h", "y": -0.2}, **layout,
        },
    }  # fmt: skip


def _waits(outcome: Outcome, colour: str) -> dict[str, Any]:
    waits = outcome.waits[0]
    shown = (waits.mean, waits.median, waits.ninety, waits.ninety_nine)
    return {
        "type": "bar", "name": NAMES[outcome.name], "marker": {"color": colour},
        "x": ["mean", "half", "90 %", "99 %"], "y": [round(float(wait) / 3600, 3) for wait in shown],
    }  # fmt: skip


def _shares(outcome: Outcome, colour: str) -> dict[str, Any]:
    first = sorted(outcome.projects, key=lambda one: (-one.entitled, one.project))[:_MOST_PROJECTS]
    told = [one for one in first if one.entitled]
    return {
        "type": "scatter", "mode": "markers", "name": NAMES[outcome.name],
        "marker": {"color": colour, "size": 9},
        "x": [one.project for one in told],
        "y": [round(float(one.delivered / one.entitled), 4) for one in told],
    }  # fmt: skip


def _bars(outcome: Outcome, colour: str, read: Reads) -> dict[str, Any]:
    return {
        "type": "bar", "name": NAMES[outcome.name], "marker": {"color": colour},
        "x": [_day(window.start) for window in outcome.windows],
        "y": [None if amount is None else round(float(amount), 4) for amount in map(read, outcome.windows)],
    }  # fmt: skip


def _floor(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    first = outcomes[0].windows
    days = [_day(window.start) for window in first]
    told = [
        {"type": "scatter", "mode": "lines+markers", "name": name, "x": days, "y": amounts,
         "line": {"dash": "dot", "color": "#888888"}, "marker": {"symbol": symbol, "size": 10}}
        for name, symbol, amounts in (
            ("promised", "diamond", [float(window.floor_promised) for window in first]),
            ("wanted", "cross", [float(window.floor_demanded) for window in first]),
        )
    ]  # fmt: skip
    lines = (_bars(*one, lambda window: window.floor_delivered) for one in _coloured(outcomes))
    return [*lines, *told]


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
