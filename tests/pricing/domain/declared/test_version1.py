"""Rows published in the first version come to the same figures, to the last of 60 digits."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pricing.domain.cost import Kind, cost_of, price_of
from pricing.domain.declared import FundingKind, NotReadable, faults, from_json, plain, to_json

# Written by the code that published version 1, before it was replaced.
PUBLISHED = json.loads((Path(__file__).parent / "published_in_version_1.json").read_text())
FIGURES = (
    "available_device_hours",
    "delivered_device_hours",
    "full_year",
    "chargeable_year",
    "idle_year",
    "full_available",
    "full_delivered",
    "chargeable_available",
    "chargeable_delivered",
)


@pytest.mark.parametrize("row", PUBLISHED)
def test_it_comes_to_the_same_figures(row: dict[str, Any]) -> None:
    declared = from_json(row["declared"])
    cost = cost_of(declared, device_count=row["device_count"], year_from=date.fromisoformat(row["year_from"]))
    price = price_of(
        cost=cost,
        over_recovered=Decimal(row["over_recovered"]),
        owner_adjustment=Decimal(row["owner_adjustment"]),
    )
    lines = [
        [str(line.kind), plain(line.full_year), plain(line.chargeable_year)]
        for line in cost.components
        if line.kind is not Kind.VAT  # which that version did not have
    ]
    assert lines == row["components"]
    assert plain(declared.granted_share) == row["granted_share"]
    assert {name: plain(getattr(cost, name)) for name in FIGURES} == {name: row[name] for name in FIGURES}
    assert (plain(price.price), plain(price.carried)) == (row["price"], row["carried"])


@pytest.mark.parametrize("row", PUBLISHED[:20])
def test_read_into_the_present_shape_it_is_whole_and_survives_it(row: dict[str, Any]) -> None:
    declared = from_json(row["declared"])
    # A warranty could end before the purchase then; whoever goes on from such a row is told.
    assert {fault.rule for fault in faults(declared)} <= {"not_before"}
    assert from_json(json.loads(json.dumps(to_json(declared)))) == declared


def test_its_purchase_is_one_asset() -> None:
    declared = from_json(PUBLISHED[1]["declared"])
    (asset,) = declared.assets
    assert (asset.price, asset.granted) == (280_000, 168_000)
    assert asset.funding[0].kind is FundingKind.PUBLIC_GRANT
    assert (declared.available_hours, declared.electricity_price) == (Decimal("8409.6"), Decimal("0.145"))
    assert declared.overhead_share == Decimal("0.12")


def test_its_faults_have_its_names() -> None:
    with pytest.raises(NotReadable) as refused:
        from_json(PUBLISHED[1]["declared"] | {"purchase_price": "", "assets": [], "pue": 1.5})
    assert {(fault.field, fault.rule) for fault in refused.value.faults} == {
        ("purchase_price", "missing"), ("assets", "unknown"), ("pue", "not_a_number"),
    }  # fmt: skip
