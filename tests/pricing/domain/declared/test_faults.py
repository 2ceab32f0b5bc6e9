from __future__ import annotations

from dataclasses import fields, replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given

from pricing.domain.declared import (
    AMOUNTS,
    DayAheadMean,
    Declared,
    Funding,
    FundingKind,
    Kind,
    PoolKey,
    PoolPart,
    Support,
    faults,
)
from tests.pricing.domain.examples import DGX, S1, S1_GRANTED, declarations, supported, with_asset

D = Decimal
OWN = FundingKind.OWN
MEAN = DayAheadMean("FR", date(2025, 1, 1), date(2026, 1, 1), D(-3), 8760, 0)
PART = PoolPart("p", "s", "Room", "0f" * 32, Kind.HOSTING, PoolKey.RACK_UNITS, D("0.1"), D(900))


def found(declared: Declared) -> list[tuple[str, str]]:
    return [(fault.field, fault.rule) for fault in faults(declared)]


def test_s1_has_no_fault() -> None:
    assert faults(S1_GRANTED) == []


@given(declarations())
def test_whatever_can_be_drawn_can_be_true(declared: Declared) -> None:
    assert faults(declared) == []


@given(supported())
def test_so_can_support_within_a_component(declared: Declared) -> None:
    assert faults(declared) == []


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"used_share": D("1.2")}, "used_share", "at_most_all"),
        ({"used_share": D(0)}, "used_share", "above_zero"),
        ({"used_share": D("0.0009")}, "used_share", "at_least_part"),
        ({"planned_outage_hours": D("8759.1")}, "planned_outage_hours", "never_available"),
        ({"hosting_year": D("1.0000000000001")}, "hosting_year", "too_fine"),
        ({"hosting_year": D("999999999." + "9" * 40)}, "hosting_year", "too_fine"),
        ({"direct_costs": D("0.99")}, "direct_costs", "at_least"),
        ({"pue": D("0.9")}, "pue", "at_least"),
        ({"pue": D(0)}, "pue", "at_least"),
        ({"pue": D(11)}, "pue", "at_most"),
        ({"idle_kilowatts": D(7)}, "idle_kilowatts", "idle_above_active"),
        ({"hosting_year": D(-1)}, "hosting_year", "not_negative"),
        ({"hosting_year": D("NaN")}, "hosting_year", "at_most"),
        ({"staff_post_year": D(10) ** 10}, "staff_post_year", "at_most"),
        ({"contract_price": D(145)}, "contract_price", "at_most"),  # EUR per MWh, most likely
        ({"contract_price": None}, "contract_price", "missing"),
        ({"day_ahead": MEAN}, "contract_price", "one_price"),
        ({"planned_outage_hours": D(8000), "unplanned_outage_hours": D(760)}, "planned_outage_hours",
         "never_available"),
        ({"rack_units": D(43)}, "rack_units", "at_most"),
        ({"rack_size": D(0)}, "rack_size", "above_zero"),
        ({"direct_costs": D(0)}, "direct_costs", "above_zero"),
        ({"interest_rate": D(4)}, "interest_rate", "at_most_all"),  # 4 % is 0.04
        ({"assets": ()}, "assets", "missing"),
        ({"assets": (DGX,) * 51}, "assets", "too_many"),
        ({"sources": {"coffee": "x"}}, "sources.coffee", "unknown"),
        ({"sources": {"staff": "x" * 501}}, "sources.staff", "too_long"),
        ({"support": (Support("Host", Kind.PURCHASE, D(1)),)}, "support.0.kind", "no_support_of_kind"),
        ({"support": (Support("Host", Kind.OVERHEAD, D(1)),)}, "support.0.kind", "no_support_of_kind"),
        ({"support": (Support(" ", Kind.STAFF, D(1)),)}, "support.0.source", "missing"),
        ({"support": (Support("Host", Kind.STAFF, D(0)),)}, "support.0.amount_year", "above_zero"),
        ({"pools": (replace(PART, kind=Kind.PURCHASE),)}, "pools.0.kind", "no_pool_of_purchases"),
        ({"pools": (replace(PART, share=D("1.1")),)}, "pools.0.share", "at_most_all"),
        ({"pools": (replace(PART, digest="0F" * 32),)}, "pools.0.digest", "not_a_digest"),
        ({"pools": (PART, PART)}, "pools.1.pool", "once"),
    ],
)  # fmt: skip
def test_it_names_the_field_that_cannot_be_true(change: dict[str, object], field: str, rule: str) -> None:
    assert found(replace(S1, **change)) == [(field, rule)]


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"price": D(0), "residual_value": D(0)}, "price", "above_zero"),
        ({"life_years": D(0)}, "life_years", "above_zero"),
        ({"life_years": D("0.2")}, "life_years", "at_least"),
        ({"warranty_until": date(2025, 12, 31)}, "warranty_until", "not_before"),
        ({"life_years": D(51)}, "life_years", "at_most"),
        ({"residual_value": D(300_000)}, "residual_value", "above_purchase"),
        ({"vat_not_recovered": D(300_000)}, "vat_not_recovered", "above_purchase"),
        ({"maintenance_share": D(4)}, "maintenance_share", "at_most_all"),
        ({"name": ""}, "name", "missing"),
        ({"purchased_on": date(9999, 1, 1)}, "purchased_on", "not_in_our_time"),
        ({"warranty_until": date(1989, 12, 31)}, "warranty_until", "not_in_our_time"),
        ({"funding": (Funding("a", OWN, D(280_001)),)}, "funding", "above_purchase"),
        ({"funding": (Funding("a", OWN, D(-1)),)}, "funding.0.amount", "not_negative"),
        ({"funding": (Funding("a", OWN, D(0)),)}, "funding.0.amount", "above_zero"),
        ({"funding": (Funding("", OWN, D(1)),)}, "funding.0.source", "missing"),
        ({"funding": (Funding("a", OWN, D(1)),) * 51}, "funding", "too_many"),
        ({"embodied_lowest": D(1)}, "embodied_kilograms", "missing"),
        ({"embodied_kilograms": D(5), "embodied_lowest": D(6)}, "embodied_lowest", "at_most"),
        ({"embodied_kilograms": D(5), "embodied_highest": D(4)}, "embodied_highest", "at_least"),
        ({"embodied_kilograms": D(-5)}, "embodied_kilograms", "not_negative"),
    ],
)
def test_it_names_what_cannot_be_true_of_an_asset(change: dict[str, object], field: str, rule: str) -> None:
    assert found(with_asset(**change)) == [(f"assets.0.{field}", rule)]


def test_least_figures_can_be_true() -> None:
    least = {"used_share": D("0.001"), "direct_costs": D(1), "hosting_year": D("0.000000000001")}
    assert found(replace(S1, planned_outage_hours=D("8759.000"), **least)) == []
    assert found(replace(S1, hosting_year=D("1.00000000000000000"))) == []
    assert found(with_asset(life_years=D("0.25"), warranty_until=DGX.purchased_on)) == []


def test_bounds_may_be_the_figure_itself() -> None:
    exactly = {"embodied_kilograms": D(5), "embodied_lowest": D(5), "embodied_highest": D(5)}
    assert found(with_asset(**exactly)) == []


def test_grants_may_pay_for_the_vat_too() -> None:
    whole = (Funding("a", FundingKind.PUBLIC_GRANT, D(336_000)),)
    assert found(with_asset(vat_not_recovered=D(56_000), funding=whole)) == []


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"until": date(2025, 1, 1)}, "until", "after"),
        ({"since": date(1901, 1, 1)}, "since", "not_in_our_time"),
        ({"hours_known": 0}, "hours_known", "above_zero"),
        ({"hours_missing": -1}, "hours_missing", "not_negative"),
        ({"zone": ""}, "zone", "missing"),
        ({"eur_per_mwh": D(10) ** 7}, "eur_per_mwh", "at_most"),
    ],
)
def test_it_names_what_cannot_be_true_of_a_mean_price(
    change: dict[str, object], field: str, rule: str
) -> None:
    declared = replace(S1, contract_price=None, day_ahead=replace(MEAN, **change))
    assert found(declared) == [(f"day_ahead.{field}", rule)]


def test_a_mean_price_may_be_below_zero() -> None:
    assert found(replace(S1, contract_price=None, day_ahead=MEAN)) == []


def test_every_decimal_member_is_checked() -> None:
    decimals = {name for name in (item.name for item in fields(Declared)) if isinstance(getattr(S1, name), D)}
    assert decimals == set(AMOUNTS)
    for name in AMOUNTS:
        assert (name, "not_negative") in found(replace(S1, **{name: D(-1)}))
