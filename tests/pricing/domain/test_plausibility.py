from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from pricing.domain import plausibility
from pricing.domain.cost import cost_of
from pricing.domain.declared import DayAheadMean, Declared
from pricing.domain.specifications import device, modelled_power
from tests import factories

GIB = 2**30
DAY = date(2026, 1, 1)


def codes(declared: Declared, model: str = "L40S", devices: int = 8) -> list[str]:
    cost = cost_of(declared, device_count=devices, year_from=date(2026, 1, 1))
    power = modelled_power(device_models=[(model, 48 * GIB)] * devices, cpu_model="EPYC 9334", cpu_cores=64)
    found = plausibility.oddities(
        declared, cost, year_from=date(2026, 1, 1), device=device(model, 48 * GIB), power=power
    )
    return [odd.code for odd in found]


USUAL = factories.make_declared(
    related_parties=False, active_kilowatts=Decimal("3.2"), idle_kilowatts=Decimal("0.9"),
    assets=(factories.make_asset(price=Decimal(120_000), residual_value=Decimal(6_000), funding=()),),
)  # fmt: skip


def asset(**changes: object) -> Declared:
    return replace(USUAL, assets=(replace(USUAL.assets[0], **changes),))  # type: ignore[arg-type]


def bought_by_the_hour(*, hours_missing: int) -> Declared:
    """With the mean day-ahead price of a year of which so many hours are not known."""
    mean = DayAheadMean(
        "FR", date(2025, 1, 1), date(2026, 1, 1), Decimal(145), 8760 - hours_missing, hours_missing
    )
    return replace(USUAL, contract_price=None, day_ahead=mean)


@pytest.mark.parametrize(
    "declared",
    [
        USUAL,
        asset(purchased_on=date(2026, 12, 31)),
        replace(USUAL, indirect_costs=Decimal(250_000)),
        bought_by_the_hour(hours_missing=175),
    ],
)
def test_of_usual_figures_nothing_is_said(declared: Declared) -> None:
    assert set(codes(declared)) <= {"electricity_share"}


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        (replace(USUAL, staff_posts=Decimal(0)), "no_staff"),
        (replace(USUAL, pue=Decimal("1.00")), "pue"),
        (replace(USUAL, pue=Decimal("3.01")), "pue"),
        (asset(life_years=Decimal("2.9")), "life_years"),
        (asset(life_years=Decimal("8.1")), "life_years"),
        (asset(residual_value=Decimal(0)), "no_residual"),
        (replace(USUAL, used_share=Decimal("0.34")), "used_share"),
        (replace(USUAL, used_share=Decimal("0.96")), "used_share"),
        (replace(USUAL, contract_price=Decimal("0.088")), "electricity_price"),
        (replace(USUAL, contract_price=Decimal("0.277")), "electricity_price"),
        (replace(USUAL, active_kilowatts=Decimal("4.03")), "active_kilowatts"),
        (asset(price=Decimal(210_000)), "purchase_price"),
        (asset(purchased_on=date(2027, 1, 1)), "bought_later"),
        (replace(USUAL, indirect_costs=Decimal(250_001)), "overhead"),
        (bought_by_the_hour(hours_missing=179), "day_ahead_coverage"),
        (replace(USUAL, related_parties=True), "related_parties"),
        (replace(USUAL, related_parties=None), "related_parties_not_said"),
    ],
)
def test_what_is_odd_is_said(declared: Declared, code: str) -> None:
    assert codes(declared) == [code]


@pytest.mark.parametrize(
    "declared",
    [
        replace(USUAL, pue=Decimal("1.01")), replace(USUAL, pue=Decimal(3)), asset(life_years=Decimal(3)),
        asset(life_years=Decimal(8)), asset(life_years=Decimal(6), residual_value=Decimal(0)),
        replace(USUAL, used_share=Decimal("0.35")), replace(USUAL, contract_price=Decimal("0.276")),
        replace(USUAL, active_kilowatts=Decimal("4.02")), asset(price=Decimal(206_000)),
    ],
)  # fmt: skip
def test_the_ends_of_a_band_belong_to_it(declared: Declared) -> None:
    assert codes(declared) == []


def test_electricity_that_is_nearly_nothing_or_most_of_the_cost_is_odd() -> None:
    little = asset(price=Decimal(200_000), residual_value=Decimal(1000))
    little = replace(little, active_kilowatts=Decimal("0.2"), idle_kilowatts=Decimal("0.1"))
    assert codes(little) == ["electricity_share"]
    much = replace(asset(price=Decimal(4_000), residual_value=Decimal(200)), staff_posts=Decimal("0.01"))
    much = replace(much, hosting_year=Decimal(0), network_year=Decimal(0), licences_year=Decimal(0))
    assert codes(much) == ["electricity_share"]


def test_a_device_that_nobody_saw_in_a_shop_is_not_held_against_one() -> None:
    assert "purchase_price" not in codes(asset(price=Decimal(900_000)), model="H100 SXM5")


def test_every_band_names_who_says_so() -> None:
    odd = replace(USUAL, pue=Decimal(1), staff_posts=Decimal(0), related_parties=None)
    cost = cost_of(odd, device_count=8, year_from=date(2026, 1, 1))
    assert all(
        one.band.source for one in plausibility.oddities(odd, cost, year_from=DAY, device=None, power=None)
    )


@given(st.decimals(min_value="0.02", max_value=1, places=3), st.decimals(min_value=1, max_value=9, places=2))
def test_a_warning_says_a_number_outside_its_band(used: Decimal, pue: Decimal) -> None:
    declared = replace(USUAL, used_share=used, pue=pue)
    cost = cost_of(declared, device_count=8, year_from=date(2026, 1, 1))
    for odd in plausibility.oddities(declared, cost, year_from=DAY, device=None, power=None):
        assert odd.code == "no_staff" or not odd.band.holds(odd.value)
