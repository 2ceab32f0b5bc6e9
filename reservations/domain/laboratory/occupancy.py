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
        self._counts: list[int] = []
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
        width = -(-length // self._mark)
        # Beyond what is noted nobody holds anything.
        beyond = max(0, last + width - first)
        masks = self._between(first, last + width)
        masks += [0] * (beyond - len(masks))
        counts = self._counts[first - self._kept_from : last + width - self._kept_from]
        counts += [0] * (beyond - len(counts))
        # Where too few are free at a mark none are for so long: often this is all there is to do.
        for begin, end in _runs(counts, self.everything.bit_length() - devices, width):
            for at, busy in enumerate(windows(masks[begin:end], width), begin):
                free = self.everything & ~busy
                if free.bit_count() >= devices:
                    yield (first + at) * self._mark, free

    def hold(self, devices: int, span: Span, now: int) -> None:
        if span.start <= now:
            self._begun |= devices
        first, last = self._marks(span, now)
        more = [0] * (last - self._kept_from - len(self._held))
        self._held += more
        self._counts += more
        self._change(devices, first, last, held=True)

    def begin(self, devices: int) -> None:
        self._begun |= devices

    def release(self, devices: int, span: Span, now: int) -> None:
        """Give back what is left of a slot that has begun."""
        self._begun &= ~devices
        self._change(devices, now // self._mark + 1, span.end // self._mark, held=False)

    def cancel(self, devices: int, span: Span) -> None:
        """Give back a slot that has not begun."""
        self._change(devices, span.start // self._mark, span.end // self._mark, held=False)

    def _change(self, devices: int, first: int, last: int, *, held: bool) -> None:
        marks = slice(first - self._kept_from, last - self._kept_from)
        number = devices.bit_count()
        if held:
            self._held[marks] = [mask | devices for mask in self._held[marks]]
            self._counts[marks] = [count + number for count in self._counts[marks]]
        else:
            kept = ~devices
            self._held[marks] = [mask & kept for mask in self._held[marks]]
            self._counts[marks] = [count - number for count in self._counts[marks]]

    def forget(self, before: int) -> None:
        """Marks that are over."""
        over = max(0, min(len(self._held), before // self._mark - self._kept_from))
        del self._held[:over], self._counts[:over]
        self._kept_from += over

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


def _runs(counts: Sequence[int], most: int, width: int) -> Iterator[tuple[int, int]]:
    """`[begin, end)` of stretches of at least `width` marks at each of which no more than `most` are held."""
    fits = bytes([count <= most for count in counts])
    begin, wanted = 0, b"\x01" * width
    while (begin := fits.find(wanted, begin)) >= 0:
        end = fits.find(b"\x00", begin + width)
        end = len(fits) if end < 0 else end
        yield begin, end
        begin = end
