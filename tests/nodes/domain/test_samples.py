"""What a heartbeat tells is taken as far as it can be true."""

from __future__ import annotations

import math
from typing import Any

import pytest

from nodes.domain.samples import MOST_BYTES, MOST_GPUS, GpuLoad, Load, read_load

WHOLE: dict[str, Any] = {
    "cpu_percent": 12.5, "memory_used_bytes": 8 * 2**30, "disk_free_bytes": 10**12, "clock_offset_s": -0.25,
    "gpus": [
        {"index": 1, "temperature_c": 61, "power_w": 310.5, "utilisation_percent": 97,
         "memory_used_bytes": 5},
        {"index": 0},
    ],
}  # fmt: skip


def test_everything_that_can_be_true_is_kept_by_the_number_of_its_device() -> None:
    load = read_load(WHOLE)
    assert (load.cpu_percent, load.clock_offset_s, load.disk_free_bytes) == (12.5, -0.25, 10**12)
    assert load.gpus == (GpuLoad(0), GpuLoad(1, 61.0, 310.5, 97.0, 5))


@pytest.mark.parametrize(
    "told", [None, [], "busy", 7, {}, {"gpus": None}, {"gpus": {"0": {}}}, {"load_1m": 3}]
)
def test_what_tells_nothing_is_nothing(told: object) -> None:
    assert read_load(told) == Load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cpu_percent", -1), ("cpu_percent", 101), ("cpu_percent", math.nan), ("cpu_percent", math.inf),
        ("cpu_percent", 10**400), ("cpu_percent", True), ("cpu_percent", "12"), ("cpu_percent", [12]),
        ("memory_used_bytes", -1), ("memory_used_bytes", MOST_BYTES + 1), ("memory_used_bytes", math.nan),
        ("disk_free_bytes", None), ("clock_offset_s", 1e300), ("clock_offset_s", {}),
    ],
)  # fmt: skip
def test_one_member_that_cannot_be_leaves_the_others(name: str, value: object) -> None:
    load = read_load(WHOLE | {name: value})
    assert getattr(load, name) is None
    assert len(load.gpus) == 2


@pytest.mark.parametrize("index", [None, -1, True, "0", 1.5, MOST_GPUS, 2**40])
def test_a_device_without_its_number_is_none(index: object) -> None:
    assert read_load({"gpus": [{"index": index, "power_w": 3}]}).gpus == ()


def test_a_device_told_twice_is_told_once_and_a_thousand_are_cut() -> None:
    twice = read_load({"gpus": [{"index": 0, "power_w": 1}, {"index": 0, "power_w": 2}]})
    assert [gpu.power_w for gpu in twice.gpus] == [1.0]
    assert len(read_load({"gpus": [{"index": n} for n in range(1000)]}).gpus) == MOST_GPUS
