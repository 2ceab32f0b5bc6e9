"""The worked examples of docs/cost-model.md, and identities that must hold for any node."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from pricing.domain.cost import (
    Kind,
    cost_of,
    electricity_cost,
    margin,
    markup,
    price_of,
    rounded,
    share_of_year,
    split,
    straight_line,
    unit_cost,
)
from pricing.domain.declared import Declared, PublicGrant

D = Decimal
NINE = D("0.000000001")
YEAR_FROM = date(2026, 10, 1)

S1 = Declared(
    purchase_price=D(280_000), residual_value=D(28_000), life_years=D(5), purchased_on=date(2026, 1, 1),
    active_kilowatts=D("6.2"), idle_kilowatts=D("1.4"), pue=D("1.25"), electricity_price=D("0.145"),
    available_share=D("0.96"), used_share=D("0.72"), hosting_year=D(9000), maintenance_share=D("0.04"),
    network_year=D(2000), licences_year=D(1500), staff_posts=D("0.15"), staff_post_year=D(82_000),
    insurance_share=D("0.005"), overhead_share=D("0.12"),
)  # fmt: skip
S1_GRANTED = replace(S1, public_grants=(PublicGrant("National programme", D(168_000)),))


def s1(declared: Declared = S1, devices: int = 8):
    return cost_of(declared, device_count=devices, year_from=YEAR_FROM)


def test_s1_reproduces_every_component() -> None:
    assert {line.kind: line.full_year for line in s1().components} == {
        Kind.PURCHASE: D(50_400), Kind.ELECTRICITY: D("7401.70944"), Kind.HOSTING: D(9000),
        Kind.MAINTENANCE: D(11_200), Kind.NETWORK: D(2000), Kind.LICENCES: D(1500), Kind.STAFF: D(12_300),
        Kind.INSURANCE: D(1400), Kind.FINANCING: D(0), Kind.OVERHEAD: D("11424.2051328"),
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


@pytest.mark.parametrize(
    ("pounds_a_month", "units_an_hour", "pounds_a_unit"),
    [  # HPCx charging model: months of 730.5 hours, 80 % deliverable
        ("734108.43", 3241, "0.38759"),
        ("734108.43", 6188, "0.203"),
        ("752695.49", 7395, "0.17417"),
        ("752695.49", 12290, "0.10480"),
    ],
)
def test_the_hpcx_allocation_unit(pounds_a_month: str, units_an_hour: int, pounds_a_unit: str) -> None:
    cost = unit_cost(D(pounds_a_month), units=units_an_hour * D("730.5"), used_share=D("0.8"))
    assert cost.quantize(D(pounds_a_unit)) == D(pounds_a_unit)


def test_a_core_hour_costs_more_when_fewer_are_used() -> None:
    assert unit_cost(D("0.12"), units=D(1), used_share=D("0.8")) == D("0.15")  # Rescale


def test_a_server_with_five_years_of_warranty() -> None:  # Internet2, Clemson
    depreciation = straight_line(price=D(14_375), residual=D(0), years=D(5))
    assert unit_cost(depreciation, units=D(36 * 8760)).quantize(D("0.0001")) == D("0.0091")
    electricity = electricity_cost(
        kilowatt_hours=[D("0.5")], pue=D(1), prices=[D("0.13") + D("0.08") + D("0.04")]
    )
    assert (electricity / 36).quantize(D("0.000001")) == D("0.003472")


def test_a_node_is_split_by_what_its_parts_are_worth() -> None:
    assert split(D(35), [D(30), D(30), D(10)]) == [15, 15, 5]  # OpenCost specification, appendix A


def test_four_real_hours_of_electricity() -> None:
    """France, 1 October 2023, 00:00 to 04:00 local time: 2.5 kW at a PUE of 1.2."""
    day_ahead = [D("102.73"), D("94.14"), D("88.60"), D("36.15")]  # EUR per MWh
    cost = electricity_cost(
        kilowatt_hours=[D("2.5")] * 4, pue=D("1.2"), prices=[price / 1000 for price in day_ahead]
    )
    assert cost == D("0.96486")


def test_a_negative_price_of_electricity_is_income() -> None:
    assert electricity_cost(kilowatt_hours=[D(2)], pue=D("1.5"), prices=[D("-0.01")]) == D("-0.03")


@pytest.mark.parametrize(
    ("purchased", "life", "share"),
    [
        (date(2026, 1, 1), 5, D(1)),  # wholly inside its life
        (date(2021, 10, 1), 5, D(0)),  # worn out on the day
        (date(2021, 10, 2), 5, D(1) / 365),  # one day left
        (date(2027, 9, 30), 5, D(1) / 365),  # bought for the last day
    ],
)
def test_depreciation_counts_the_days_of_the_life(purchased: date, life: int, share: D) -> None:
    cost = s1(replace(S1, purchased_on=purchased, life_years=D(life)))
    assert rounded(cost.components[0].full_year) == rounded(50_400 * share)


def test_maintenance_is_counted_from_the_end_of_the_warranty() -> None:
    half = s1(replace(S1, warranty_until=date(2027, 4, 1))).components
    line = next(line for line in half if line.kind is Kind.MAINTENANCE)
    assert rounded(line.full_year) == rounded(11_200 * D(183) / 365)


def test_a_year_that_begins_on_a_leap_day_has_no_hole() -> None:
    assert share_of_year(date(2024, 2, 29), since=date(2000, 1, 1), until=None) == 1
    rest = share_of_year(date(2024, 2, 29), since=date(2024, 8, 29), until=None)
    assert rounded(rest) == rounded(D(184) / 366)


@pytest.mark.parametrize(
    ("price", "cost", "expected"), [("0", "0", None), ("1", "0", None), ("3", "2", "0.5")]
)
def test_a_markup_on_nothing_is_no_number(price: str, cost: str, expected: str | None) -> None:
    assert markup(D(price), D(cost)) == (None if expected is None else D(expected))


def test_a_margin_is_a_share_of_the_price() -> None:
    assert margin(D(4), D(3)) == D("0.25")
    assert margin(D(0), D(3)) is None


money = st.decimals(min_value=0, max_value=10**7, places=2)
share = st.decimals(min_value=D("0.01"), max_value=1, places=4)


@st.composite
def declarations(draw: st.DrawFn) -> Declared:
    purchase = draw(st.decimals(min_value=1, max_value=10**7, places=2))
    granted = draw(st.decimals(min_value=0, max_value=purchase, places=2))
    return Declared(
        purchase_price=purchase,
        residual_value=draw(st.decimals(min_value=0, max_value=purchase, places=2)),
        life_years=draw(st.decimals(min_value=D("0.5"), max_value=12, places=1)),
        purchased_on=draw(st.dates(date(2015, 1, 1), date(2028, 1, 1))),
        public_grants=(PublicGrant("Programme", granted),),
        active_kilowatts=draw(st.decimals(min_value=5, max_value=50, places=3)),
        idle_kilowatts=draw(st.decimals(min_value=0, max_value=5, places=3)),
        pue=draw(st.decimals(min_value=1, max_value=3, places=3)),
        electricity_price=draw(st.decimals(min_value=0, max_value=1, places=5)),
        available_share=draw(share), used_share=draw(share), hosting_year=draw(money),
        staff_posts=draw(st.decimals(min_value=0, max_value=5, places=2)), staff_post_year=draw(money),
        insurance_share=draw(share), overhead_share=draw(share),
    )  # fmt: skip


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


@given(
    st.decimals(min_value=-(10**6), max_value=10**6, places=6),
    st.lists(st.decimals(min_value=0, max_value=10**6, places=4), min_size=1, max_size=20).filter(any),
)
def test_parts_add_up_and_stray_less_than_a_grain(total: D, bases: list[D]) -> None:
    parts = split(total, bases)
    assert sum(parts) == total
    for part, base in zip(parts, bases, strict=True):
        assert abs(part - total * base / sum(bases)) < D("0.0000011")
