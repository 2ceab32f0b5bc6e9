from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from reservations.domain.laboratory import queueing
from reservations.domain.laboratory.placements import Course
from reservations.domain.laboratory.requests import GPU, HOUR, Ask
from tests.reservations.domain.laboratory.worlds import (
    MONDAY,
    ask,
    cluster,
    crowd,
    groups,
    most_at_once,
    nobody,
    starts,
)

HALF_LIFE = timedelta(days=14)


def first_come(asks: list[Ask], devices: int, *, backfill: bool = False) -> Course:
    return queueing.first_come(asks, cluster(devices), backfill=backfill, tick=nobody)


def fair_tree(asks: list[Ask], devices: int, **shares: int) -> Course:
    return queueing.fair_tree(
        asks, cluster(devices), groups=groups(**shares), half_life=HALF_LIFE, tick=nobody
    )


# Two devices. The first holds one for two hours, the second wants both, the third one for an hour.
BLOCKED = [ask(0, 0, length=2 * HOUR), ask(1, 60, devices=2), ask(2, 120)]


def test_strict_order_lets_nobody_go_before_whoever_came_first() -> None:
    assert starts(first_come(BLOCKED, 2)) == {0: 0, 1: 7200, 2: 10_800}


def test_backfill_lets_a_later_job_go_first_where_the_first_does_not_start_later_for_it() -> None:
    assert starts(first_come(BLOCKED, 2, backfill=True)) == {0: 0, 1: 7200, 2: 120}


def test_backfill_goes_by_the_time_that_was_requested_not_by_the_time_it_took() -> None:
    # The third would be done in time, but asks for an hour and a minute too much.
    asks = [*BLOCKED[:2], ask(2, 120, length=2 * HOUR, runs=60)]
    assert starts(first_come(asks, 2, backfill=True)) == {0: 0, 1: 7200, 2: 10_800}


def test_a_job_that_ends_early_lets_the_next_start_then() -> None:
    asks = [ask(0, 0, length=2 * HOUR, runs=600), ask(1, 60)]
    assert starts(first_come(asks, 1)) == {0: 0, 1: 600}


def test_devices_that_the_first_will_not_need_are_lent_for_longer() -> None:
    # Four devices: at 2 h the first in order takes three of them, so one is spare for however long.
    asks = [
        ask(0, 0, devices=3, length=2 * HOUR), ask(1, 60, devices=3), ask(2, 120, length=9 * HOUR),
        ask(3, 180, length=9 * HOUR),
    ]  # fmt: skip
    assert starts(first_come(asks, 4, backfill=True)) == {0: 0, 1: 7200, 2: 120, 3: 10_800}


def test_pools_queue_apart() -> None:
    asks = [ask(0, 0), ask(1, 60, pool=GPU), ask(2, 120)]
    course = queueing.first_come(asks, cluster(1, gpus=1), backfill=False, tick=nobody)
    assert starts(course) == {0: 0, 1: 60, 2: 3600}


def test_who_has_used_more_goes_later() -> None:
    # `one` has used two hours when a place comes free; both have waited, and `one` came first.
    asks = [ask(0, 0, length=2 * HOUR), ask(1, 60), ask(2, 120, project="two")]
    assert starts(first_come(asks, 1)) == {0: 0, 1: 7200, 2: 10_800}
    assert starts(fair_tree(asks, 1, one=1, two=1)) == {0: 0, 2: 7200, 1: 10_800}


def test_who_has_more_shares_may_have_used_more() -> None:
    # Used 2 h and 1 h, shares 3 to 1: the levels are 3/4 : 2/3 and 1/4 : 1/3, so `one` goes first.
    asks = [
        ask(0, 0, length=2 * HOUR), ask(1, 0, project="two"), ask(2, 10_000, project="two", devices=2),
        ask(3, 10_001, devices=2), ask(4, 9_000, project="three", devices=2, length=1800),
    ]  # fmt: skip
    in_order = sorted(asks, key=lambda one: (one.ready, one.number))
    begun = starts(fair_tree(in_order, 2, one=3, two=1, three=1))
    assert begun[4] == 9_000
    assert (begun[3], begun[2]) == (10_800, 14_400)


def test_who_ties_goes_in_the_order_of_arrival() -> None:
    asks = [ask(0, 0, project="three"), ask(1, 60, project="two"), ask(2, 120)]
    assert starts(fair_tree(asks, 1, one=1, two=1, three=1)) == {0: 0, 1: 3600, 2: 7200}


@pytest.mark.parametrize("seed", range(6))
def test_every_job_runs_once_for_its_time_and_never_on_more_than_there_is(seed: int) -> None:
    asks = crowd(seed)
    for course in (
        first_come(asks, 8), first_come(asks, 8, backfill=True), fair_tree(asks, 8, one=1, two=2, three=3),
    ):  # fmt: skip
        assert sorted(one.ask.number for one in course.placed) == [one.number for one in asks]
        assert all(one.end - one.start == one.ask.runs for one in course.placed)
        assert all(one.start >= one.ask.ready for one in course.placed)
        assert most_at_once(course) == 8


@pytest.mark.parametrize("seed", range(6))
def test_strict_order_is_the_order_of_arrival(seed: int) -> None:
    begun = starts(first_come(crowd(seed), 8))
    assert all(one <= other for one, other in pairwise(begun[number] for number in sorted(begun)))


@pytest.mark.parametrize("seed", range(6))
def test_nothing_fits_that_is_left_waiting(seed: int) -> None:
    """Work is conserved: whoever is first in order starts as soon as there is room."""
    course = first_come(crowd(seed), 8)
    placed = sorted(course.placed, key=lambda one: one.ask.number)
    for before, one in pairwise(placed):
        if one.wait and one.start > before.start:
            moments = {other.end for other in placed if other.end <= one.start}
            # It began the moment another ended, and a moment sooner it did not fit.
            assert one.start in moments
            running = sum(other.ask.devices for other in placed if other.start < one.start <= other.end)
            assert running + one.ask.devices > 8


def test_told_how_far_it_is() -> None:
    told: list[int] = []
    queueing.first_come(crowd(1), cluster(8), backfill=True, tick=told.append)
    assert told == sorted(told)
    assert told[-1] == 120


def test_moments_are_kept_as_they_are() -> None:
    (one,) = first_come([ask(0, 5, runs=7)], 1).placed
    assert (one.start, one.end, one.until) == (MONDAY + 5, MONDAY + 12, MONDAY + 5 + HOUR)
