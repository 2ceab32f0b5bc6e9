"""Published prices and costs as data: JSON with numbers as text, and rows for CSV.

Text that a spreadsheet would run as a formula is marked as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse

from ledger.domain.jcs import moment
from ledger.models import Entry
from pricing import files
from pricing.domain.declared import plain
from pricing.domain.market.comparing import Dated
from pricing.models import CostStatement, Tariff
from pricing.selectors import charts
from pricing.selectors.caps import Bound
from pricing.selectors.market.offers import Beside
from pricing.selectors.node import NodePage
from pricing.selectors.prices import PriceRow, PricesPage

UNIT = "EUR per device-hour"
# OWASP, "CSV Injection": what makes a spreadsheet take a cell for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

_PRICE_COLUMNS = (
    "price",
    "fee",
    "to_pay",
    "full_delivered",
    "full_available",
    "chargeable_delivered",
    "chargeable_available",
)
_TEXT_COLUMNS = ("slug", "node", "device", "device_kind", "owner", "site", "country", "zone")


def prices_json(page: PricesPage) -> dict[str, Any]:
    """Every listed node with a price; markups and shares are ratios, 0.1 is 10 %."""
    return {
        "at": moment(page.at),
        "as_of": moment(page.as_of) if page.as_of else None,
        "unit": UNIT,
        "currency": "EUR",
        "tax": "before VAT",
        "count": len(page.rows),
        "prices": [price_json(row, is_now=page.as_of is None) for row in page.rows],
    }


def prices_csv(page: PricesPage) -> list[list[str]]:
    header = [
        *_TEXT_COLUMNS,
        "owner_is_public",
        "devices",
        "memory_bytes",
        *(f"{name}_eur_per_device_hour" for name in _PRICE_COLUMNS),
        "markup_on_full_cost_ratio",
        "markup_on_chargeable_cost_ratio",
        "publicly_funded_share_of_purchase",
        "statement_number",
        "statement_effective_from",
        "statement_sha256",
        "tariff_number",
        "tariff_effective_from",
        "tariff_sha256",
        "devices_free",
        "free_from",
        *MARKET_COLUMNS,
    ]
    is_now = page.as_of is None
    return [header, *(_price_row(row, is_now=is_now) for row in page.rows)]


def price_json(row: PriceRow, *, is_now: bool = True) -> dict[str, Any]:
    """Of a moment of the past nothing is said of free devices."""
    return {
        **{name: getattr(row, name) for name in _TEXT_COLUMNS},
        "url": row.url,
        "owner_is_public": row.owner_is_public,
        "devices": row.device_count,
        "devices_free": row.devices_free if is_now else None,
        "free_from": moment(row.free_from) if row.free_from else None,
        "memory_bytes": row.memory_bytes,
        **{name: plain(getattr(row, name)) for name in _PRICE_COLUMNS},
        "markup_on_full_cost": _ratio(row.markup_full),
        "markup_on_chargeable_cost": _ratio(row.markup_chargeable),
        "publicly_funded_share": plain(row.publicly_funded_share),
        "statement": _published(row.statement_number, row.statement_from, row.statement_digest),
        "tariff": _published(row.tariff_number, row.tariff_from, row.tariff_digest),
        "is_withdrawn": row.is_withdrawn,
        "market_key": row.market_key,
        "list_price": market_json(row.market) if row.market else None,
    }


MARKET_COLUMNS = (
    "list_price_kind",
    "list_price_lowest_eur_per_device_hour",
    "list_price_median_eur_per_device_hour",
    "list_price_offers",
    "list_price_first_seen",
    "list_price_last_seen",
    "list_price_is_old",
    "list_price_rates",
)


def market_json(beside: Beside) -> dict[str, Any]:
    """What others ask for the same device; `rates` names each exchange rate that was used."""
    found = beside.found
    return {
        "kind": beside.kind,
        "lowest": plain(found.lowest),
        "median": plain(found.median),
        "offers": found.offers,
        "without_rate": found.without_rate,
        "first_seen": found.first.isoformat(),
        "last_seen": found.last.isoformat(),
        "is_old": found.is_old,
        "rates": [rate_json(rate) for rate in found.rates],
    }


def rate_json(rate: Dated) -> dict[str, str]:
    return {
        "currency": rate.currency,
        "per_eur": plain(rate.per_eur),
        "on": rate.on.isoformat(),
        "source": rate.source,
    }


def market_cells(beside: Beside | None) -> list[str]:
    if beside is None:
        return [""] * len(MARKET_COLUMNS)
    found = beside.found
    return [
        beside.kind,
        plain(found.lowest),
        plain(found.median),
        str(found.offers),
        found.first.isoformat(),
        found.last.isoformat(),
        "true" if found.is_old else "false",
        text("; ".join(rate_words(rate) for rate in found.rates)),
    ]


def rate_words(rate: Dated) -> str:
    """The same in all languages."""
    return f"1 EUR = {plain(rate.per_eur)} {rate.currency}, {rate.source}, {rate.on.isoformat()}"


def _published(number: int, since: datetime, digest: str) -> dict[str, Any]:
    return {"number": number, "effective_from": moment(since), "sha256": digest}


def _price_row(row: PriceRow, *, is_now: bool) -> list[str]:
    return [
        *(text(getattr(row, name)) for name in _TEXT_COLUMNS),
        "true" if row.owner_is_public else "false",
        str(row.device_count),
        str(row.memory_bytes),
        *(plain(getattr(row, name)) for name in _PRICE_COLUMNS),
        _ratio(row.markup_full) or "",
        _ratio(row.markup_chargeable) or "",
        plain(row.publicly_funded_share),
        str(row.statement_number),
        moment(row.statement_from),
        row.statement_digest,
        str(row.tariff_number),
        moment(row.tariff_from),
        row.tariff_digest,
        str(row.devices_free) if is_now else "",
        moment(row.free_from) if row.free_from else "",
        *market_cells(row.market),
    ]


def node_json(page: NodePage) -> dict[str, Any]:
    """All that was ever published about a node; `body` is what the digest is of (RFC 8785, SHA-256)."""
    node, rate = page.node, page.rate
    return {
        "at": moment(page.at),
        "unit": UNIT,
        "currency": "EUR",
        "tax": "before VAT",
        "node": {
            "id": str(node.uid),
            "slug": node.slug,
            "name": node.name,
            "state": node.state,
            "owner": node.owner.name,
            "owner_is_public": node.owner.is_public_body,
            "site": node.site.name,
            "country": node.site.country,
            "electricity_zone": node.site.electricity_zone,
            "pue": plain(node.site.pue),
        },
        "devices": [
            {"id": str(device.uid), "index": device.index, "kind": device.kind, "model": device.model,
             "memory_bytes": device.memory_bytes}
            for device in page.devices
        ],
        "price": plain(rate.price) if rate else None,
        "fee": plain(page.fee),
        "to_pay": plain(rate.to_pay) if rate else None,
        "cap": _cap(page.held, page.at) if page.held else None,
        "waterfall": [
            {"code": step.code, "label": step.label, "amount": plain(step.amount), "kind": step.kind}
            for step in page.waterfall
        ],
        "statements": [
            _row(row, files.statement_body(row, page.components.get(row.pk, []))) for row in page.statements
        ],
        "tariffs": [_row(row, files.tariff_body(row)) for row in page.tariffs],
        "charts": _charts(page),
    }  # fmt: skip


def _cap(held: Bound, at: datetime) -> dict[str, Any]:
    """The price in force by the pricing policy in force; None for `policy`: there is none.

    `is_above`: than the cap; `is_above_highest`: than what an exception allows, too.
    """
    until = held.excepted_until(at)
    return {
        "policy": held.policy.version if held.policy else None,
        "cap": plain(held.check.cap.share),
        "used_share": plain(held.check.used_share),
        "limit": plain(held.limit),
        "exception": str(held.exception.uid) if held.exception else None,
        "exception_until": moment(until) if until else None,
        "exception_reason": held.exception.reason if held.exception else None,
        "highest": plain(held.highest),
        "is_above": held.needs_exception,
        "is_above_highest": not held.passes,
    }


def _charts(page: NodePage) -> dict[str, Any]:
    """Plotly figures of what is published; no figure where there is nothing to draw."""
    figures = {}
    if page.waterfall:
        figures["waterfall"] = charts.waterfall_figure(page.waterfall)
    if page.statements:
        figures["history"] = charts.history_figure(page.statements, page.tariffs, at=page.at)
    return figures


def node_csv(page: NodePage) -> list[list[str]]:
    """One published figure a row, through all the node's statements and tariffs."""
    header = [
        "record",
        "number",
        "effective_from",
        "effective_until",
        "figure",
        "value",
        "unit",
        "record_sha256",
    ]
    rows = [line for row in page.statements for line in _statement_rows(row, page)]
    rows += [
        [*_key("tariff", tariff), name, plain(getattr(tariff, name)), UNIT, tariff.digest]
        for tariff in page.tariffs
        for name in ("price", "carried", "owner_adjustment")
    ]
    return [header, *rows]


def _statement_rows(statement: CostStatement, page: NodePage) -> Iterable[list[str]]:
    key = _key("cost_statement", statement)
    for name in files.HOURS:
        yield [*key, name, plain(getattr(statement, name)), "device-hours a year", statement.digest]
    for name in files.FIGURES:
        unit = "share of purchase" if name == "publicly_funded_share" else UNIT
        yield [*key, name, plain(getattr(statement, name)), unit, statement.digest]
    for line in page.components.get(statement.pk, []):
        for name in ("full_year", "chargeable_year"):
            value = plain(getattr(line, name))
            yield [*key, f"{line.kind}.{name}", value, "EUR a year for the node", statement.digest]


def _key(record: str, row: CostStatement | Tariff) -> Sequence[str]:
    until = row.effective_until
    return record, str(row.number), moment(row.effective_from), moment(until) if until else ""


def _row(row: CostStatement | Tariff, body: dict[str, Any]) -> dict[str, Any]:
    until = row.effective_until
    return {
        "body": body,
        "sha256": row.digest,
        "effective_until": moment(until) if until else None,
        "ledger_entry": _entry(row.entry),
    }


def _entry(entry: Entry) -> dict[str, Any]:
    """Where the ledger holds it; an index comes when the entry is sequenced, seconds later."""
    url = None if entry.index is None else reverse("ledger_entry", args=[entry.index])
    return {"id": str(entry.uid), "index": entry.index, "url": url}


def _ratio(value: Any) -> str | None:
    return None if value is None else plain(round(value, 6))


def text(value: str) -> str:
    """A cell that stays text in a spreadsheet."""
    return f"'{value}" if value.startswith(_FORMULA) else value
