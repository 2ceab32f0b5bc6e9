"""A node's costs for programs: every figure of the page, as JSON and as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ledger.domain.jcs import moment
from ledger.models import Entry
from pricing.domain.exact import plain
from pricing.models import CostStatement, Tariff
from pricing.selectors import open_data
from pricing.selectors.costs.by_hour import ByHour, Window
from pricing.selectors.costs.changes import Change
from pricing.selectors.costs.clock import carbon_figure, clock_rows, cost_figure
from pricing.selectors.costs.figures import Worked
from pricing.selectors.costs.page import CostsPage
from pricing.selectors.costs.prices import Repricing
from pricing.selectors.costs.public_money import PublicMoney
from pricing.selectors.flags import flag_json

UNIT = open_data.UNIT
_YEAR = "EUR a year for the node"


def costs_json(page: CostsPage, *, with_charts: bool = False) -> dict[str, Any]:
    """What the node's own JSON has, as it stood, and how it comes about."""
    node = open_data.node_json(page.figures)
    charts = node.pop("charts")
    answer = node | {
        "as_of": moment(page.asked) if page.asked else None,
        "in_words": page.figures.in_words,
        "worked": _worked(page.worked) if page.worked else None,
        "public_money": _public(page),
        "changes": [_change(one) for one in page.changes],
        "price_changes": [_repricing(one) for one in page.repricings],
        "withdrawals": [
            {
                "statement": one.statement.number,
                "ends_at": moment(one.ends_at),
                "withdrawn_at": moment(one.withdrawn_at),
                "reason": one.reason,
                "ledger_entry": _entry(one.entry),
            }
            for one in page.withdrawals
        ],
        "evidence": [
            {
                "url": row.evidence.get_absolute_url(),
                "title": row.evidence.title,
                "part": row.part or None,
                "kind": row.kind,
                "bytes": row.evidence.size,
                "sha256": row.evidence.sha256,
                "visibility": row.evidence.visibility,
                "is_redacted": row.is_redacted,
                "attached_at": moment(row.attached_at),
                "ledger_entry": _entry(row.entry),
            }
            for row in page.behind.evidence
        ],
        "shared_costs": [
            {
                "url": part.url,
                "name": part.name,
                "share": plain(part.share),
                "amount_year": plain(part.amount_year),
            }
            for part in page.behind.pools
        ],
        "by_hour_of_day": _by_hour(page.hours) if page.hours else None,
        "flags": None if page.asked else [flag_json(one) for one in page.flags],
        "citation": page.citation or None,
        "address": page.address,
    }
    if with_charts:
        answer["charts"] = charts | _clock_charts(page.hours)
    return answer


def _entry(entry: Entry) -> dict[str, Any]:
    """Where the ledger holds it; an index comes when the entry is sequenced, seconds later."""
    url = None if entry.index is None else entry.get_absolute_url()
    return {"id": str(entry.uid), "index": entry.index, "url": url}


def _clock_charts(found: ByHour | None) -> dict[str, Any]:
    if found is None or found.is_empty:
        return {}
    rows = clock_rows(found)
    figures = {}
    if any(row.cost is not None for row in rows):
        figures["cost_by_hour"] = cost_figure(rows)
    if any(row.carbon is not None for row in rows):
        figures["carbon_by_hour"] = carbon_figure(rows)
    return figures


def _worked(worked: Worked) -> dict[str, Any]:
    return {
        "hours": [{"formula": one.formula, "result": one.result} for one in worked.hours],
        "delivered_device_hours": plain(worked.device_hours),
        "components": [
            {
                "code": line.code,
                "label": line.label,
                "year": plain(line.year),
                "hour": plain(line.hour),
                "source": line.source or None,
                "terms": [{"formula": term.formula, "year": plain(term.year)} for term in line.terms],
            }
            for line in worked.lines
        ],
        "not_charged": [{"label": one.formula, "year": plain(one.year)} for one in worked.public],
        "sums": [
            {"code": one.code, "label": one.label, "formula": one.formula, "hour": plain(one.hour)}
            for one in worked.sums
        ],
    }


def _public(page: CostsPage) -> dict[str, Any] | None:
    money = page.public_money
    if money is None:
        return None
    return {
        "hour": plain(money.hour),
        "share_of_hour": ratio(money.share),
        "share_of_purchase": plain(money.of_purchase),
        "sources": [
            {"name": one.name, "hour": plain(one.hour), "share_of_hour": ratio(one.share)}
            for one in money.sources
        ],
    }


def _change(change: Change) -> dict[str, Any]:
    rows = [*change.rows, *([change.hours] if change.hours else [])]
    return {
        "from_statement": change.old.number,
        "to_statement": change.new.number,
        "effective_from": moment(change.new.effective_from),
        "published_at": moment(change.new.published_at),
        "corrects": change.corrects,
        "reason": change.reason or None,
        "ledger_entry": _entry(change.new.entry),
        "rows": [
            {
                "code": row.code,
                "label": row.label,
                "unit": "device-hours a year" if row.code == "hours" else UNIT,
                "old": plain(row.old),
                "new": plain(row.new),
                "difference": plain(row.difference),
            }
            for row in rows
        ],
    }


def _repricing(one: Repricing) -> dict[str, Any]:
    """`reason` as it was published; `told` in words, with the exception and what went into the price."""
    exception = one.new.exception
    return {
        "from_tariff": one.old.number,
        "to_tariff": one.new.number,
        "effective_from": moment(one.new.effective_from),
        "published_at": moment(one.new.published_at),
        "old": plain(one.old.price),
        "new": plain(one.new.price),
        "difference": plain(one.difference),
        "reason": one.new.reason or None,
        "exception": str(exception.uid) if exception else None,
        "told": one.reasons,
        "ledger_entry": _entry(one.new.entry),
    }


def _by_hour(found: ByHour) -> dict[str, Any]:
    embodied = found.embodied
    return {
        "zone": found.zone,
        "time_zone": found.time_zone,
        "unit_of_cost": UNIT,
        "unit_of_carbon": "gCO2e per device-hour",
        "kilowatts": plain(found.kilowatts),
        "pue": plain(found.pue),
        "devices": found.devices,
        "price": _window(found.price),
        "intensity": _window(found.intensity),
        "intensity_stand_in": {
            "country": found.stand_in.country,
            "year": found.stand_in.year,
            "g_per_kwh": plain(found.stand_in.g_per_kwh),
            "source": found.stand_in.origin.source,
        }
        if found.stand_in
        else None,
        "embodied": {name: _rounded(getattr(embodied, name)) for name in ("grams", "lowest", "highest")}
        if embodied
        else None,
        "rows": [
            {
                "hour": row.hour,
                "cost": _rounded(row.cost),
                "operational": _rounded(row.operational),
                "embodied": _rounded(row.embodied),
                "carbon": _rounded(row.carbon),
                "known_prices": row.known_prices,
                "known_intensities": row.known_intensities,
            }
            for row in found.rows
        ],
    }


def _window(window: Window | None) -> dict[str, Any] | None:
    if window is None:
        return None
    return {
        "start": moment(window.start),
        "end": moment(window.end),
        "hours": window.hours,
        "hours_known": window.known,
        "hours_estimated_by_source": window.estimated,
        "sources": list(window.sources),
    }


def ratio(value: Decimal) -> str:
    return plain(round(value, 6))


def _rounded(value: Decimal | None) -> str | None:
    return None if value is None else plain(round(value, 6))


# --- as a table ---------------------------------------------------------------------------------------
HEADER = ["as_of", "part", "record", "effective_from", "figure", "value", "unit", "told"]
_VALUE = HEADER.index("value")


def costs_csv(page: CostsPage) -> list[list[str]]:
    """One figure a row; `told` is its formula, reason or source."""
    at = moment(page.at)
    return [HEADER, *(_safe([at, *row]) for row in _rows(page))]


def _safe(row: list[str]) -> list[str]:
    """Text stays text in a spreadsheet; the figure is a number, below zero too."""
    return [cell if column == _VALUE else open_data.text(cell) for column, cell in enumerate(row)]


def _rows(page: CostsPage) -> Iterator[list[str]]:
    for step in page.figures.waterfall:
        yield ["waterfall", "", "", step.code, plain(step.amount), UNIT, step.label]
    yield from _worked_rows(page.worked)
    yield from _public_rows(page.public_money)
    for change in page.changes:
        yield from _changed_rows(change)
    for priced in page.repricings:
        yield _repriced_row(priced)
    history: list[CostStatement | Tariff] = [*page.figures.statements, *page.figures.tariffs]
    for row in history:
        yield from _history_rows(row)
    yield from _clock_rows(page.hours)
    for one in page.behind.evidence:
        yield ["evidence", "", moment(one.attached_at), one.part or "all", one.evidence.sha256, "SHA-256",
               one.evidence.title]  # fmt: skip


def _public_rows(money: PublicMoney | None) -> Iterator[list[str]]:
    for source in money.sources if money else ():
        yield ["public_money", "", "", source.name, plain(source.hour), UNIT, ""]


def _worked_rows(worked: Worked | None) -> Iterator[list[str]]:
    if worked is None:
        return
    yield ["worked", "", "", "delivered_device_hours", plain(worked.device_hours), "device-hours a year", ""]
    for line in worked.lines:
        for term in line.terms:
            yield ["worked", "", "", line.code, plain(term.year), _YEAR, term.formula]
        yield ["worked", "", "", f"{line.code}.year", plain(line.year), _YEAR, line.source]
        yield ["worked", "", "", f"{line.code}.hour", plain(line.hour), UNIT, ""]
    for one in worked.sums:
        yield ["worked", "", "", one.code, plain(one.hour), UNIT, one.formula]


def _changed_rows(change: Change) -> Iterator[list[str]]:
    record, since = f"{change.old.number} to {change.new.number}", moment(change.new.effective_from)
    for row in change.rows:
        yield ["change", record, since, row.code, plain(row.difference), UNIT, change.reason]
    if change.hours:
        hours = change.hours
        yield ["change", record, since, hours.code, plain(hours.difference), "device-hours a year", ""]


def _repriced_row(one: Repricing) -> list[str]:
    record, since = f"{one.old.number} to {one.new.number}", moment(one.new.effective_from)
    return ["price_change", record, since, "price", plain(one.difference), UNIT, " ".join(one.reasons)]


def _history_rows(row: CostStatement | Tariff) -> Iterator[list[str]]:
    since, number = moment(row.effective_from), str(row.number)
    told = "called off" if row.is_called_off else row.reason
    if isinstance(row, Tariff):
        yield ["tariff", number, since, "price", plain(row.price), UNIT, told]
        return
    for name in ("full_delivered", "chargeable_delivered"):
        yield ["cost_statement", number, since, name, plain(getattr(row, name)), UNIT, told]


def _clock_rows(found: ByHour | None) -> Iterator[list[str]]:
    for row in found.rows if found else ():
        o_clock = f"{row.hour:02d}:00"
        for name, unit in (("cost", UNIT), ("operational", "gCO2e"), ("embodied", "gCO2e")):
            value = _rounded(getattr(row, name))
            if value is not None:
                yield ["by_hour_of_day", o_clock, "", name, value, unit, ""]
