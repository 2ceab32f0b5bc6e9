from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from pricing.domain.cost import EnergyHour, NoHours, Supply, day_ahead_mean, electricity_cost, electricity_of
from pricing.domain.cost.electricity import electricity, energy
from pricing.domain.declared import Declared, Kind, faults
from pricing.domain.exact import rounded, total
from tests.pricing.domain.examples import S1, declarations, s1

D = Decimal
PRICES = st.decimals(min_value=-500, max_value=4000, places=2)
FRENCH_NIGHT = [D("102.73"), D("94.14"), D("88.60"), D("36.15")]  # EUR per MWh


def test_four_real_hours() -> None:
    """France, 1 October 2023, 00:00 to 04:00 local time, 2.5 kW at a PUE of 1.2.

    RTE éCO2mix, https://www.rte-france.com/eco2mix, and ENTSO-E, https://transparency.entsoe.eu, agree.
    """
    hours = [EnergyHour(D("2.5"), Supply().price(price), D("1.2")) for price in FRENCH_NIGHT]
    assert electricity_of(hours) == D("0.96486")
    prices = [price / 1000 for price in FRENCH_NIGHT]
    assert electricity_cost(kilowatt_hours=[D("2.5")] * 4, pue=D("1.2"), prices=prices) == D("0.96486")


def test_the_electricity_of_a_core() -> None:
    """Half a kilowatt, 36 cores: https://www.internet2.edu/blogs/detail/14114"""
    power_plant, cooling = D("0.13"), D("0.04")
    price = Supply(energy_adder=power_plant, grid_fee=cooling).price(D(80))
    assert (EnergyHour(D("0.5"), price).cost / 36).quantize(D("0.000001")) == D("0.003472")


def test_a_negative_price_is_income_until_fees_make_up_for_it() -> None:
    hour = EnergyHour(D(2), Supply().price(D(-10)), D("1.5"))
    assert hour.cost == D("-0.03")
    assert replace(hour, eur_per_kwh=Supply(grid_fee=D("0.02")).price(D(-10))).cost == D("0.03")


def test_every_part_of_the_price_is_added() -> None:
    supply = Supply(energy_adder=D("0.01"), grid_fee=D("0.04"), tax=D("0.02"))
    assert (supply.added, supply.price(D(80)), supply.price(D(-100))) == (D("0.07"), D("0.15"), D("-0.03"))


def test_pue_may_differ_by_hour() -> None:
    night, noon = EnergyHour(D(1), D("0.1"), D("1.1")), EnergyHour(D(1), D("0.1"), D("1.4"))
    assert electricity_of([night, noon]) == D("0.25")


@given(st.lists(st.tuples(st.decimals(min_value=0, max_value=50, places=3), PRICES), max_size=30))
def test_hours_add_up_in_any_order(rows: list[tuple[D, D]]) -> None:
    hours = [EnergyHour(used, price / 1000, D("1.25")) for used, price in rows]
    assert electricity_of(hours) == electricity_of(reversed(hours)) == total(hour.cost for hour in hours)


@given(st.lists(PRICES, min_size=1, max_size=50), st.decimals(min_value=0, max_value=10, places=3))
def test_constant_power_costs_the_mean_price(prices: list[D], kilowatts: D) -> None:
    """What a statement counts with: its hours are not known yet."""
    mean = day_ahead_mean("FR", since=date(2025, 1, 1), until=date(2026, 1, 1), eur_per_mwh=prices)
    hour_by_hour = electricity_of(EnergyHour(kilowatts, Supply().price(price)) for price in prices)
    by_mean = EnergyHour(kilowatts * len(prices), Supply().price(mean.eur_per_mwh)).cost
    assert abs(hour_by_hour - by_mean) <= kilowatts * len(prices) * D("0.00000005") + D("1e-9")


def test_hours_without_a_price_are_counted_and_left_out() -> None:
    mean = day_ahead_mean(
        "FR", since=date(2023, 10, 1), until=date(2023, 10, 2), eur_per_mwh=[*FRENCH_NIGHT, None, None]
    )
    assert (mean.eur_per_mwh, mean.hours_known, mean.hours_missing) == (D("80.405"), 4, 2)
    with pytest.raises(NoHours):
        day_ahead_mean("FR", since=date(2023, 10, 1), until=date(2023, 10, 2), eur_per_mwh=[None])


def test_a_statement_by_day_ahead_price_names_its_zone() -> None:
    mean = day_ahead_mean("FR", since=date(2023, 10, 1), until=date(2023, 10, 2), eur_per_mwh=FRENCH_NIGHT)
    declared = replace(
        S1, contract_price=None, day_ahead=mean, energy_adder=D("0.01"), grid_fee=D("0.04"),
        electricity_tax=D("0.014595"),
    )  # fmt: skip
    assert faults(declared) == []
    assert declared.electricity_price == D("0.145")
    line = next(line for line in s1(declared).components if line.kind is Kind.ELECTRICITY)
    assert line.full_year == D("7401.70944")  # as at the contract price of S1
    assert line.detail["zone"] == "FR"


def test_s1_draws_40837_kilowatt_hours() -> None:
    assert energy(S1, available=D("8409.6")) == D("40837.0176")
    assert electricity(S1, D("8409.6")).full_year == D("7401.70944")


@given(declarations())
def test_a_node_draws_between_idle_and_active(declared: Declared) -> None:
    used, available = energy(declared, available=declared.available_hours), declared.available_hours
    assert declared.idle_kilowatts * available <= rounded(used) + D("0.001")
    assert used <= declared.active_kilowatts * available


@given(declarations())
def test_a_busier_node_draws_no_less(declared: Declared) -> None:
    rarer = replace(declared, used_share=declared.used_share / 2)
    hours = declared.available_hours
    assert energy(rarer, available=hours) <= energy(declared, available=hours)
