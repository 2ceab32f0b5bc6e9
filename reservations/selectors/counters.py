"""What all projects hold together in the cells that a slot is counted in, and how much there is to book."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from psycopg.types.json import Jsonb

from common.holidays import holidays_within
from common.prepared import prepared
from reservations.domain import calendar
from reservations.domain.asking import CommerceCell, FloorCell, Snapshot
from reservations.domain.calendar import Calendar
from reservations.domain.counted import FLOOR, MODEL, NODE, Cell
from reservations.domain.periods import Period
from reservations.domain.rules import Case, compared_within
from reservations.domain.slots import Slot, Week

# One statement for all the models and nodes, whatever the weeks. A device can be booked where its node is
# listed, from when it was, and has a statement and a tariff in force. Sites of one time zone and country
# have the same peak hours, so their devices are counted together, as are those closed at the same time.
_BOOKABLE = """
WITH wanted AS MATERIALIZED (
    SELECT 'model' AS kind, model_key AS key, min(model) AS name, node_id, count(*) AS devices
      FROM nodes_device WHERE model_key = ANY(%(models)s) GROUP BY model_key, node_id
    UNION ALL
    SELECT 'node', node.slug, node.name, node.id,
           (SELECT count(*) FROM nodes_device WHERE node_id = node.id)
      FROM nodes_node node WHERE node.slug = ANY(%(nodes)s)
), on_sale AS MATERIALIZED (
    SELECT node.id, site.time_zone, site.country, statement.publicly_funded_share AS funded,
           greatest(node.listed_at, %(first)s) AS since
      FROM nodes_node node
      JOIN nodes_site site ON site.id = node.site_id
      JOIN pricing_coststatement statement
        ON statement.node_id = node.id AND statement.effective @> %(at)s::timestamptz
      JOIN pricing_tariff tariff ON tariff.node_id = node.id AND tariff.effective @> %(at)s::timestamptz
     WHERE node.state = 'listed' AND node.id IN (SELECT node_id FROM wanted)
), bookable AS (
    SELECT kind, key, time_zone, country, since, min(name) AS name, min(funded) AS funded,
           sum(devices)::integer AS devices
      FROM wanted JOIN on_sale ON on_sale.id = wanted.node_id
     GROUP BY kind, key, time_zone, country, since
), closure AS MATERIALIZED (
    SELECT device.node_id, device.model_key, lower(hold.during) AS begins, upper(hold.during) AS ends
      FROM nodes_hold hold JOIN nodes_device device ON device.id = hold.device_id
     WHERE hold.kind IN ('closure', 'owner') AND hold.during && tstzrange(%(first)s, %(last)s)
), closed AS (
    SELECT kind, key, time_zone, country, greatest(closure.begins, since) AS begins,
           least(closure.ends, %(last)s) AS ends, count(*) AS devices
      FROM closure
      JOIN wanted ON wanted.node_id = closure.node_id AND (kind = 'node' OR key = closure.model_key)
      JOIN on_sale ON on_sale.id = wanted.node_id
     WHERE closure.ends > since
     GROUP BY kind, key, time_zone, country, greatest(closure.begins, since), least(closure.ends, %(last)s)
), held AS (
    SELECT cell.* FROM reservations_sharedcell cell
      JOIN jsonb_to_recordset(%(cells)s) AS asked (rule text, kind text, key text, period text, band text)
     USING (rule, kind, key, period, band)
)
SELECT (SELECT json_agg(json_build_array(kind, key, time_zone, country, since, NULL, devices, name,
                                         funded::text)) FROM bookable),
       (SELECT json_agg(json_build_array(kind, key, time_zone, country, begins, ends, devices)) FROM closed),
       (SELECT json_agg(json_build_array(rule, kind, key, period, band, held_seconds::text)) FROM held)
"""


@dataclass(frozen=True)
class _Stretch:
    """So many devices from one moment on, to be booked or closed for as long as it lasts."""

    zone: str
    country: str
    since: datetime
    until: datetime | None
    devices: int

    def hours_in(self, whole: Slot, band: str, peak: Calendar | None) -> Fraction:
        part = Slot(self.since, self.until or whole.end).within(whole)
        if part is None:
            return Fraction(0)
        hours = part.hours if peak is None else _banded(peak, part, self.zone, self.country, band)
        return self.devices * hours


@dataclass(frozen=True)
class _Stock:
    """A model's or a node's devices: those on sale, and those of them that are closed at times."""

    name: str
    funded: Decimal | None
    on_sale: Sequence[_Stretch]
    closed: Sequence[_Stretch]

    def hours_in(self, whole: Slot, band: str = "", peak: Calendar | None = None) -> Fraction:
        there = sum((one.hours_in(whole, band, peak) for one in self.on_sale), Fraction(0))
        return there - sum((one.hours_in(whole, band, peak) for one in self.closed), Fraction(0))


def with_cells(cases: Sequence[Case]) -> list[Snapshot]:
    """The snapshots, each with the cells that decide on its slot. At most two statements for all.

    All are of one project, at one moment and under one policy: cases of the numbers that hold for it.
    """
    wanted = [compared_within(case) for case in cases]
    every = frozenset[Cell]().union(*wanted)
    found: dict[Cell, FloorCell | CommerceCell] = {}
    for rule in sorted({cell.rule for cell in every}):
        found |= _read([cell for cell in every if cell.rule == rule], cases[0])
    return [
        replace(
            case.snapshot,
            cells=tuple(one for cell in sorted(its) if isinstance(one := found[cell], FloorCell)),
            commerce=tuple(one for cell in sorted(its) if isinstance(one := found[cell], CommerceCell)),
        )
        for case, its in zip(cases, wanted, strict=True)
    ]


def _read(cells: Collection[Cell], case: Case) -> dict[Cell, FloorCell | CommerceCell]:
    """Of one rule: the periods of a floor are weeks, so what closes within a year need not be read for it."""
    spans = {cell.period: _span(cell) for cell in cells}
    values: dict[str, Any] = {
        "models": sorted({cell.key for cell in cells if cell.kind == MODEL}),
        "nodes": sorted({cell.key for cell in cells if cell.kind == NODE}),
        "first": min(span.start for span in spans.values()),
        "last": max(span.end for span in spans.values()), "at": case.request.at,
        "cells": Jsonb([vars(cell) for cell in cells]),
    }  # fmt: skip
    with prepared() as cursor:
        cursor.execute(_BOOKABLE, values)
        on_sale, closed, held = cursor.fetchone()
    stocks = _stocks(on_sale or [], closed or [])
    seconds = {Cell(*row[:5]): Fraction(row[5]) for row in held or []}
    nothing = _Stock("", None, (), ())
    return {
        cell: _cell(
            cell, stocks.get((cell.kind, cell.key), nothing), spans[cell.period], case.policy.peak,
            seconds.get(cell, Fraction(0)) / 3600,
        )
        for cell in cells
    }  # fmt: skip


def _cell(
    cell: Cell, stock: _Stock, span: Slot, peak: Calendar | None, held: Fraction
) -> FloorCell | CommerceCell:
    name = stock.name or cell.key
    if cell.rule != FLOOR:
        return CommerceCell(cell.key, name, cell.period, stock.hours_in(span), held)
    bookable = stock.hours_in(span, cell.band, peak)
    funded = stock.funded if cell.kind == NODE else None
    return FloorCell(cell.kind, cell.key, name, cell.period, cell.band, bookable, held, funded)


def _stocks(on_sale: list[list[Any]], closed: list[list[Any]]) -> dict[tuple[str, str], _Stock]:
    def stretches(rows: Iterable[list[Any]]) -> dict[tuple[str, str], list[_Stretch]]:
        found: dict[tuple[str, str], list[_Stretch]] = {}
        for kind, key, zone, country, since, until, devices in (row[:7] for row in rows):
            stretch = _Stretch(zone, country, _moment(since), until and _moment(until), devices)
            found.setdefault((kind, key), []).append(stretch)
        return found

    shut = stretches(closed)
    said = {(row[0], row[1]): (row[7], Decimal(row[8])) for row in on_sale}
    return {
        stock: _Stock(*said[stock], its, shut.get(stock, ())) for stock, its in stretches(on_sale).items()
    }


def _span(cell: Cell) -> Slot:
    return Week.parse(cell.period).slot if cell.rule == FLOOR else Period.parse(cell.period).slot


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@lru_cache(maxsize=4096)
def _banded(peak: Calendar, part: Slot, zone: str, country: str, band: str) -> Fraction:
    """The hours of one kind in a part of a week, by the clocks of a zone and a country's holidays."""
    there = ZoneInfo(zone)
    holidays = holidays_within(country, there, part.start, part.end)
    pieces = calendar.cut(peak, part, there, holidays)
    return sum((piece.hours for piece, kind in pieces if kind == band), Fraction(0))
