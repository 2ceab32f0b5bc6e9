from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from pricing.domain.declared import Asset
from pricing.domain.exact import total
from pricing.domain.sci import (
    Carbon,
    CarbonHour,
    Range,
    embodied,
    embodied_of,
    operational,
    reserved_energy,
)
from tests.pricing.domain.examples import DGX, assets

D = Decimal
FOUR_YEARS = D(4 * 365 * 24)
ON = date(2026, 10, 1)


def test_an_hour_of_a_server_of_a_tonne() -> None:
    """SCI 1.1, the example of embodied emissions: 1,000 kg over four years, all of it for one hour.

    https://github.com/Green-Software-Foundation/sci/blob/main/SPEC.md
    """
    grams = embodied(kilograms=D(1000), life_hours=FOUR_YEARS, reserved_hours=D(1))
    assert grams.quantize(D("0.0001")) == D("28.5388")


def test_the_case_of_eshoppen() -> None:
    """Two of sixteen cores for an hour: https://github.com/Green-Software-Foundation/sci-guide

    The page prints 4.305 for M, whose formula comes to 4.3005; with its 4.305 it gets 26.178.
    """
    making = embodied(
        kilograms=D("1205.52"), life_hours=D(35_040), reserved_hours=D(1), reserved_share=D(2) / 16
    )
    assert making.quantize(D("0.0001")) == D("4.3005")
    running = operational([CarbonHour(D("0.023"), D(951))])
    assert running + D("4.305") == D("26.178")
    carbon = Carbon(running, Range(making, making, making))
    assert carbon.per(D(1)).quantize(D("0.001")) == D("26.174")


def test_two_real_hours_of_german_power() -> None:
    """3 kWh in each; life-cycle intensities of 1 January 2024, 00 and 01 UTC, Electricity Maps.

    https://portal.electricitymaps.com/datasets
    """
    hours = [CarbonHour(D(3), D("177.74")), CarbonHour(D(3), D("179.08"))]
    assert operational(hours) == D("1070.46")


def test_a_server_by_boavizta() -> None:
    """Two Xeon Gold 6130, 12 x 16 GB, one disk, two power supplies.

    BoaviztAPI 2.5.0: https://github.com/Boavizta/boaviztapi
    """
    parts = {"assembly": "6.68", "processors": "45.62", "memory": "400", "disk": "26", "supplies": "150",
             "case": "150", "board": "66.1"}  # fmt: skip
    kilograms = total(map(D, parts.values()))
    assert round(kilograms, -1) == 840
    used = [CarbonHour(D("0.3") * 35_040, D(98))]  # four years at 300 W in France
    assert round(operational(used) / 1000, -1) == 1030
    year = embodied(kilograms=D(840), life_hours=FOUR_YEARS, reserved_hours=D(8760))
    assert year == 210_000  # a quarter


def test_an_accelerator_by_boavizta() -> None:
    """BoaviztAPI 2.5.0: 575.1 kg for an H100 SXM of 80 GB; over five years, an hour of one."""
    hour = embodied(kilograms=D("575.1"), life_hours=D(5 * 8760), reserved_hours=D(1))
    assert hour.quantize(D("0.01")) == D("13.13")


def test_energy_is_drawn_behind_the_meter_of_the_place() -> None:
    assert CarbonHour(D(2), D(50), D("1.2")).grams == 120


def test_what_is_reserved_counts_used_or_not() -> None:
    """SCI 1.1: energy includes all hardware reserved, also while it waits."""
    used = reserved_energy(
        active_kilowatts=D("6.2"), idle_kilowatts=D("1.4"), reserved_hours=D(10), used_hours=D(4)
    )
    assert used == D("33.2")
    with pytest.raises(ValueError, match="more hours used than reserved"):
        reserved_energy(active_kilowatts=D(1), idle_kilowatts=D(0), reserved_hours=D(1), used_hours=D(2))


def test_the_bounds_of_the_source_go_with_the_figure() -> None:
    server = replace(DGX, embodied_kilograms=D(840), embodied_lowest=D(508), embodied_highest=D(1321))
    life = D((date(2031, 1, 1) - date(2026, 1, 1)).days * 24)
    found = embodied_of([server], on=ON, reserved_hours=life, reserved_share=D("0.125"))
    assert found == Range(D(105_000), D(63_500), D(165_125))


@pytest.mark.parametrize("day", [date(2025, 12, 31), date(2031, 1, 1)])
def test_before_and_after_its_life_making_it_weighs_nothing(day: date) -> None:
    server = replace(DGX, embodied_kilograms=D(840))
    assert embodied_of([server], on=day, reserved_hours=D(1)) == Range(D(0), D(0), D(0))


def test_it_counts_from_the_day_it_was_bought() -> None:
    server = replace(DGX, embodied_kilograms=D(840))
    found = embodied_of([server], on=server.purchased_on, reserved_hours=D(1))
    assert found is not None
    assert found.grams > 0


def test_nobody_said_is_not_nothing() -> None:
    assert embodied_of([DGX], on=ON, reserved_hours=D(1)) is None


@given(assets(), st.lists(st.integers(1, 100), min_size=1, max_size=8))
def test_reservations_of_a_whole_life_weigh_all_of_it(asset: Asset, devices: list[int]) -> None:
    known = replace(asset, embodied_kilograms=D(1000), purchased_on=date(2026, 1, 1), life_years=D(4))
    life = D((date(2030, 1, 1) - date(2026, 1, 1)).days * 24)
    found = [
        embodied_of([known], on=ON, reserved_hours=life, reserved_share=D(each) / sum(devices))
        for each in devices
    ]
    assert total(part.grams for part in found).quantize(D("0.001")) == 1_000_000
    assert all(part.lowest <= part.grams <= part.highest for part in found)


@given(
    st.lists(st.tuples(st.decimals(0, 100, places=3), st.decimals(0, 1200, places=2)), max_size=20),
    st.decimals(min_value=0, max_value=10**5, places=2), st.integers(1, 1000),
)  # fmt: skip
def test_the_score_times_its_units_is_the_carbon(rows: list[tuple[D, D]], making: D, units: int) -> None:
    carbon = Carbon(operational(CarbonHour(*row) for row in rows), Range(making, making, making))
    assert carbon.grams >= 0
    assert abs(carbon.per(D(units)) * units - carbon.grams) < D("1e-9")
