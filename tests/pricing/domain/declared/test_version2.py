"""Rows published in the second version come to the same figures, to the last of 60 digits."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pricing.domain.cost import Cost, Kind, cost_of, rounded
from pricing.domain.declared import VERSION, Declared, from_json, renewed, to_json
from tests import factories

# Written by the code that published version 2, before version 3 counted maintenance from the purchase.
PUBLISHED = json.loads((Path(__file__).parent / "published_in_version_2.json").read_text())
FIGURES = ("full_year", "chargeable_year", "full_delivered", "chargeable_available")
DAY = date(2026, 1, 1)
HALF = rounded(Decimal(11_200 * 183) / 365)  # from 2 July on


def maintenance(declared: Declared) -> Decimal:
    cost: Cost = cost_of(declared, device_count=8, year_from=DAY)
    return rounded(next(line.full_year for line in cost.components if line.kind is Kind.MAINTENANCE))


@pytest.mark.parametrize("row", PUBLISHED, ids=[row["name"] for row in PUBLISHED])
def test_it_comes_to_the_same_figures(row: dict[str, Any]) -> None:
    declared = from_json(row["declared"])
    cost = cost_of(declared, device_count=row["device_count"], year_from=date.fromisoformat(row["year_from"]))
    assert {name: str(getattr(cost, name)) for name in FIGURES} == {name: row[name] for name in FIGURES}
    assert {
        str(line.kind): [str(line.full_year), str(line.chargeable_year), line.detail]
        for line in cost.components
    } == row["components"]


@pytest.mark.parametrize("row", PUBLISHED, ids=[row["name"] for row in PUBLISHED])
def test_it_is_written_as_it_was_read(row: dict[str, Any]) -> None:
    assert to_json(from_json(row["declared"])) == row["declared"]


def test_version_3_counts_maintenance_from_the_purchase() -> None:
    whole = factories.make_declared()
    later = factories.make_declared(assets=(factories.make_asset(purchased_on=date(2026, 7, 2)),))
    assert (whole.version, maintenance(whole)) == (VERSION, 11_200)
    assert maintenance(later) == HALF
    assert maintenance(replace(later, version="2")) == 11_200
    assert maintenance(renewed(replace(later, version="2"))) == maintenance(later)


def test_what_is_under_warranty_is_counted_as_before() -> None:
    asset = factories.make_asset(purchased_on=date(2026, 3, 1), warranty_until=date(2026, 7, 2))
    declared = factories.make_declared(assets=(asset,))
    assert maintenance(declared) == maintenance(replace(declared, version="2")) == HALF


def test_what_is_bought_after_the_year_costs_no_maintenance_in_it() -> None:
    asset = factories.make_asset(purchased_on=date(2027, 1, 1))
    assert maintenance(factories.make_declared(assets=(asset,))) == 0
