"""A replay as a program reads it: JSON, the lines of its CSV, and what draws its chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import plotly.graph_objects as go
from django.utils.translation import gettext as _

from pricing.selectors.charts import as_json, layout
from reservations.domain import exact_json
from reservations.domain.flips import Outcome, Side, Tally
from reservations.models import PolicyReplay

_HEIGHT = 300


def replay_json(replay: PolicyReplay, *, is_whole: bool = True) -> dict[str, Any]:
    """The outcome with what it is of. The `outcome` alone is what the digest is taken of."""
    return {
        "replay": str(replay.uid),
        "version": replay.version.version if replay.version else None,
        "draft": str(replay.draft) if replay.draft else None,
        "policy": replay.rules,
        "engine": replay.engine,
        "since": exact_json.moment(replay.since),
        "asked_at": exact_json.moment(replay.asked_at),
        "done": replay.done,
        "total": replay.total,
        "is_over": replay.finished_at is not None,
        "digest": replay.digest,
        "outcome": replay.outcome if is_whole else None,
    }


def charts(replay: PolicyReplay) -> dict[str, Any]:
    """As Plotly figures; the tables of the page have the same figures."""
    if not replay.outcome:
        return {}
    outcome = Outcome.from_json(replay.outcome)
    return {"weeks": _weeks_figure(outcome.weeks)}


CSV_HEADER = (
    "decision", "digest", "decided_at", "project_class", "device_hours", "before", "before_rules", "after",
    "after_rules",
)  # fmt: skip


def csv_lines(replay: PolicyReplay) -> Iterator[Sequence[str]]:
    """Every decision that flips."""
    yield CSV_HEADER
    for one in Outcome.from_json(replay.outcome).flipped if replay.outcome else ():
        yield (
            one.decision, one.digest, exact_json.moment(one.decided_at), one.project_class,
            str(one.device_hours), one.before.outcome, _codes(one.before), one.after.outcome,
            _codes(one.after),
        )  # fmt: skip


def _codes(side: Side) -> str:
    return " ".join(rule.code for rule in side.refusing)


def whole_step(most: int) -> int:
    """Between ticks of a count: 1, 2 or 5, or tens of them, so that there are about five."""
    steps = (digit * int(10**zeros) for zeros in count() for digit in (1, 2, 5))
    return next(step for step in steps if most <= 5 * step)


def _weeks_figure(weeks: Sequence[Tally]) -> dict[str, Any]:
    names = [one.key for one in weeks]
    series = (
        (_("Granted then, refused now"), [one.lost for one in weeks], "x"),
        (_("Refused then, granted now"), [one.won for one in weeks], ""),
    )
    figure = go.Figure([_bar(name, names, values, shape) for name, values, shape in series])
    figure.update_layout(
        layout(height=_HEIGHT),
        barmode="stack",
        hovermode="x unified",
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        margin={"l": 8, "r": 8, "t": 64, "b": 8},
        xaxis={
            "type": "category", "showgrid": False, "fixedrange": True, "automargin": True,
            "linecolor": "var(--line-control)",
        },
        yaxis={
            "rangemode": "tozero", "tickformat": "d", "fixedrange": True, "automargin": True,
            "gridcolor": "var(--line)", "zeroline": False,
            "tick0": 0, "dtick": whole_step(max((one.lost + one.won for one in weeks), default=0)),
        },
    )  # fmt: skip
    return as_json(figure)


def _bar(name: str, weeks: Sequence[str], values: Sequence[int], shape: str) -> go.Bar:
    pattern = {"shape": shape, "bgcolor": "var(--ground)", "size": 6, "solidity": 0.3}
    return go.Bar(
        name=name, x=list(weeks), y=list(values), hovertemplate="%{y}<extra>%{fullData.name}</extra>",
        marker={"color": "var(--data)", "line": {"width": 1, "color": "var(--data)"}, "pattern": pattern},
    )  # fmt: skip
