from __future__ import annotations

from functools import reduce
from operator import or_
from random import Random

import pytest

from reservations.domain.laboratory.occupancy import Occupancy, Span, lowest, places, windows

MARK = 900


class Plain:
    """The same by looking at every slot: second by second where it counts."""

    def __init__(self, devices: int) -> None:
        self.everything = (1 << devices) - 1
        self.slots: dict[int, tuple[int, Span]] = {}

    def free(self, span: Span) -> int:
        taken = (mask for mask, one in self.slots.values() if one.start < span.end and span.start < one.end)
        return self.everything & ~reduce(or_, taken, 0)


def test_slots_that_touch_share_a_device_and_slots_that_overlap_do_not() -> None:
    pool = Occupancy(2, MARK, since=0)
    pool.hold(0b01, Span(1800, 3600), now=0)
    assert pool.free(Span(900, 1800), 0) == 0b11
    assert pool.free(Span(900, 2700), 0) == 0b10
    assert pool.free(Span(3600, 4500), 0) == 0b11


def test_a_slot_begun_between_marks_is_free_again_the_second_it_is_released() -> None:
    pool = Occupancy(1, MARK, since=0)
    pool.hold(0b1, Span(100, 7200), now=100)
    assert pool.free(Span(200, 1800), 200) == 0
    pool.release(0b1, Span(100, 7200), now=200)
    assert pool.free(Span(200, 1800), 200) == 0b1
    assert pool.free(Span(900, 1800), 200) == 0b1


def test_free_starts_are_the_marks_where_enough_is_free_for_so_long() -> None:
    pool = Occupancy(2, MARK, since=0)
    pool.hold(0b11, Span(900, 1800), now=0)
    pool.hold(0b01, Span(2700, 3600), now=0)
    assert [*pool.free_starts(2, 900, 0, 4500)][0] == (0, 0b11)
    assert [start for start, _free in pool.free_starts(2, 900, 0, 4500)] == [0, 1800, 3600, 4500]
    assert [start for start, _free in pool.free_starts(1, 1800, 1, 4500)] == [1800, 2700, 3600, 4500]
    assert [*pool.free_starts(2, 1800, 1, 2700)] == []
    assert [*pool.free_starts(2, 900, 4501, 4600)] == []


class Both:
    """The one and the other, done the same to; they are asked the same as they go."""

    def __init__(self, devices: int) -> None:
        self.devices, self.now = devices, 0
        self.pool, self.plain = Occupancy(devices, MARK, since=0), Plain(devices)

    def pass_time(self, seconds: int) -> None:
        """Slots end before others begin."""
        self.now += seconds
        for key, (mask, span) in sorted(self.plain.slots.items(), key=lambda one: one[1][1].end):
            if span.end <= self.now:
                self.pool.release(mask, span, span.end)
                del self.plain.slots[key]
        for mask, span in self.plain.slots.values():
            if span.start <= self.now:
                self.pool.begin(mask)
        self.pool.forget(self.now)

    def give_back(self, key: int) -> None:
        mask, span = self.plain.slots.pop(key)
        if span.start > self.now:
            self.pool.cancel(mask, span)
        else:
            self.pool.release(mask, span, self.now)

    def hold(self, key: int, span: Span, count: int) -> None:
        free = self.pool.free(span, self.now)
        assert free == self.plain.free(span)
        if free.bit_count() >= count:
            mask = lowest(free, count)
            self.pool.hold(mask, span, self.now)
            self.plain.slots[key] = (mask, span)

    def compare_starts(self, count: int) -> None:
        until = self.now + 40 * MARK
        marks = range((self.now // MARK + 1) * MARK, until + 1, MARK)
        found = dict(self.pool.free_starts(count, 3 * MARK, self.now + 1, until))
        plain = {at: self.plain.free(Span(at, at + 3 * MARK)) for at in marks}
        assert found == {at: free for at, free in plain.items() if free.bit_count() >= count}


@pytest.mark.parametrize("seed", range(20))
def test_it_says_what_looking_at_every_slot_says_whatever_was_held_and_released(seed: int) -> None:
    draw = Random(seed)
    both = Both(devices=draw.choice([1, 3, 8, 70]))
    for number in range(120):
        both.pass_time(draw.choice([0, 0, 17, 450, 900, 3000]))
        if both.plain.slots and draw.random() < 0.3:
            both.give_back(draw.choice([*both.plain.slots]))
        mark = both.now // MARK
        start = both.now if draw.random() < 0.5 else (mark + draw.randrange(1, 12)) * MARK
        end = (start // MARK + draw.randrange(1, 20)) * MARK
        both.hold(number, Span(start, max(end, (mark + 1) * MARK)), draw.randrange(1, both.devices + 1))
        both.compare_starts(draw.randrange(1, both.devices + 1))


def test_the_lowest_devices_are_taken() -> None:
    assert lowest(0b101101, 3) == 0b1101
    assert lowest(0b101101, 4) == 0b101101
    assert [*places(0b101101)] == [0, 2, 3, 5]


def test_every_window_has_what_any_of_its_neighbours_has() -> None:
    draw = Random(3)
    for length in range(1, 12):
        masks = [draw.getrandbits(6) & draw.getrandbits(6) for _ in range(length)]
        for width in range(1, length + 1):
            plain = [reduce(or_, masks[at : at + width]) for at in range(length - width + 1)]
            assert windows(masks, width) == plain
