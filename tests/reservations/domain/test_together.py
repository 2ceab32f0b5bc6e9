from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given, strategies as st

from reservations.domain.slots import MARK, Slot
from reservations.domain.together import Pool, starts
from tests.reservations.domain.worlds import TODAY, later

DAY = Slot(later(0), later(24))


def pool(wanted: int, **free: list[tuple[float, float]]) -> Pool:
    gaps = {device: [Slot(later(a), later(b)) for a, b in spans] for device, spans in free.items()}
    return Pool(wanted, gaps)


def found(*pools: Pool, hours: float = 2) -> list[datetime]:
    """Every start, mark by mark, asked for one after the other."""
    possible = starts(pools, length=timedelta(hours=hours), mark=MARK)
    result, moment = [], DAY.start
    while (start := possible.after(moment)) is not None:
        result.append(start)
        moment = start + MARK
    return result


def test_one_device_is_free_as_its_gaps_are() -> None:
    assert found(pool(1, one=[(1, 4)])) == [later(1 + n / 4) for n in range(5)]


def test_two_together_only_while_both_are_free() -> None:
    both = pool(2, one=[(0, 5)], other=[(3, 9)])
    assert found(both) == [later(3)]


def test_other_devices_may_take_over_from_one_start_to_the_next() -> None:
    two_of_three = pool(2, one=[(0, 3)], other=[(0, 8)], third=[(5, 8)])
    assert found(two_of_three) == [later(n / 4) for n in (0, 1, 2, 3, 4, 20, 21, 22, 23, 24)]


def test_every_pool_has_its_own_at_the_same_time() -> None:
    assert found(pool(1, one=[(0, 5)]), pool(1, other=[(2, 9)])) == [later(2 + n / 4) for n in range(5)]


def test_what_is_too_short_is_no_start() -> None:
    assert not starts([pool(1, one=[(0, 1.9)])], length=timedelta(hours=2), mark=MARK).exist
    assert not starts([], length=timedelta(hours=2), mark=MARK).exist


def test_the_nearest_of_two_as_close_is_the_earlier() -> None:
    possible = starts([pool(1, one=[(0, 2), (4, 6)])], length=timedelta(hours=2), mark=MARK)
    assert possible.nearest(later(2)) == later(0)
    assert possible.nearest(later(2.25)) == later(4)
    assert possible.before(later(-1)) is None
    assert possible.after(later(4.1)) is None
    assert possible.before(later(3.1)) == later(0)


@given(
    gaps=st.lists(st.lists(st.tuples(st.integers(0, 80), st.integers(1, 30)), max_size=4), max_size=4),
    wanted=st.integers(1, 3),
    length=st.integers(1, 12),
    moment=st.integers(-5, 120),
)
def test_it_agrees_with_looking_at_every_mark(
    gaps: list[list[tuple[int, int]]], wanted: int, length: int, moment: int
) -> None:
    free: dict[str, list[Slot]] = {}
    for number, its in enumerate(gaps):
        taken: list[Slot] = []
        for start, long in sorted(its):
            gap = Slot(TODAY + start * MARK, TODAY + (start + long) * MARK)
            if not taken or taken[-1].end < gap.start:  # gaps of one device are apart
                taken.append(gap)
        free[str(number)] = taken
    one = Pool(wanted, free)
    possible = starts([one], length=length * MARK, mark=MARK)
    every = [
        start
        for start in (TODAY + n * MARK for n in range(130))
        if len(one.free_in(Slot(start, start + length * MARK))) >= wanted
    ]
    asked = TODAY + moment * MARK
    assert possible.exist == bool(every)
    assert possible.before(asked) == max((start for start in every if start <= asked), default=None)
    assert possible.after(asked) == min((start for start in every if start >= asked), default=None)
    assert possible.nearest(asked) == min(every, key=lambda start: (abs(start - asked), start), default=None)
