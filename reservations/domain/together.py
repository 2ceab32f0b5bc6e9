"""When so many of some devices are free at once. Pure, on the marks on which slots start."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reservations.domain.slots import EPOCH, Slot


@dataclass(frozen=True)
class Pool:
    """Devices that are alike, in the order to take them, and how many of them are wanted together."""

    wanted: int
    free: Mapping[str, Sequence[Slot]]

    def free_in(self, slot: Slot) -> list[str]:
        """Those that are free for the whole of a slot."""
        return [
            device
            for device, gaps in self.free.items()
            if any(gap.start <= slot.start and slot.end <= gap.end for gap in gaps)
        ]


@dataclass(frozen=True)
class Starts:
    """The marks on which a slot of some length can start: spans from first to last, both included."""

    mark: timedelta
    spans: tuple[tuple[int, int], ...]  # marks since 1970, in order, apart from each other

    @property
    def exist(self) -> bool:
        return bool(self.spans)

    def before(self, moment: datetime) -> datetime | None:
        """The last one at or before a moment."""
        number = (moment - EPOCH) // self.mark
        place = bisect_right(self.spans, number, key=lambda span: span[0]) - 1
        return self._moment(min(number, self.spans[place][1])) if place >= 0 else None

    def after(self, moment: datetime) -> datetime | None:
        """The first one at or after a moment."""
        number = -((EPOCH - moment) // self.mark)
        place = bisect_left(self.spans, number, key=lambda span: span[1])
        return self._moment(max(number, self.spans[place][0])) if place < len(self.spans) else None

    def nearest(self, moment: datetime) -> datetime | None:
        """The closest of all; of two as close, the earlier."""
        found = [start for start in (self.before(moment), self.after(moment)) if start is not None]
        return min(found, key=lambda start: abs(start - moment), default=None)

    def _moment(self, number: int) -> datetime:
        return EPOCH + number * self.mark


def starts(pools: Sequence[Pool], *, length: timedelta, mark: timedelta) -> Starts:
    """When every pool has its devices free for so long; not always the same ones."""
    spans = [(-(2**62), 2**62)]
    for pool in pools:
        spans = list(_in_both(spans, list(_enough(pool, length, mark))))
    return Starts(mark, tuple(spans) if pools else ())


def _enough(pool: Pool, length: timedelta, mark: timedelta) -> Iterator[tuple[int, int]]:
    change: Counter[int] = Counter()
    for gaps in pool.free.values():
        for gap in gaps:
            first, last = -((EPOCH - gap.start) // mark), (gap.end - length - EPOCH) // mark
            if first <= last:
                change[first] += 1
                change[last + 1] -= 1
    devices, since = 0, None
    for number in sorted(change):
        devices += change[number]
        if devices >= pool.wanted and since is None:
            since = number
        elif devices < pool.wanted and since is not None:
            yield since, number - 1
            since = None


def _in_both(some: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    one = other = 0
    while one < len(some) and other < len(others):
        first, last = max(some[one][0], others[other][0]), min(some[one][1], others[other][1])
        if first <= last:
            yield first, last
        if some[one][1] < others[other][1]:
            one += 1
        else:
            other += 1
