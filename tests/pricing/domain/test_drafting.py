from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from pricing.domain.cost import cost_of
from pricing.domain.declared import VERSION, from_json, to_json
from pricing.domain.drafting import read, without_blank_rows

WHOLE = {
    "version": "2",
    "assets": [{"name": "Node", "price": "1000", "purchased_on": "2026-01-01", "life_years": "5"}],
    "active_kilowatts": "1", "idle_kilowatts": "0.2", "pue": "1.2", "used_share": "0.7",
    "contract_price": "0.1",
}  # fmt: skip


def fields(body: dict[str, object]) -> list[str]:
    return [fault.field for fault in read(body).faults]


@pytest.mark.parametrize("begun_in", ["2", VERSION])
def test_a_whole_draft_is_what_it_says_under_the_present_formulas(begun_in: str) -> None:
    reading = read(WHOLE | {"version": begun_in})
    assert reading.is_publishable
    assert reading.declared == from_json(WHOLE | {"version": VERSION})


def test_an_empty_draft_costs_nothing_and_names_what_is_missing() -> None:
    reading = read({"version": "2"})
    assert set(reading.missing) == {
        "assets", "active_kilowatts", "idle_kilowatts", "pue", "used_share", "contract_price"
    }  # fmt: skip
    assert cost_of(reading.declared, device_count=1, year_from=date(2026, 1, 1)).full_year < Decimal(
        "0.00001"
    )


def test_what_cannot_be_read_is_named_and_the_rest_counts() -> None:
    reading = read(WHOLE | {"hosting_year": "a lot", "network_year": "50"})
    assert [(fault.field, fault.rule) for fault in reading.faults] == [("hosting_year", "not_a_number")]
    assert reading.declared.network_year == 50
    assert reading.declared.hosting_year == 0


def test_everything_wrong_is_told_at_once() -> None:
    """What can be told only of a readable draft is told beside what cannot be read."""
    assert set(fields(WHOLE | {"pue": "0.5", "hosting_year": "x", "used_share": "-1"})) == {
        "pue", "hosting_year", "used_share"
    }  # fmt: skip


def test_nothing_is_said_of_a_field_because_another_was_repaired() -> None:
    asset = WHOLE["assets"][0] | {"price": "?", "residual_value": "500"}  # type: ignore[index]
    assert fields(WHOLE | {"assets": [asset]}) == ["assets.0.price"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"used_share": "0"}, {"planned_outage_hours": "9000"}, {"unplanned_outage_hours": "9000"},
        {"planned_outage_hours": "5000", "unplanned_outage_hours": "5000"}, {"assets": [{}]},
        {"assets": ["x"]}, {"assets": "x"}, {"pools": [{"name": "Staff"}]}, {"day_ahead": {"zone": "FR"}},
        {"rack_size": "0"}, {"version": "9"}, {"sources": {"x" * 80: "y"}}, {"surprise": {"a": [1]}},
        {"support": [{"kind": "none"}]}, {"indirect_costs": "5"},
        {"assets": [{"name": "N", "price": "1", "purchased_on": "2026-01-01", "life_years": "0"}]},
    ],
)  # fmt: skip
def test_whatever_is_wrong_an_effect_can_be_shown(wrong: dict[str, object]) -> None:
    reading = read(WHOLE | wrong)
    assert not reading.is_publishable
    cost = cost_of(reading.declared, device_count=2, year_from=date(2026, 1, 1))
    assert 0 <= cost.chargeable_delivered <= cost.full_delivered


@pytest.mark.parametrize("price", ["beaucoup", "", None, "-5", "0"])
def test_who_paid_a_price_that_is_left_out_is_left_out_too(price: str | None) -> None:
    funding = [{"source": "Agency", "kind": "public_grant", "amount": "25200"}]
    asset = WHOLE["assets"][0] | {"price": price, "funding": funding, "residual_value": "400"}  # type: ignore[index]
    reading = read(WHOLE | {"assets": [asset]})
    assert [fault.field for fault in reading.faults] == ["assets.0.price"]
    cost = cost_of(reading.declared, device_count=1, year_from=date(2026, 1, 1))
    assert 0 <= cost.chargeable_year <= cost.full_year < 5000


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"assets": [0] * 60_000}, "assets"),
        ({"assets": [{"funding": [0] * 60_000}]}, "assets.0.funding"),
        ({"sources": {f"n{at}": 0 for at in range(20_000)}}, "sources"),
    ],
)
def test_a_list_without_end_is_one_fault(body: dict[str, object], field: str) -> None:
    reading = read(WHOLE | body)
    assert (field, "too_many") in [(fault.field, fault.rule) for fault in reading.faults]
    assert len(reading.faults) < 10


def test_no_more_unknown_members_are_told_than_anybody_reads() -> None:
    reading = read(WHOLE | {f"{at:05d}{'x' * 45}": 0 for at in range(4_000)})
    assert 50 <= len(reading.faults) <= 400
    assert not reading.is_publishable


def test_all_rows_that_may_be_wrong_at_once_are_told() -> None:
    reading = read(WHOLE | {"assets": [{"funding": [0] * 50}] * 50})
    assert len(reading.faults) == 50 * (50 + 4)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.text(max_size=6)
    | st.sampled_from(["1", "-1", "2026-01-01"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*to_json(from_json(WHOLE)), "other"]), JSON, max_size=6))
def test_no_draft_breaks_the_reading(body: dict[str, object]) -> None:
    reading = read(WHOLE | body)
    assert reading.is_publishable == (not reading.faults)
    cost_of(reading.declared, device_count=1, year_from=date(2026, 1, 1))


def test_a_row_in_which_nothing_was_typed_is_blank() -> None:
    rows = [{"source": "", "kind": "own", "amount": None}, {"source": "Agency", "kind": "own"}]
    assert without_blank_rows(rows, besides=("kind",)) == rows[1:]
    assert without_blank_rows([{"name": "", "funding": [{"kind": "own", "source": ""}]}]) == []
    assert read(WHOLE).declared.assets[0].price == Decimal(1000)
