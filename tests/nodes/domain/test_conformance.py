"""Reports of conformance jobs, by machines that may lie, and what they make of a node."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nodes.domain import conformance
from nodes.domain.conformance import Carried, Figures

CARRIED = Carried(has_started=True, exit_code=0, has_log=True, nonce="n", gpus_held=2)
SEEN = {
    "uid": 1000, "processes": 3, "interfaces": [], "reaches_metadata": False, "readable": [], "writable": [],
    "gpu_files": ["nvidia0", "nvidia1"], "cpus": 8, "kernel": "6.8",
}  # fmt: skip
BENCHMARK = {
    "matrix": {"gflops": 40.0, "precision": "fp64", "method": "numpy 2.1"}, "memory": {"gbps": 20.0},
    "disk": {"mbps": 900.0}, "gpus": {"missing": "ModuleNotFoundError"},
}  # fmt: skip


def report(**seen: Any) -> dict[str, Any]:
    return {"job": "1.0", "nonce": "n", "seen": SEEN | seen, "benchmark": BENCHMARK}


def missed(report: object, carried: Carried = CARRIED) -> list[str]:
    return [one.code for one in conformance.judge(report, carried) if not one.is_met]


def test_a_sandbox_that_keeps_its_promises_meets_every_requirement() -> None:
    assert missed(report()) == []


@pytest.mark.parametrize(
    ("seen", "requirement"),
    [
        ({"uid": 0}, "unprivileged"), ({"uid": None}, "unprivileged"), ({"uid": True}, "unprivileged"),
        ({"processes": 140}, "own_processes"), ({"processes": "3"}, "own_processes"),
        ({"interfaces": ["eth0"]}, "no_network"), ({"reaches_metadata": True}, "no_metadata"),
        ({"reaches_metadata": None}, "no_metadata"), ({"readable": ["/etc/shadow"]}, "hides_host"),
        ({"writable": ["/usr"]}, "keeps_system"), ({"gpu_files": ["nvidia0"]}, "held_devices"),
        ({"gpu_files": "nvidia0"}, "held_devices"),
    ],
)  # fmt: skip
def test_what_a_sandbox_lets_through_is_named(seen: dict[str, Any], requirement: str) -> None:
    assert missed(report(**seen)) == [requirement]


@pytest.mark.parametrize(
    ("carried", "requirement"),
    [
        ({"has_started": False}, "starts"), ({"exit_code": 1}, "ends"), ({"exit_code": None}, "ends"),
        ({"has_log": False}, "prints"),
    ],
)  # fmt: skip
def test_what_the_site_saw_of_the_job_counts_too(carried: dict[str, Any], requirement: str) -> None:
    assert missed(report(), replace(CARRIED, **carried)) == [requirement]


@pytest.mark.parametrize(
    "forged",
    [
        None, [], "text", {}, {"job": "1.0"}, report() | {"nonce": "another"}, report() | {"job": "2.0"},
        report() | {"seen": 5},
    ],
)  # fmt: skip
def test_a_report_that_is_not_of_this_job_meets_nothing_of_the_sandbox(forged: object) -> None:
    assert len(missed(forged)) >= 7
    assert "no_network" in missed(forged)


def test_a_whole_host_may_show_the_gpus_that_it_has() -> None:
    assert missed(report(), replace(CARRIED, gpus_held=None)) == []


def test_figures_are_read_with_how_they_were_measured() -> None:
    told = conformance.figures(report())
    assert told == Figures(40.0, "numpy 2.1", 20.0, 900.0)
    assert Figures.of_json(told.to_json()) == told
    gpus = [{"index": 0, "gflops": 50_000, "method": "torch 2.8"}, {"index": 1, "gflops": 52_000.0}]
    measured = conformance.figures({"benchmark": BENCHMARK | {"gpus": gpus}})
    assert (measured.gpu_mean, measured.gpu_method) == (51_000.0, "torch 2.8")
    assert Figures.of_json(measured.to_json()) == measured


@pytest.mark.parametrize("speed", [0, -1, True, "40", None, float("inf"), float("nan"), 1e10])
def test_a_figure_that_cannot_be_is_none(speed: object) -> None:
    told = conformance.figures({"benchmark": {"matrix": {"gflops": speed}, "gpus": [{"gflops": speed}]}})
    assert (told.matrix_gflops, told.gpu_gflops) == (None, ())


@pytest.mark.parametrize("broken", [None, 5, {"benchmark": 5}, {"benchmark": {"matrix": [], "gpus": [5]}}])
def test_a_report_without_figures_has_none(broken: object) -> None:
    assert conformance.figures(broken) == Figures()


REFERENCE = Figures(40.0, "numpy 2.1", 20.0, 900.0)


@pytest.mark.parametrize(
    ("now", "good"),
    [
        ({}, True), ({"matrix_gflops": 38.0}, True), ({"matrix_gflops": 37.9}, False),
        ({"matrix_gflops": 42.1}, False), ({"memory_gbps": 18.0}, False), ({"memory_gbps": None}, False),
        ({"disk_mbps": 1.0}, True), ({"matrix_method": "python 3.11"}, False),
    ],
)  # fmt: skip
def test_more_than_five_in_a_hundred_off_is_not_good(now: dict[str, Any], good: bool) -> None:
    """A disk is shared with others and not judged. Another method measures something else."""
    assert conformance.is_good(conformance.off(replace(REFERENCE, **now), REFERENCE)) is good


def test_nothing_to_hold_it_against_is_not_good() -> None:
    assert not conformance.is_good(conformance.off(REFERENCE, Figures()))


def test_ten_good_ones_in_a_row_then_one_day_in_as_many() -> None:
    assert [conformance.in_a_row([True] * n) for n in (0, 3)] == [0, 3]
    assert conformance.in_a_row([True, True, False, True]) == 2
    assert all(conformance.is_looked_at(n, 0.999) for n in range(10))
    assert [conformance.is_looked_at(10, draw) for draw in (0.0, 0.0999, 0.1, 0.9)] == [
        True,
        True,
        False,
        False,
    ]
    assert sum(conformance.is_looked_at(40, number / 1000) for number in range(1000)) == 25


@pytest.mark.parametrize(
    ("described", "passed", "consecutive", "level"),
    [(False, True, 99, 0), (True, False, 99, 1), (True, True, 9, 2), (True, True, 10, 3)],
)
def test_each_level_needs_the_one_below(described: bool, passed: bool, consecutive: int, level: int) -> None:
    found = conformance.level(is_described=described, has_passed=passed, consecutive=consecutive)
    assert found == level
