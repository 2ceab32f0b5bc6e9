"""What somebody needs, without naming a node or an hour; when slots that answer it are tried; their order.

Nothing here decides: each slot that is tried is asked of the rules that decide on a booking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from reservations.domain.slots import HOUR, mark_after
from reservations.domain.together import Starts

# After the first start that there is: later the same day, the next ones, the next week.
_LATER = (timedelta(0), 12 * HOUR, 24 * HOUR, 72 * HOUR, 168 * HOUR)
_CLEANEST_WITHIN = timedelta(days=7)  # what is expected of hours beyond repeats those of a week before
_TRIED = 40  # of each order: what comes later in all of them is no answer


class Order(StrEnum):
    FINISH = "finish"
    PRICE = "price"
    CARBON = "carbon"


@dataclass(frozen=True)
class Need:
    devices: int  # together, on one node
    length: timedelta
    model: str = ""  # empty: any accelerator with so much memory
    memory_bytes: int = 0  # on each, at least
    not_before: datetime | None = None  # None: as soon as possible
    done_by: datetime | None = None
    at_most: Decimal | None = None  # EUR in all
    order: Order = Order.FINISH


@dataclass(frozen=True)
class Tried:
    """A slot on free devices of one node; `refused`: by which rules, had it been asked for."""

    place: int  # in the list of nodes that were looked at
    devices: tuple[str, ...]
    start: datetime
    end: datetime
    to_pay: Decimal  # EUR an hour, for all devices
    grams: Decimal | None  # of CO2e; None: not known
    runs_jobs: bool = True  # the node has an agent

    def key(self, order: Order) -> tuple[object, ...]:
        """By what is wanted first; of those as good, the soonest, the cheapest, then the list of nodes.

        All are of one length, so what begins first is finished first. Where no job can run stands last:
        it may be booked ahead of its node, but answers no need as it is.
        """
        price = self.to_pay * ((self.end - self.start) // timedelta(seconds=1))
        rest = (self.start, price, self.place)
        if order is Order.PRICE:
            return (not self.runs_jobs, price, *rest)
        if order is Order.CARBON:
            return (not self.runs_jobs, self.grams is None, self.grams or Decimal(0), *rest)
        return (not self.runs_jobs, *rest)


def moments(
    possible: Starts,
    *,
    need: Need,
    at: datetime,
    until: datetime,
    grams: Callable[[datetime], Decimal | None],
) -> Iterator[datetime]:
    """Marks at which a slot of that length can start, apart from now: each once, not in order.

    `grams`: what a slot from then on is expected to emit; the cleanest start within a week is tried, too.
    """
    begin = max(at, need.not_before or at)
    first = possible.after(begin)
    if first is None:
        return
    told = {start for later in _LATER if (start := possible.after(first + later)) is not None}
    hours = _hours(first, min(until, first + _CLEANEST_WITHIN, need.done_by or until) - need.length)
    weighed = [
        (known, hour) for hour in hours if possible.after(hour) == hour and (known := grams(hour)) is not None
    ]
    if weighed:
        told.add(min(weighed)[1])
    yield from told


def _hours(first: datetime, last: datetime) -> Iterator[datetime]:
    hour = mark_after(first, HOUR)
    while hour <= last:
        yield hour
        hour += HOUR


def worth_trying(found: Iterable[Tried], need: Need) -> list[Tried]:
    """The first of each order, those that are over in time before the others; in the order that is wanted."""
    every = list(found)
    kept: set[Tried] = set()
    for order in Order:
        ranked = sorted(every, key=lambda one: (not _in_time(one, need), one.key(order)))
        kept.update(ranked[:_TRIED])
    return in_order(kept, need)


def in_order(found: Iterable[Tried], need: Need) -> list[Tried]:
    return sorted(found, key=lambda one: one.key(need.order))


def _in_time(one: Tried, need: Need) -> bool:
    return need.done_by is None or one.end <= need.done_by


@dataclass(frozen=True)
class Priced:
    """One that was tried, with what the rules say of it."""

    tried: Tried
    total: Decimal  # EUR
    level_after: Decimal | None  # None: nothing used yet
    refused: tuple[str, ...]  # rules


@dataclass(frozen=True)
class Sorted:
    """What answers the need, and what stands beside it and why."""

    fitting: Sequence[Priced]
    too_late: Sequence[Priced]
    too_dear: Sequence[Priced]
    refused: Sequence[Priced]  # free, in time and not too dear, but for the rules


def sort_out(priced: Sequence[Priced], need: Need) -> Sorted:
    """Each stands once: by a rule that refuses it last, since a person can move a wish and not a rule."""
    fitting, late, dear, refused = [], [], [], []
    for one in priced:
        if not _in_time(one.tried, need):
            late.append(one)
        elif need.at_most is not None and one.total > need.at_most:
            dear.append(one)
        elif one.refused:
            refused.append(one)
        else:
            fitting.append(one)
    return Sorted(fitting, late, dear, refused)
