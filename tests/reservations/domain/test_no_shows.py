from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reservations.domain import policy as policies
from reservations.domain.no_shows import Facts, Judgement, judge, released_from, sanctioned_until, times_of
from reservations.domain.policy import Policy

START = datetime(2026, 11, 24, 10, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WINDOW, LENGTH = 30 * DAY, 14 * DAY


def test_a_policy_that_says_nothing_of_no_shows_has_no_such_times() -> None:
    assert times_of(START, START + HOUR, Policy()) is None


@pytest.mark.parametrize(
    ("length", "warned", "released"),
    [
        (4 * HOUR, 15 * MINUTE, 30 * MINUTE),
        (HOUR, 15 * MINUTE, 30 * MINUTE),
        (45 * MINUTE, 11.25 * MINUTE, 22.5 * MINUTE),
        (30 * MINUTE, 7.5 * MINUTE, 15 * MINUTE),
    ],
)
def test_the_rest_is_released_after_half_an_hour_or_half_the_slot(
    length: timedelta, warned: timedelta, released: timedelta
) -> None:
    times = times_of(START, START + length, policies.standard())
    assert times is not None
    assert (times.warned, times.released) == (START + warned, START + released)


def test_a_late_warning_leaves_as_much_time_as_one_that_came_in_time() -> None:
    times = times_of(START, START + 4 * HOUR, policies.standard())
    assert times is not None
    assert released_from(times, times.warned) == times.released
    assert released_from(times, START + 2 * HOUR) == START + 2 * HOUR + 15 * MINUTE


WARNED = Facts(warned_at=START + 15 * MINUTE)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (WARNED, Judgement(True, "unused")),
        (Facts(), Judgement(None, "not_warned")),
        (replace(WARNED, checked_in_at=START), Judgement(False, "checked_in")),
        (replace(WARNED, ran_at=START), Judgement(False, "run")),
        (replace(WARNED, ran_at=START, is_node_at_fault=True), Judgement(False, "run")),
        (replace(WARNED, is_node_at_fault=True, is_waiting=True), Judgement(None, "node_fault")),
        (replace(WARNED, is_waiting=True, silent_nodes=("a",)), Judgement(None, "queued")),
        (replace(WARNED, silent_nodes=("a",)), Judgement(None, "node_away")),
        (replace(WARNED, is_suspended=True), Judgement(None, "suspended")),
        (replace(WARNED, is_given_up=True), Judgement(None, "given_up")),
    ],
)
def test_a_no_show_is_said_only_where_nothing_speaks_for_the_person(facts: Facts, said: Judgement) -> None:
    assert judge(facts) == said


def _until(*days: int, at: int) -> datetime | None:
    judged = [START + day * DAY for day in days]
    return sanctioned_until(judged, most=3, window=WINDOW, length=LENGTH, at=START + at * DAY)


def test_three_no_shows_in_thirty_days_count_for_two_weeks_from_the_third() -> None:
    assert _until(0, 10, at=11) is None
    assert _until(0, 10, 29, at=30) == START + 43 * DAY
    assert _until(0, 10, 29, at=43) is None
    assert _until(0, 10, 30, at=30) is None
    assert _until(0, 10, 30, 35, at=36) == START + 49 * DAY
    assert _until(at=0) is None
