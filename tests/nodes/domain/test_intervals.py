from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, strategies as st

from nodes.domain.intervals import (
    MARK,
    HoldFact,
    Interval,
    common,
    earliest_gap,
    next_mark,
    point_ranges,
    rebuild_holds,
    without,
)

T0 = datetime(2026, 11, 23, tzinfo=UTC)
minutes = st.integers(0, 600)


def at(minute: int) -> datetime:
    return T0 + timedelta(minutes=minute)


def test_a_mark_is_its_own_next_mark() -> None:
    assert next_mark(at(15)) == at(15)
    assert next_mark(at(15) + timedelta(microseconds=1)) == at(30)


@given(st.lists(st.tuples(minutes, st.integers(1, 120))), minutes, st.integers(1, 16))
def test_the_earliest_gap_is_free_on_a_mark_and_none_is_earlier(
    taken: list[tuple[int, int]], after: int, quarters: int
) -> None:
    intervals = [Interval(at(start), at(start + length)) for start, length in taken]
    length = quarters * MARK
    found = earliest_gap(intervals, length=length, after=at(after), until=at(3000))

    def is_free(start: datetime) -> bool:
        return all(one.end <= start or start + length <= one.start for one in intervals)

    tried = next_mark(at(after))
    while not is_free(tried):
        tried += MARK
    assert found == tried


def test_a_gap_must_be_over_in_time() -> None:
    assert earliest_gap([], length=MARK, after=at(0), until=at(15)) == at(0)
    assert earliest_gap([], length=MARK, after=at(1), until=at(29)) is None


@pytest.mark.parametrize(
    ("numbers", "written"), [([], "{}"), ([7], "{[7,8)}"), ([3, 1, 2, 2, 9], "{[1,4),[9,10)}")]
)
def test_device_ids_are_written_as_few_ranges(numbers: list[int], written: str) -> None:
    assert point_ranges(numbers) == written


def test_a_history_leaves_what_was_not_given_back() -> None:
    def fact(number: int, start: int, end: int) -> HoldFact:
        return HoldFact(UUID(int=number), number, "r", "offer", Interval(at(start), at(end)))

    events = [
        ("granted", fact(1, 0, 60)), ("granted", fact(2, 0, 60)), ("granted", fact(3, 0, 60)),
        ("started", fact(1, 0, 60)), ("released", fact(1, 20, 60)), ("cancelled", fact(2, 0, 60)),
        ("withdrawn", fact(3, 0, 60)), ("granted", fact(4, 0, 60)),
    ]  # fmt: skip
    left = rebuild_holds(events)
    assert {uid.int: hold.during for uid, hold in left.items()} == {
        1: Interval(at(0), at(20)), 4: Interval(at(0), at(60))
    }  # fmt: skip


def test_intervals_that_touch_have_nothing_in_common() -> None:
    first, second = Interval(at(0), at(30)), Interval(at(30), at(60))
    assert common(first, second) is None
    assert common(first, Interval(at(20), at(40))) == Interval(at(20), at(30))


@given(minutes, st.integers(1, 120), minutes, st.integers(1, 120))
def test_what_is_common_and_what_is_left_make_up_the_whole(a: int, long: int, b: int, wide: int) -> None:
    one, taken = Interval(at(a), at(a + long)), Interval(at(b), at(b + wide))
    both = common(one, taken)
    if both is None:
        return
    parts = sorted([*without(one, taken), both])
    assert (parts[0].start, parts[-1].end) == (one.start, one.end)
    assert all(left.end == right.start for left, right in zip(parts, parts[1:], strict=False))
