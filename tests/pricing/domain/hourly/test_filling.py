from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given, strategies as st

from pricing.domain.hourly.filling import (
    Known,
    by_hour_of_day,
    completed,
    context,
    coverage,
    hours_between,
    mean,
)
from pricing.domain.hourly.values import HOUR, Basis

START = datetime(2023, 3, 1, tzinfo=UTC)
END = START + timedelta(days=14)
D = Decimal

values = st.decimals(-500, 5000, places=2, allow_nan=False)
known_hours = st.dictionaries(
    st.integers(-24 * 8, 24 * 22).map(lambda hours: START + hours * HOUR),
    st.builds(Known, values, st.booleans(), st.integers(1, 3)),
    max_size=300,
)


def every_hour(value: str = "10", *, without: Mapping[datetime, int] | None = None) -> dict[datetime, Known]:
    """`without`: from when, for how many hours nothing is known."""
    gone = {start + step * HOUR for start, count in (without or {}).items() for step in range(count)}
    return {
        hour: Known(D(value) + hour.hour)
        for hour in hours_between(START - timedelta(days=8), END + timedelta(days=8))
        if hour not in gone
    }


@given(known_hours)
def test_every_hour_is_answered_once_and_what_is_known_stays(known: dict[datetime, Known]) -> None:
    hours = completed(known, start=START, end=END)
    assert [hour.start for hour in hours] == [START + step * HOUR for step in range(24 * 14)]
    for hour in hours:
        if hour.start in known:
            assert (hour.value, hour.origin) == (known[hour.start].value, known[hour.start].origin)
            assert hour.basis in (Basis.REPORTED, Basis.ESTIMATED)
        else:
            assert hour.origin == 0
            assert hour.basis in (None, Basis.LINE, Basis.WEEK, Basis.MONTH)
        assert (hour.value is None) == (hour.basis is None)


@given(known_hours)
def test_an_estimate_lies_between_the_least_and_the_most_that_is_known(known: dict[datetime, Known]) -> None:
    found = [one.value for one in known.values()]
    for hour in completed(known, start=START, end=END):
        if hour.start not in known and hour.value is not None:
            assert min(found) <= hour.value <= max(found)


@given(known_hours)
def test_the_hours_count_as_reported_estimated_or_missing(known: dict[datetime, Known]) -> None:
    cover = coverage(completed(known, start=START, end=END))
    assert cover.reported + cover.estimated + cover.missing == cover.hours == 24 * 14
    assert cover.reported == sum(START <= hour < END and not one.is_estimate for hour, one in known.items())


@given(known_hours, st.integers(0, 24 * 14 - 1), values)
def test_knowing_one_hour_more_never_leaves_more_without_a_figure(
    known: dict[datetime, Known], step: int, value: Decimal
) -> None:
    before = coverage(completed(known, start=START, end=END))
    after = coverage(completed({START + step * HOUR: Known(value), **known}, start=START, end=END))
    assert after.missing <= before.missing


@given(known_hours, st.integers(0, 24 * 14 - 2), st.integers(1, 48))
def test_what_is_asked_about_changes_no_answer(known: dict[datetime, Known], first: int, count: int) -> None:
    """A page of a day and a page of two weeks say the same of an hour, from what `context` names alone."""
    start = START + first * HOUR
    end = min(start + count * HOUR, END)
    least, most = context(start, end)
    near = {hour: one for hour, one in known.items() if least <= hour < most}
    whole = completed(known, start=START, end=END)
    assert completed(near, start=start, end=end) == whole[first : first + (end - start) // HOUR]


def test_up_to_three_hours_lie_on_a_straight_line() -> None:
    gap = START + timedelta(days=2, hours=10)
    known = every_hour(without={gap: 3})
    known[gap - HOUR], known[gap + 3 * HOUR] = Known(D(20)), Known(D(40))
    found = completed(known, start=gap, end=gap + 3 * HOUR)
    assert [hour.value for hour in found] == [D(25), D(30), D(35)]
    assert {hour.basis for hour in found} == {Basis.LINE}


def test_a_longer_gap_takes_the_weeks_before_and_after() -> None:
    gap = START + timedelta(days=7)
    known = every_hour(without={gap: 4})
    known[gap - timedelta(days=7)], known[gap + timedelta(days=7)] = Known(D(30)), Known(D(50))
    del known[gap + HOUR + timedelta(days=7)]  # then the week before alone
    first, second, *_rest = completed(known, start=gap, end=gap + 4 * HOUR)
    assert (first.value, first.basis) == (D(40), Basis.WEEK)
    assert (second.value, second.basis) == (D(11), Basis.WEEK)


def test_else_the_mean_of_the_hour_of_day_in_the_month() -> None:
    known = {datetime(2023, 3, day, 12, tzinfo=UTC): Known(D(day)) for day in (1, 2, 3, 4, 5, 6, 7)}
    (noon,) = completed(
        known, start=datetime(2023, 3, 25, 12, tzinfo=UTC), end=datetime(2023, 3, 25, 13, tzinfo=UTC)
    )
    assert (noon.value, noon.basis) == (D(4), Basis.MONTH)
    del known[datetime(2023, 3, 7, 12, tzinfo=UTC)]
    (noon,) = completed(
        known, start=datetime(2023, 3, 25, 12, tzinfo=UTC), end=datetime(2023, 3, 25, 13, tzinfo=UTC)
    )
    assert (noon.value, noon.basis) == (None, None)  # six days are too few


def test_nothing_is_estimated_of_nothing() -> None:
    hours = completed({}, start=START, end=END)
    assert {hour.value for hour in hours} == {None}
    assert coverage(hours).share == 0
    assert mean(hours) is None


def test_the_hours_of_day_are_local_and_a_clock_change_has_its_own() -> None:
    """26 March 2023 in Paris has 23 hours, none of them at 2; 29 October 25, two of them at 2."""
    paris = ZoneInfo("Europe/Paris")
    for day, counts in ((datetime(2023, 3, 26), {2: 0}), (datetime(2023, 10, 29), {2: 2})):
        start = day.replace(tzinfo=paris).astimezone(UTC)
        end = (day + timedelta(days=1)).replace(tzinfo=paris).astimezone(UTC)
        known = {hour: Known(D(1)) for hour in hours_between(start, end)}
        found = by_hour_of_day(completed(known, start=start, end=end), paris)
        assert {one.hour: one.count for one in found} == dict.fromkeys(range(24), 1) | counts
        assert found[2].mean == (D(1) if counts[2] else None)
