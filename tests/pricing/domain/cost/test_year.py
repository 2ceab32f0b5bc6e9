"""Node S1 in all its figures, and identities that must hold for any node."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from pricing.domain.cost import Component, Cost, Kind, cost_of, markup, price_of, rounded, unit_cost
from pricing.domain.declared import Declared, Support, faults
from tests.pricing.domain.examples import (
    S1,
    S1_GRANTED,
    YEAR_FROM,
    declarations,
    s1,
    supported,
)

D = Decimal
NINE = D("0.000000001")


def test_s1_reproduces_every_component() -> None:
    assert {line.kind: line.full_year for line in s1().components} == {
        Kind.PURCHASE: D(50_400), Kind.ELECTRICITY: D("7401.70944"), Kind.HOSTING: D(9000),
        Kind.MAINTENANCE: D(11_200), Kind.NETWORK: D(2000), Kind.LICENCES: D(1500), Kind.STAFF: D(12_300),
        Kind.INSURANCE: D(1400), Kind.FINANCING: D(0), Kind.VAT: D(0),
        Kind.OVERHEAD: D("11424.2051328"),
    }  # fmt: skip
    electricity = next(line for line in s1().components if line.kind is Kind.ELECTRICITY)
    assert electricity.detail["kilowatt_hours"] == "40837.0176"


def test_s1_reproduces_hours_and_unit_costs() -> None:
    cost = s1()
    assert (cost.available_hours, cost.delivered_hours) == (D("8409.6"), D("6054.912"))
    assert cost.full_year - cost.components[-1].full_year == D("95201.70944")
    assert cost.full_year == cost.chargeable_year == D("106625.9145728")
    assert (cost.full_available * 8).quantize(NINE) == D("12.679070892")
    assert (cost.full_delivered * 8).quantize(NINE) == D("17.609820683")
    assert cost.full_delivered.quantize(NINE) == D("2.201227585")
    assert cost.idle_year.quantize(D("0.00001")) == D("29855.25608")


def test_s1_with_sixty_percent_granted_leaves_the_grant_out_of_the_chargeable_cost() -> None:
    cost = s1(S1_GRANTED)
    assert S1_GRANTED.granted_share == D("0.6")
    assert cost.full_year == D("106625.9145728")
    assert cost.chargeable_year == D("72757.1145728")
    assert (cost.chargeable_delivered * 8).quantize(NINE) == D("12.016213377")
    granted = cost.full_year - cost.chargeable_year  # with its overhead
    assert granted == D("33868.80")
    assert (granted / cost.delivered_hours).quantize(NINE) == D("5.593607306")


@pytest.mark.parametrize(
    ("over_recovered", "per_node_hour"),
    [
        (D(6000), D("11.025282378")),  # given back
        (D(-6000), D("13.007144377")),  # a deficit made up
    ],
)
def test_s1_carries_what_was_over_or_under_recovered(over_recovered: D, per_node_hour: D) -> None:
    cost = s1(S1_GRANTED, devices=1)
    tariff = price_of(cost=cost, over_recovered=over_recovered)
    assert tariff.price == per_node_hour.quantize(D("0.000001"))
    assert rounded(cost.chargeable_delivered) + tariff.carried == tariff.price
    exact = unit_cost(cost.chargeable_year - over_recovered, units=cost.delivered_device_hours)
    assert exact.quantize(NINE) == per_node_hour


def test_s1_shows_why_both_markups_are_published() -> None:
    cost = s1(S1_GRANTED, devices=1)
    on_full, on_chargeable = (
        markup(D("17.50"), unit) for unit in (cost.full_delivered, cost.chargeable_delivered)
    )
    assert on_full is not None
    assert on_chargeable is not None
    assert (on_full * 100).quantize(D("0.0001")) == D("-0.6236")
    assert (on_chargeable * 100).quantize(D("0.01")) == D("45.64")


@given(declarations(), st.integers(1, 16))
def test_delivered_and_idle_hours_carry_the_whole_cost(declared: Declared, devices: int) -> None:
    cost = cost_of(declared, device_count=devices, year_from=YEAR_FROM)
    of_delivered = cost.full_available * cost.delivered_device_hours
    assert rounded(of_delivered + cost.idle_year) == rounded(cost.full_year)


@given(declarations(), st.integers(1, 16))
def test_public_money_never_makes_a_node_dearer(declared: Declared, devices: int) -> None:
    cost = cost_of(declared, device_count=devices, year_from=YEAR_FROM)
    assert 0 <= cost.chargeable_year <= cost.full_year
    assert cost.full_delivered >= cost.full_available


@given(
    declarations(),
    st.decimals(min_value=-1000, max_value=1000, places=2),
    st.decimals(min_value=-1, max_value=1, places=4),
)
def test_published_figures_add_up_to_the_price(declared: Declared, over: D, adjustment: D) -> None:
    cost = cost_of(declared, device_count=4, year_from=YEAR_FROM)
    tariff = price_of(cost=cost, over_recovered=over, owner_adjustment=adjustment)
    parts = rounded(cost.chargeable_delivered) + tariff.carried + tariff.owner_adjustment
    assert parts == tariff.price


@given(declarations())
def test_no_component_is_below_zero_but_electricity(declared: Declared) -> None:
    for line in s1(declared).components:
        if line.kind not in (Kind.ELECTRICITY, Kind.OVERHEAD) or declared.electricity_price >= 0:
            assert 0 <= line.chargeable_year <= line.full_year


@given(supported())
def test_public_support_lowers_what_is_charged_and_not_what_it_costs(declared: Declared) -> None:
    cost, without = s1(declared), s1(replace(declared, support=()))
    assert "above_component" not in [fault.rule for fault in cost.faults]
    assert cost.full_year == without.full_year
    given_away = without.chargeable_year - cost.chargeable_year
    own = sum((part.amount_year for part in declared.support), D(0))
    assert rounded(given_away) == rounded(own * (1 + declared.overhead_share))


@given(supported())
def test_users_public_money_and_the_owner_carry_the_whole(declared: Declared) -> None:
    for line in s1(declared).components:
        if line.full_year >= 0:
            assert min(line.public_year, rounded(line.owner_year), line.chargeable_year) >= 0
        if line.kind not in (Kind.FINANCING, Kind.OVERHEAD):
            assert rounded(line.owner_year) == 0
    cost = s1(declared)
    parts = cost.chargeable_year + cost.public_year + cost.owner_year
    assert rounded(parts) == rounded(cost.full_year)


def test_support_beyond_a_component_is_a_fault_with_both_amounts() -> None:
    declared = replace(S1, support=(Support("Host", Kind.HOSTING, D(9001)),))
    assert faults(declared) == []  # only the amount of the component shows it
    (fault,) = s1(declared).faults
    assert (fault.field, fault.rule, fault.limit, fault.actual) == (
        "support.hosting", "above_component", "9000", "9001",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"hosting_year": D(10) ** 9}, "assets", "year_at_most"),
        ({"indirect_costs": D(10) ** 9, "direct_costs": D(1)}, "assets", "year_at_most"),
        ({"used_share": D("0.001"), "hosting_year": D(8 * 10**8)}, "used_share", "hour_at_most"),
        ({"planned_outage_hours": D(8759), "hosting_year": D(8 * 10**8)}, "used_share", "hour_at_most"),
    ],
)
def test_sums_that_nothing_costs_are_faults(changes: dict[str, D], field: str, rule: str) -> None:
    declared = replace(S1, **changes)
    assert faults(declared) == []
    assert [(fault.field, fault.rule) for fault in s1(declared).faults] == [(field, rule)]


def test_the_limits_themselves_are_allowed() -> None:
    line = Component(Kind.STAFF, D(10) ** 9, D(10) ** 9)
    assert Cost((line,), device_count=1, available_hours=D(1000), used_share=D(1)).faults == []


MORE_COSTS_MORE = ("hosting_year", "network_year", "licences_year", "maintenance_year", "insurance_year",
                   "financing_year", "vat_year", "rack_year", "staff_posts", "indirect_costs", "grid_fee",
                   "insurance_share", "interest_rate")  # fmt: skip


@given(declarations(), st.sampled_from(MORE_COSTS_MORE))
def test_a_dearer_part_never_makes_the_node_cheaper(declared: Declared, member: str) -> None:
    dearer = replace(declared, **{member: getattr(declared, member) * 2})
    if declared.electricity_price >= 0:
        assert s1(dearer).full_year >= s1(declared).full_year


@given(declarations(), st.integers(1, 16))
def test_fewer_hours_make_an_hour_dearer(declared: Declared, devices: int) -> None:
    if s1(declared).full_year > 0:
        rarer = s1(replace(declared, used_share=declared.used_share / 2), devices)
        assert rarer.full_delivered > s1(declared, devices).full_delivered
