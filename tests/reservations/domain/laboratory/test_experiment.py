from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from reservations.domain import exact_json
from reservations.domain.laboratory import experiment
from reservations.domain.laboratory.booking import Person
from reservations.domain.laboratory.experiment import COURSES, Machine, Report, TooLarge, prepare
from reservations.domain.laboratory.requests import CPU, GPU, Assumptions
from reservations.domain.laboratory.traces import Trace
from reservations.domain.policy import standard
from tests.reservations.domain.laboratory.test_requests import READY, job
from tests.reservations.domain.laboratory.worlds import nobody

HOUR = 3600
# Eight CPUs for an hour, twice, the second while the first runs; a job with GPUs; a large one.
JOBS = (
    job(number=2, ran=HOUR, waited=0),
    job(number=3, ran=HOUR, waited=60, submitted=READY + 1800, group="art"),
    job(number=4, ran=HOUR, waited=0, submitted=READY + 2000, gpus=Fraction(3, 2)),
    job(number=5, ran=60, waited=0, submitted=READY + 9000, cpus=12),
)


def prepared(*jobs: object, processors: int | None = None, **machine: object):  # type: ignore[no-untyped-def]
    trace = Trace(jobs or JOBS, {"no_run_time": 2}, processors)  # type: ignore[arg-type]
    return prepare(
        trace, policy=standard(), assumed=Assumptions(), machine=Machine(**machine), person=Person()  # type: ignore[arg-type]
    )  # fmt: skip


def report(seed: str = "equinode") -> Report:
    trace = Trace(JOBS, {}, None)
    made = prepare(trace, policy=standard(), assumed=Assumptions(seed), machine=Machine(), person=Person())
    return made.report([made.course(name, nobody) for name in COURSES], "ab" * 32)


def test_a_machine_is_as_large_as_the_most_that_was_held_at_once() -> None:
    pools = {pool.name: (pool.devices, pool.sized_by) for pool in prepared().pools}
    assert pools == {CPU: (16, "peak"), GPU: (2, "peak")}


def test_the_header_says_how_large_it_was_and_an_option_says_so_first() -> None:
    assert [pool.devices for pool in prepared(processors=40).pools] == [40, 2]
    given = prepared(processors=40, devices=12, gpus=7)
    assert [(pool.devices, pool.sized_by) for pool in given.pools] == [(12, "given"), (7, "given")]


def test_a_load_sizes_it_by_the_work_and_never_below_the_largest_job() -> None:
    # In 2 h 30 min 16 h and 12 min of CPUs and 2 h of GPUs: a tenth of 64.8 and of 8.
    sized = prepared(load=Fraction(1, 10)).pools
    assert [(pool.devices, pool.sized_by) for pool in sized] == [(65, "load"), (8, "load")]
    assert prepared(load=Fraction(10)).pools[0].devices == 12


def test_without_waits_the_usual_load_sizes_it() -> None:
    jobs = [replace(one, waited=None) for one in JOBS]
    assert {pool.sized_by for pool in prepared(*jobs).pools} == {"load"}


def test_what_no_cluster_of_that_size_can_run_is_left_out_and_counted() -> None:
    small = prepared(devices=8)
    assert small.left_out == {"larger_than_the_cluster": 1, "no_run_time": 2}
    assert [ask.number for ask in small.asks] == [0, 1, 2]
    assert set(small.demand.groups) == {"physics", "art"}


def test_a_cluster_beyond_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "MOST_DEVICES", 15)
    with pytest.raises(TooLarge, match="16 devices of cpu, and 15 at most"):
        prepared()


def test_a_report_has_every_course_and_what_was_recorded() -> None:
    made = report()
    assert [outcome.name for outcome in made.outcomes] == ["recorded", *COURSES]
    assert all(outcome.started == 4 for outcome in made.outcomes)
    assert {len(outcome.projects) for outcome in made.outcomes} == {2}
    assert made.requests == 4


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    first, again, other = (exact_json.canonical(report(seed).to_json()) for seed in ("a", "a", "b"))
    assert first == again
    assert first != other


def test_a_report_says_all_that_decides_its_figures() -> None:
    told = report().to_json()
    assert told["policy"] == standard().digest
    assert told["engine"] == "2"
    assumed = told["assumed"]
    assert isinstance(assumed, dict)
    assert assumed["seed"] == "equinode"
    assert set(assumed) >= {"lead", "class_mix", "shares", "cpus_per_device"}
    assert told["person"] == {"patience_hours": 168, "again_hours": 4, "look_hours": 4}
