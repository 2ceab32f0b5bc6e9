"""How the site's fee follows from its costs: worked by hand, and for any costs."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from pricing.domain.site_costs import Costs, Item, Kind, faults, from_json, to_json

D = Decimal
MILLION, NOTHING = D(1000000), D(0)
EUROS = st.decimals(min_value="0.01", max_value=10**8, places=2)
HOURS = st.decimals(min_value=1, max_value=10**8, places=4)


def costs_of(*amounts: Decimal, hours: Decimal = MILLION, subsidy: Decimal = NOTHING) -> Costs:
    items = tuple(
        Item(kind, amount, "What it is.", "A contract") for kind, amount in zip(Kind, amounts, strict=False)
    )
    return Costs(items, hours, subsidy, "A region" if subsidy else "")


def test_29_000_less_8_000_over_a_million_hours_is_21_thousandths() -> None:
    costs = costs_of(D(4200), D(19800), D(900), D(1300), D(2800), subsidy=D(8000))
    assert (costs.total_year, costs.to_cover, costs.highest_fee) == (D(29000), D(21000), D("0.021"))
    assert costs.full_per_hour == D("0.029")
    assert costs.uncovered(D("0.02")) == D(1000)
    assert faults(costs) == []


def test_the_highest_fee_is_rounded_down() -> None:
    assert costs_of(D(2), hours=D(3)).highest_fee == D("0.666666")


@given(st.lists(EUROS, min_size=1, max_size=7), HOURS, st.decimals(0, 1, places=3))
def test_the_highest_fee_never_brings_in_more_than_is_left_to_cover(
    amounts: list[Decimal], hours: Decimal, part: Decimal
) -> None:
    whole = sum(amounts, D(0))
    costs = costs_of(
        *amounts, hours=hours, subsidy=(whole * part).quantize(D("0.01"), rounding="ROUND_FLOOR")
    )
    assert faults(costs) == []
    assert costs.uncovered(costs.highest_fee) >= 0
    assert costs.uncovered(costs.highest_fee + D("0.000001")) < 0
    assert abs(sum((costs.share(item) for item in costs.items), D(0)) - 1) < D("0.00001")
    assert from_json(to_json(costs)) == costs


@pytest.mark.parametrize(
    ("costs", "field", "code"),
    [
        (Costs((), D(1)), "items.hosting.amount_year", "nothing"),
        (costs_of(D("NaN")), "items.hosting.amount_year", "at_most"),
        (costs_of(D("1e10")), "items.hosting.amount_year", "at_most"),
        (costs_of(D("0.0000001")), "items.hosting.amount_year", "too_fine"),
        (costs_of(D(1), hours=D("0.5")), "device_hours", "too_few"),
        (costs_of(D(1), hours=D("Infinity")), "device_hours", "at_most"),
        (costs_of(D(1), hours=D("1.00001")), "device_hours", "too_fine"),
        (costs_of(D(1), subsidy=D(2)), "subsidy_year", "above_costs"),
        (costs_of(D(1), subsidy=D(-1)), "subsidy_year", "not_negative"),
        (Costs((Item(Kind.AUDIT, D(1), "", "x"),), D(1)), "items.audit.sentence", "missing"),
        (Costs((Item(Kind.AUDIT, D(1), "x", "x" * 301),), D(1)), "items.audit.source", "too_long"),
        (Costs((Item(Kind.AUDIT, D(1), "x", "a@b.example"),), D(1)), "items.audit.source", "names_somebody"),
    ],
)
def test_what_cannot_be_is_named(costs: Costs, field: str, code: str) -> None:
    assert [(fault.field, fault.code) for fault in faults(costs)] == [(field, code)]


def test_a_component_stands_there_once() -> None:
    item = Item(Kind.AUDIT, D(1), "x", "x")
    assert [fault.code for fault in faults(Costs((item, item), D(1)))] == ["twice"]
