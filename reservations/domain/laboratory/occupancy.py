"""Which devices of a pool are held when: one whole number per mark, with a bit for each device.

Thousands of devices and a week of marks are tried in microseconds so, and no two slots can share a device:
a test holds them to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate
from operator import or_


@dataclass(frozen=True, slots=True)
class Span:
    """`[start, end)` in seconds. Ends on a mark; starts on one, or at the moment it is held."""

    start: int
    end: int


class Occupancy:
    """The slots of one pool of like devices. `mark` in seconds; nothing is asked of before `since`."""

    def __init__(self, devices: int, mark: int, *, since: int) -> None:
        self.everything = (1 << devices) - 1
        self._mark = mark
        # Who has begun and is not over: exact, whatever the mark says.
        self._begun = 0
        # By mark, counted from the first that is kept.
        self._held: list[int] = []
        self._kept_from = since // mark

    def free(self, span: Span, now: int) -> int:
        """The devices that nobody holds at any time of the span."""
        busy = reduce(or_, self._between(*self._marks(span, now)), 0)
        if span.start <= now:
            busy |= self._begun
        return self.everything & ~busy

    def free_starts(self, devices: int, length: int, start: int, until: int) -> Iterator[tuple[int, int]]:
        """Marks from `start` to `until` at which so many devices are free for so long, and which those are.

        The ends of windows of one width: all of them in three steps per mark (van Herk, 1992).
        """
        first, last = -(-start // self._mark), until // self._mark
        if last < first:
            return
        width = -(-length // self._mark)
        masks = self._between(first, last + width)
        masks += [0] * (last + width - first - len(masks))  # nobody holds anything that far ahead
        for offset, busy in enumerate(windows(masks, width)):
            free = self.everything & ~busy
            if free.bit_count() >= devices:
                yield (first + offset) * self._mark, free

    def hold(self, devices: int, span: Span, now: int) -> None:
        if span.start <= now:
            self._begun |= devices
        first, last = self._marks(span, now)
        self._held += [0] * (last - self._end)
        for at in range(first - self._kept_from, last - self._kept_from):
            self._held[at] |= devices

    def begin(self, devices: int) -> None:
        self._begun |= devices

    def release(self, devices: int, span: Span, now: int) -> None:
        """Give back what is left of a slot that has begun."""
        self._begun &= ~devices
        for at in range(now // self._mark + 1 - self._kept_from, span.end // self._mark - self._kept_from):
            self._held[at] &= ~devices

    def cancel(self, devices: int, span: Span) -> None:
        """Give back a slot that has not begun."""
        for at in range(span.start // self._mark - self._kept_from, span.end // self._mark - self._kept_from):
            self._held[at] &= ~devices

    def forget(self, before: int) -> None:
        """Marks that are over."""
        over = max(0, min(len(self._held), before // self._mark - self._kept_from))
        del self._held[:over]
        self._kept_from += over

    @property
    def _end(self) -> int:
        return self._kept_from + len(self._held)

    def _between(self, first: int, last: int) -> list[int]:
        """As far as anything is noted."""
        return self._held[first - self._kept_from : last - self._kept_from]

    def _marks(self, span: Span, now: int) -> tuple[int, int]:
        """The marks that a span is noted under: what has begun is noted from the next mark on."""
        first = now // self._mark + 1 if span.start <= now else span.start // self._mark
        return first, span.end // self._mark


def lowest(mask: int, count: int) -> int:
    """The first `count` devices of a mask that has as many."""
    low, high = 0, mask.bit_length()
    while low < high:
        middle = (low + high) // 2
        if (mask & ((1 << middle) - 1)).bit_count() < count:
            low = middle + 1
        else:
            high = middle
    return mask & ((1 << low) - 1)


def places(mask: int) -> Iterator[int]:
    """The numbers of a mask's devices."""
    while mask:
        last = mask & -mask
        yield last.bit_length() - 1
        mask ^= last


def windows(masks: Sequence[int], width: int) -> list[int]:
    """For every run of `width` neighbours what any of them has. From each block's both ends inwards."""
    forward: list[int] = []
    backward: list[int] = []
    for start in range(0, len(masks), width):
        block = masks[start : start + width]
        forward += accumulate(block, or_)
        backward += reversed([*accumulate(reversed(block), or_)])
    return [backward[at] | forward[at + width - 1] for at in range(len(masks) - width + 1)]
