from __future__ import annotations

from fractions import Fraction

import pytest

from reservations.domain.laboratory.placements import Placement
from reservations.domain.laboratory.requests import CPU, GPU, HOUR, Ask
from reservations.domain.laboratory.work import Windows, capacity, delivered, entitled, served, wanted
from tests.reservations.domain.laboratory.worlds import MONDAY, ask, cluster, crowd, groups


def placed(one: Ask, at: int) -> Placement:
    return Placement(one, MONDAY + at, MONDAY + at + one.runs, MONDAY + at + one.length)


def test_windows_cut_the_time_from_the_first_job_to_the_last() -> None:
    windows = Windows.over([ask(0, 0), ask(1, 25 * HOUR)], 10 * HOUR)
    assert [windows.of(number) for number in range(len(windows))] == [
        (MONDAY, MONDAY + 10 * HOUR), (MONDAY + 10 * HOUR, MONDAY + 20 * HOUR),
        (MONDAY + 20 * HOUR, MONDAY + 25 * HOUR),
    ]  # fmt: skip
    # From an hour before the first to an hour after the last: what lies outside is nobody's.
    parts = [*windows.parts(MONDAY - HOUR, MONDAY + 26 * HOUR)]
    assert parts == [(0, 10 * HOUR), (1, 10 * HOUR), (2, 5 * HOUR)]


def test_a_single_job_is_judged_over_an_hour() -> None:
    assert len(Windows.over([ask(0, 0)], 10 * HOUR)) == 1


def test_what_is_wanted_is_what_would_run_at_once_and_what_is_delivered_is_what_ran() -> None:
    asks = [ask(0, 0, devices=2, length=15 * HOUR), ask(1, 20 * HOUR)]
    windows = Windows.over(asks, 10 * HOUR)
    assert wanted(asks, windows, CPU) == {"one": [20 * HOUR, 10 * HOUR]}
    assert delivered([placed(asks[0], 5 * HOUR)], windows, CPU) == {"one": [10 * HOUR, 20 * HOUR]}
    assert wanted(asks, windows, GPU) == {}


def test_capacity_goes_by_shares_and_what_one_leaves_goes_to_others() -> None:
    # One device for 12 h, shares 1 and 2. `two` wants 2 h of its 8, so `one` is entitled to 10.
    windows = Windows(MONDAY, MONDAY + 12 * HOUR, 12 * HOUR)
    due = entitled({"one": [20 * HOUR], "two": [2 * HOUR]}, windows, devices=1, groups=groups(one=1, two=2))
    assert due == {"one": [10 * HOUR], "two": [2 * HOUR]}
    due = entitled({"one": [20 * HOUR], "two": [20 * HOUR]}, windows, devices=1, groups=groups(one=1, two=2))
    assert due == {"one": [4 * HOUR], "two": [8 * HOUR]}


def test_what_nothing_was_left_for_stays_wanted() -> None:
    windows = Windows(MONDAY, MONDAY + 24 * HOUR, 12 * HOUR)
    demand = {"one": [15 * HOUR, 0], "two": [9 * HOUR, 0]}
    due = entitled(demand, windows, devices=1, groups=groups(one=1, two=1))
    # 6 and 6; then 9 and 3, which is all of the second half.
    assert due == {"one": [6 * HOUR, 9 * HOUR], "two": [6 * HOUR, 3 * HOUR]}


@pytest.mark.parametrize("seed", range(5))
def test_entitlements_fill_the_capacity_or_the_demand_exactly(seed: int) -> None:
    asks = crowd(seed)
    windows = Windows.over(asks, 7 * HOUR)
    demand = wanted(asks, windows, CPU)
    due = entitled(demand, windows, devices=3, groups=groups(one=1, two=2, three=3))
    left = Fraction(0)
    for number in range(len(windows)):
        start, end = windows.of(number)
        left += sum(row[number] for row in demand.values())
        given = sum(row[number] for row in due.values())
        assert given == min(left, 3 * (end - start))
        left -= given


def test_pools_are_parted_by_themselves_and_added_by_weight() -> None:
    # A GPU's hour counts 16. Of 1 GPU and 4 CPUs for 2 h: one wants all GPUs, two all CPUs.
    asks = [
        ask(0, 0, pool=GPU, length=2 * HOUR), ask(1, 0, devices=4, length=2 * HOUR, project="two"),
        ask(2, 2 * HOUR, project="two", length=1),
    ]  # fmt: skip
    machine = cluster(4, gpus=1)
    windows = Windows.over(asks, 10 * HOUR)
    rows = served(asks, [placed(asks[0], 0)], windows, machine, groups(one=1, two=100))
    assert (rows["one"].wanted, rows["one"].entitled, rows["one"].delivered) == ((32,), (32,), (32,))
    assert (rows["two"].wanted, rows["two"].entitled, rows["two"].delivered) == ((8,), (8,), (0,))
    assert capacity(windows, machine) == [40]
