"""A zone's hours as data: JSON with numbers as text, and rows for CSV."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ledger.domain.jcs import moment
from pricing.domain.declared import plain
from pricing.domain.hourly.filling import Coverage
from pricing.models import HourlyImport
from pricing.selectors import hourly_charts
from pricing.selectors.hourly import Hourly, Hours
from pricing.selectors.open_data import text

CSV_COLUMNS = ["zone", "hour_utc", "value", "unit", "kind", "basis", "source", "file_sha256"]


def hourly_json(found: Hourly) -> dict[str, Any]:
    """Shares are ratios. `basis` says how a value came about: docs/hourly-inputs.md."""
    return {
        "zone": found.zone,
        "since": moment(found.start),
        "until": moment(found.end),
        "as_of": moment(found.as_of) if found.as_of else None,
        "series": {str(kind): _series(hours) for kind, hours in found.series.items()},
    }


def with_charts(found: Hourly) -> dict[str, Any]:
    charts = {
        "price": hourly_charts.price_figure(found),
        "intensity": hourly_charts.intensity_figure(found),
    }
    return hourly_json(found) | {"charts": charts}


def hourly_rows(found: Hourly) -> Iterator[list[str]]:
    """A line for each hour and quantity, those without a figure too."""
    yield CSV_COLUMNS
    for kind, series in found.series.items():
        origins = {origin.pk: origin for origin in series.origins}
        for hour in series.hours:
            origin = origins.get(hour.origin)
            yield [
                found.zone,
                f"{hour.start:%Y-%m-%dT%H:%MZ}",
                "" if hour.value is None else plain(hour.value),
                series.unit,
                str(kind),
                str(hour.basis or "missing"),
                text(origin.source) if origin else "",
                origin.sha256 if origin else "",
            ]


def _series(series: Hours) -> dict[str, Any]:
    return {
        "unit": series.unit,
        "mean": _number(series.mean),
        "coverage": _coverage(series.coverage),
        "sources": [_source(origin) for origin in series.origins],
        "stand_ins": [
            {
                "country": one.country,
                "year": one.year,
                "value": plain(one.g_per_kwh),
                "origin": _source(one.origin),
            }
            for one in series.stand_ins
        ],
        "hours": [
            {
                "hour": moment(hour.start),
                "value": _number(hour.value),
                "basis": str(hour.basis) if hour.basis else None,
            }
            for hour in series.hours
        ],
    }


def _coverage(cover: Coverage) -> dict[str, Any]:
    return {
        "hours": cover.hours,
        "reported": cover.reported,
        "estimated": cover.estimated,
        "missing": cover.missing,
        "reported_share": plain(round(cover.reported_share, 6)),
    }


def _source(origin: HourlyImport) -> dict[str, Any]:
    return {
        "source": origin.source,
        "licence": origin.licence,
        "file": origin.file_name,
        "sha256": origin.sha256,
        "imported_at": moment(origin.at),
        "ledger_entry": origin.entry.index if origin.entry else None,
    }


def _number(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)
