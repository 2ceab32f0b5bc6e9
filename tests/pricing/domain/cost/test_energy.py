from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from pricing.domain.cost.energy import (
    RANKED,
    Reading,
    from_counters,
    gap,
    job_energy,
    node_energy,
    ranked,
)
from pricing.domain.declared import EnergySource
from pricing.domain.exact import rounded, split, total

D = Decimal
WALL, BMC, RAPL_NVML, MODEL = RANKED
kilowatt_hours = st.decimals(min_value=0, max_value=10_000, places=3)
shares = st.decimals(min_value=0, max_value=1, places=4)


def test_a_wall_meter_outranks_all_others() -> None:
    readings = [Reading(MODEL, D(120)), Reading(RAPL_NVML, D(90)), Reading(WALL, D(100)), Reading(BMC, D(96))]
    (part,) = ranked(readings).parts
    assert part == Reading(WALL, D(100))


def test_what_a_meter_missed_is_taken_from_the_next_best() -> None:
    readings = [Reading(MODEL, D(120)), Reading(WALL, D(50), D("0.5")), Reading(BMC, D(60), D("0.75"))]
    energy = ranked(readings)
    assert energy.parts == (Reading(WALL, D(50), D("0.5")), Reading(BMC, D(40), D("0.5")))
    assert (energy.kilowatt_hours, energy.measured_share) == (D(90), 1)


def test_the_model_counts_only_where_nothing_measured() -> None:
    energy = ranked([Reading(WALL, D(75), D("0.75")), Reading(MODEL, D(120))])
    assert (energy.kilowatt_hours, energy.covered_share, energy.measured_share) == (105, 1, D("0.75"))


@given(st.lists(st.tuples(st.sampled_from(EnergySource), kilowatt_hours, shares), max_size=4))
def test_sources_cover_a_period_once_at_most(rows: list[tuple[EnergySource, D, D]]) -> None:
    readings = [Reading(*row) for row in rows]
    energy = ranked(readings)
    assert 0 <= energy.covered_share <= 1
    assert energy.kilowatt_hours <= total(reading.kilowatt_hours for reading in readings)
    with_model = ranked([*readings, Reading(MODEL, D(100))])
    assert with_model.covered_share == 1
    assert all(part.kilowatt_hours >= 0 for part in with_model.parts)


def test_the_gap_between_two_sources_is_a_share_of_the_better_one() -> None:
    assert gap(D(100), D(92)) == D("-0.08")
    assert gap(D(0), D(5)) is None


def test_counters_miss_what_the_power_supply_loses() -> None:
    reading = from_counters(processors=D(30), accelerators=D(60), supply_factor=D("1.2"))
    assert reading == Reading(RAPL_NVML, D(108))


def test_active_power_goes_by_measured_use() -> None:
    """A node at 40 W of which 10 W are active, a container with 20 % of the use.

    https://github.com/sustainable-computing-io/kepler, docs/developer/power-attribution-guide.md
    """
    job = job_energy(node_idle=D(30), node_active=D(10), reserved_share=D(0), measured_share=D("0.2"))
    assert job.active == D(2)


@pytest.mark.parametrize("measured", ["0.5", "1"])
def test_idle_power_does_not_vanish_on_a_busy_node(measured: str) -> None:
    """Half of the node is reserved: half of what it draws idle, however much the job computes."""
    job = job_energy(
        node_idle=D("1.4"), node_active=D("4.8"), reserved_share=D("0.5"), measured_share=D(measured)
    )
    assert job.idle == D("0.7")
    assert job.kilowatt_hours == D("0.7") + D("4.8") * D(measured)


@given(
    kilowatt_hours, kilowatt_hours,
    st.lists(st.tuples(st.integers(1, 8), st.integers(0, 100)), min_size=1, max_size=8),
)  # fmt: skip
def test_jobs_that_share_a_node_draw_all_of_it(idle: D, active: D, jobs: list[tuple[int, int]]) -> None:
    grain = D("1e-12")
    reserved = split(D(1), [D(devices) for devices, _used in jobs], grain=grain)
    measured = split(D(1), [D(used + 1) for _devices, used in jobs], grain=grain)
    parts = [
        job_energy(node_idle=idle, node_active=active, reserved_share=one, measured_share=other)
        for one, other in zip(reserved, measured, strict=True)
    ]
    assert total(part.kilowatt_hours for part in parts) == idle + active
    assert all(part.kilowatt_hours >= 0 for part in parts)


def test_what_waiting_draws_is_taken_off_first() -> None:
    assert node_energy(idle_kilowatts=D("1.4"), drawn=D(40), hours=D(10)) == (14, 26)
    assert node_energy(idle_kilowatts=D("1.4"), drawn=D(10), hours=D(10)) == (10, 0)


@given(st.decimals(min_value=0, max_value=5, places=3), kilowatt_hours, st.integers(1, 744))
def test_what_was_drawn_is_idle_and_active(idle: D, drawn: D, hours: int) -> None:
    parts = node_energy(idle_kilowatts=idle, drawn=drawn, hours=D(hours))
    assert min(parts) >= 0
    assert rounded(sum(parts)) == rounded(drawn)
