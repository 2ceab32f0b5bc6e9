"""The sections of /fairness/ as files: the lines of its weeks as CSV and JSON, and what draws its charts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pricing.domain.exact import plain
from pricing.selectors.open_data import text
from reservations.domain import exact_json
from reservations.models import WeekSum
from reservations.selectors.fairness_weeks import Weeks, charts, written
from reservations.selectors.fairness_weeks.rows import named

Of = WeekSum.Of
Charts = Mapping[str, Callable[[Weeks], dict[str, Any]]]


@dataclass(frozen=True)
class Section:
    of: tuple[str, ...]
    columns: tuple[str, ...]  # beside week, of, key and name
    charts: Charts


SECTIONS: Mapping[str, Section] = {
    "accounts": Section(
        (Of.ACCOUNT, Of.ALL),
        ("promised", "demanded", "entitled", "delivered", "projects", "jain"),
        {"shares": lambda weeks: charts.shares_figure(weeks, Of.ACCOUNT), "jain": charts.jain_figure},
    ),
    "classes": Section(
        (Of.CLASS,),
        ("promised", "demanded", "delivered", "projects"),
        {"classes": lambda weeks: charts.shares_figure(weeks, Of.CLASS)},
    ),
    "floor": Section(
        (Of.MODEL, Of.NODE),
        ("bookable", "promised", "demanded", "delivered", "others"),
        {"floor": charts.floor_figure},
    ),
    "refusals": Section(
        (Of.RULE, Of.ALL), ("asked", "granted", "refused"), {"refusals": charts.refusals_figure}
    ),
    "first-slots": Section((Of.FIRST,), ("projects", "waiting", "median_hours", "ninetieth_hours"), {}),
    "concentration": Section((Of.OWNER, Of.COUNTRY), ("delivered",), {}),
}


def section_json(name: str, weeks: Weeks) -> dict[str, Any]:
    """Numbers are text, so that no digit is lost; without the charts this is what the CSV says."""
    section = SECTIONS[name]
    return {
        "section": name,
        "weeks": [_line(line, section) for line in written(weeks.of(*section.of))],
        "charts": {key: draw(weeks) for key, draw in section.charts.items()},
    }


def section_csv(name: str, weeks: Weeks) -> list[list[str]]:
    section = SECTIONS[name]
    lines = [_line(line, section) for line in written(weeks.of(*section.of))]
    head = ["week", "monday", "of", "key", "name", *section.columns, "counted_at"]
    return [head, *([_cell(line[column]) for column in head] for line in lines)]


def _line(line: WeekSum, section: Section) -> dict[str, Any]:
    return {
        "week": named(line.week),
        "monday": line.week.isoformat(),
        "of": line.of,
        "key": line.key or "*",  # those together that may not be told alone, or everything
        "name": line.name,
        **{column: _value(getattr(line, column)) for column in section.columns},
        "counted_at": exact_json.moment(line.counted_at),
    }


def _value(value: Decimal | int | None) -> str | int | None:
    return plain(value) if isinstance(value, Decimal) else value


def _cell(value: Any) -> str:
    return "" if value is None else text(str(value))


def tag(weeks: Weeks, *, language: str) -> str:
    """What an answer depends on: which weeks, when they were counted, and the language of its charts."""
    newest = max((line.counted_at for line in weeks.lines), default=None)
    return f"{len(weeks.lines)} {newest} {weeks.period} {weeks.running} {language}"
