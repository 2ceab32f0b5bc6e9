from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from reservations.domain.decay import (
    LANDMARK,
    LN2,
    DegenerateHalfLife,
    counted,
    decay,
    growth,
    integral,
    seen_at,
)

FORTNIGHT = timedelta(days=14)
ages = st.integers(0, 10**13).map(lambda microseconds: timedelta(microseconds=microseconds))
half_lives = st.integers(60, 10**8).map(lambda seconds: timedelta(seconds=seconds))
# Relative, at 34 significant digits; a product of two rounded numbers takes three roundings.
WITHIN = Fraction(3, 10**33)


def assert_same(one: Decimal | Fraction, other: Decimal | Fraction, within: Fraction = WITHIN) -> None:
    """In fractions, since `Decimal` operators would round to the 28 digits of Python's own context."""
    one, other = Fraction(one), Fraction(other)
    assert abs(one - other) <= within * max(abs(one), abs(other))


@given(half_lives)
def test_exactly_half_is_left_after_one_half_life(half_life: timedelta) -> None:
    assert decay(half_life, half_life) == Decimal("0.5")
    assert decay(10 * half_life, half_life) == Decimal(1) / 1024


@given(ages, ages, half_lives)
def test_decaying_twice_is_decaying_once_for_longer(
    one: timedelta, other: timedelta, half_life: timedelta
) -> None:
    assert_same(
        decay(one + other, half_life), Fraction(decay(one, half_life)) * Fraction(decay(other, half_life))
    )


def slurm_decay(age: timedelta, half_life: timedelta) -> Decimal:
    """Slurm's linear step, `1 - 0.693 / h` per second (priority_multifactor.c)."""
    return (1 - Decimal("0.693") / Decimal(half_life.total_seconds())) ** int(age.total_seconds())


def test_slurms_approximation_would_fail_this_suite() -> None:
    week = timedelta(days=7)
    assert round(slurm_decay(week, week), 6) == Decimal("0.500073")
    assert slurm_decay(week, week) != decay(week, week)


@pytest.mark.parametrize("half_life", [timedelta(0), timedelta(seconds=-1)])
def test_a_half_life_of_nothing_is_refused(half_life: timedelta) -> None:
    for ask in (
        lambda: decay(FORTNIGHT, half_life),
        lambda: integral(LANDMARK, LANDMARK + FORTNIGHT, half_life),
    ):
        with pytest.raises(DegenerateHalfLife):
            ask()


def test_the_integral_over_one_half_life_is_h_over_ln_2() -> None:
    # The integral of 2**(t/h) from 0 to h is h / ln 2.
    assert_same(integral(LANDMARK, LANDMARK + FORTNIGHT, FORTNIGHT), 336 / Fraction(LN2))


def test_ln_2_has_34_digits() -> None:
    assert str(LN2) == "0.6931471805599453094172321214581766"  # OEIS A002162


@given(st.integers(0, 10**12), st.integers(1, 10**12), st.integers(1, 10**12))
def test_an_interval_counts_as_its_two_halves_do(start: int, first: int, second: int) -> None:
    begin = LANDMARK + timedelta(microseconds=start)
    middle = begin + timedelta(microseconds=first)
    end = middle + timedelta(microseconds=second)
    halves = Fraction(integral(begin, middle, FORTNIGHT)) + Fraction(integral(middle, end, FORTNIGHT))
    assert_same(integral(begin, end, FORTNIGHT), halves)


def test_the_integral_agrees_with_a_sum_of_minutes() -> None:
    minutes = 24 * 60
    middles = (timedelta(days=30, minutes=minute, seconds=30) for minute in range(minutes))
    added = sum(Fraction(growth(middle, FORTNIGHT)) for middle in middles) / 60
    begin = LANDMARK + timedelta(days=30)
    assert_same(integral(begin, begin + timedelta(days=1), FORTNIGHT), added, within=Fraction(1, 10**9))


def test_moving_the_landmark_by_half_lives_changes_no_ratio() -> None:
    one = [
        counted(Decimal("1.25"), LANDMARK + n * FORTNIGHT, LANDMARK + (n + 1) * FORTNIGHT, FORTNIGHT)
        for n in (0, 3)
    ]
    other = [
        counted(Decimal("1.25"), LANDMARK + n * FORTNIGHT, LANDMARK + (n + 1) * FORTNIGHT, FORTNIGHT)
        for n in (5, 8)
    ]
    assert_same(Fraction(one[0]) / Fraction(one[1]), Fraction(other[0]) / Fraction(other[1]))
    assert_same(other[0], 32 * Fraction(one[0]))


def test_usage_seen_a_half_life_later_is_half() -> None:
    stored = counted(Decimal(2), LANDMARK, LANDMARK + timedelta(hours=8), FORTNIGHT)
    moment = LANDMARK + timedelta(days=3)
    assert_same(
        2 * Fraction(seen_at(moment + FORTNIGHT, stored, FORTNIGHT)), seen_at(moment, stored, FORTNIGHT)
    )


def test_a_short_slot_just_used_counts_nearly_in_full() -> None:
    end = LANDMARK + timedelta(days=900, minutes=30)
    stored = counted(Decimal(1), end - timedelta(minutes=30), end, FORTNIGHT)
    assert Fraction(499, 1000) < Fraction(seen_at(end, stored, FORTNIGHT)) < Fraction(1, 2)


# --- published by others ---
DAY = timedelta(days=1)


def priority(stored: Decimal, at: datetime, half_life: timedelta) -> Fraction:
    """HTCondor's real user priority: usage x ln 2 / half-life, which settles at the cores in use."""
    hours = Fraction(half_life // timedelta(hours=1))
    return Fraction(seen_at(at, stored, half_life)) * Fraction(LN2) / hours


def test_htcondors_priorities_halve_and_settle() -> None:
    """cm-configuration.rst: 10, idle, is 5 after a day and 2.5 after two; 100 cores for 48 h from 0.5."""
    idle = counted(Decimal(10), LANDMARK - 200 * DAY, LANDMARK, DAY)  # so long that it has settled
    for days, left in ((0, 10), (1, 5), (2, Fraction(5, 2))):
        assert_same(priority(idle, LANDMARK + days * DAY, DAY), Fraction(left))
    busy = counted(Decimal(100), LANDMARK, LANDMARK + 2 * DAY, DAY)
    started_with = Fraction(1, 2) * Fraction(decay(2 * DAY, DAY))
    # The document says "about 75.0", and a newcomer at 0.5 has a 150th of it; exactly 75.125 and 150.25.
    assert_same(priority(busy, LANDMARK + 2 * DAY, DAY) + started_with, Fraction("75.125"))


@given(st.integers(1, 40), st.integers(1, 10**9))
def test_one_step_counts_as_many_small_ones_while_use_is_constant(steps: int, seconds: int) -> None:
    step = timedelta(seconds=seconds)
    whole = counted(Decimal(3), LANDMARK, LANDMARK + steps * step, FORTNIGHT)
    parts = sum(
        Fraction(counted(Decimal(3), LANDMARK + n * step, LANDMARK + (n + 1) * step, FORTNIGHT))
        for n in range(steps)
    )
    assert_same(whole, parts, within=Fraction(1, 10**30))


def test_a_quarter_in_half_lives_of_a_fortnight_and_of_a_week() -> None:
    """Waldur's emulator: 2 ** (-90/15) = 0.015625, so 2,000 h are 31.25; 2 ** (-90/7) = 0.000135."""
    quarter = timedelta(days=90)
    assert 2000 * decay(quarter, timedelta(days=15)) == Decimal("31.25")
    assert round(decay(quarter, timedelta(days=7)), 6) == Decimal("0.000135")


# --- a clock that jumps back ---
@given(st.integers(-(10**9), 10**9), st.integers(0, 10**7), st.integers(1, 10**6))
def test_a_look_before_the_landmark_or_the_event_leaves_no_trace(start: int, back: int, length: int) -> None:
    """Nothing stored depends on when it was read: once the clock is right, so is everything."""
    begin = LANDMARK + timedelta(seconds=start)
    end = begin + timedelta(seconds=length)
    one, other = (counted(Decimal(weight), begin, end, FORTNIGHT) for weight in (2, 6))
    early = begin - timedelta(seconds=back)
    assert_same(3 * Fraction(seen_at(early, one, FORTNIGHT)), seen_at(early, other, FORTNIGHT))
    seen_early = Fraction(seen_at(early, one, FORTNIGHT))
    assert_same(seen_early * Fraction(decay(end - early, FORTNIGHT)), seen_at(end, one, FORTNIGHT))


def test_a_clock_an_hour_behind_sees_use_a_five_hundredth_too_high() -> None:
    end = LANDMARK + timedelta(days=90)
    stored = counted(Decimal(1), end - timedelta(hours=8), end, FORTNIGHT)
    behind, right = (Fraction(seen_at(at, stored, FORTNIGHT)) for at in (end - timedelta(hours=1), end))
    assert 1 < behind / right < Fraction(502, 500)
