"""Queues, as batch systems have them: nobody books, a job starts when its turn has come and it fits.

Three kinds: strict first come, first served; the same with EASY backfill (D. A. Lifka, "The ANL/IBM SP
Scheduling System", JSSPP 1995): a later job may go first where the first one in order does not start later
for it, by requested times; and backfill in Fair Tree order with decayed usage, as Slurm does it.
"""

from __future__ import annotations

from bisect import insort
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from fractions import Fraction
from heapq import heappop, heappush, merge

from reservations.domain.laboratory.placements import Cluster, Course, Placement
from reservations.domain.laboratory.requests import Ask, Group
from reservations.domain.laboratory.usage import Usage
from reservations.domain.shares import Tree, Vertex

# Later ones in order are not looked at: Slurm's bf_max_job_test.
BACKFILL_DEPTH = 500
# Levels are reckoned anew when they are older: Slurm's PriorityCalcPeriod.
RANKED_EVERY = 300

Ticks = Callable[[int], None]


@dataclass
class _Pool:
    """Devices that are free, and the jobs that run, by when they have to end."""

    free: int
    running: list[tuple[int, int, int]] = field(default_factory=list)  # until, number, devices

    def start(self, ask: Ask, now: int) -> None:
        self.free -= ask.devices
        insort(self.running, (now + ask.length, ask.number, ask.devices))

    def end(self, placed: Placement) -> None:
        self.free += placed.ask.devices
        self.running.remove((placed.until, placed.ask.number, placed.ask.devices))

    def opening(self, devices: int) -> tuple[int, int]:
        """When so many are free at the latest, and how many others are then."""
        free = self.free
        for until, _number, given_back in self.running:
            free += given_back
            if free >= devices:
                return until, free - devices
        raise AssertionError("no job is larger than the pool")


class _Arrival:
    """Waiting jobs in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[int, Ask] = OrderedDict()

    def add(self, ask: Ask) -> None:
        self._waiting[ask.number] = ask

    def remove(self, ask: Ask) -> None:
        del self._waiting[ask.number]

    def in_order(self, now: int) -> Iterator[Ask]:
        return iter(self._waiting.values())

    def note(self, ask: Ask, devices: int, now: int) -> None:
        """Usage plays no part."""

    def __len__(self) -> int:
        return len(self._waiting)


class _FairTree:
    """Waiting jobs by their project's rank, those of projects that tie in the order in which they came."""

    def __init__(self, groups: Mapping[str, Group], usage: Usage) -> None:
        self._groups = groups
        self._waiting: dict[str, OrderedDict[int, Ask]] = {}
        self._usage = usage
        self._order: list[list[str]] = []
        self._ranked_at: int | None = None

    def add(self, ask: Ask) -> None:
        self._waiting.setdefault(ask.project, OrderedDict())[ask.number] = ask

    def remove(self, ask: Ask) -> None:
        of_project = self._waiting[ask.project]
        del of_project[ask.number]
        if not of_project:
            del self._waiting[ask.project]

    def in_order(self, now: int) -> Iterator[Ask]:
        if len(self._waiting) == 1:
            (only,) = self._waiting.values()
            return iter(only.values())
        return self._by_rank(now)

    def _by_rank(self, now: int) -> Iterator[Ask]:
        if self._ranked_at is None or now - self._ranked_at >= RANKED_EVERY:
            self._order, self._ranked_at = self._ranked(now), now
        for tied in self._order:
            waiting = [self._waiting[key].values() for key in tied if key in self._waiting]
            yield from merge(*waiting, key=lambda ask: ask.number)

    def _ranked(self, now: int) -> list[list[str]]:
        used = self._usage.by_project(now)
        leaves = [
            Vertex(key, "root", group.shares, used.get(key, Fraction(0)), is_leaf=True)
            for key, group in self._groups.items()
        ]
        return Tree([Vertex("root", None, None), *leaves]).order()

    def note(self, ask: Ask, devices: int, now: int) -> None:
        self._usage.change(ask.project, ask.pool, devices, now)

    def __len__(self) -> int:
        return sum(len(of_project) for of_project in self._waiting.values())


Queue = _Arrival | _FairTree


def first_come(asks: Sequence[Ask], cluster: Cluster, *, backfill: bool, tick: Ticks) -> Course:
    name = "fcfs_backfill" if backfill else "fcfs"
    queues: dict[str, Queue] = {pool: _Arrival() for pool in cluster.devices}
    return Course(name, tuple(_played(asks, cluster, queues, backfill, tick)))


def fair_tree(
    asks: Sequence[Ask], cluster: Cluster, *, groups: Mapping[str, Group], half_life: timedelta, tick: Ticks
) -> Course:
    usage = Usage(cluster.weights, half_life, since=asks[0].ready)
    queues: dict[str, Queue] = {pool: _FairTree(groups, usage) for pool in cluster.devices}
    return Course("fair_tree", tuple(_played(asks, cluster, queues, True, tick)))


def _played(
    asks: Sequence[Ask], cluster: Cluster, queues: Mapping[str, Queue], backfill: bool, tick: Ticks
) -> Iterator[Placement]:
    """Moment by moment: first all that end, then all that come, then whoever may start."""
    pools = {pool: _Pool(devices) for pool, devices in cluster.devices.items()}
    ending: list[tuple[int, int, Placement]] = []
    coming = list(reversed(asks))
    while coming or ending:
        now = _next_moment(coming, ending)
        touched = set()
        while ending and ending[0][0] == now:
            placed = heappop(ending)[2]
            pools[placed.ask.pool].end(placed)
            queues[placed.ask.pool].note(placed.ask, -placed.ask.devices, now)
            touched.add(placed.ask.pool)
        while coming and coming[-1].ready == now:
            ask = coming.pop()
            queues[ask.pool].add(ask)
            touched.add(ask.pool)
        for name in sorted(touched):
            for placed in _started(pools[name], queues[name], backfill, now):
                heappush(ending, (placed.end, placed.ask.number, placed))
                yield placed
        tick(len(asks) - len(coming))


def _next_moment(coming: Sequence[Ask], ending: Sequence[tuple[int, int, Placement]]) -> int:
    if not coming:
        return ending[0][0]
    return min(coming[-1].ready, ending[0][0]) if ending else coming[-1].ready


def _started(pool: _Pool, queue: Queue, backfill: bool, now: int) -> Iterator[Placement]:
    for ask in _starting(pool, queue, backfill, now):
        queue.remove(ask)
        queue.note(ask, ask.devices, now)
        yield Placement(ask, now, now + ask.runs, now + ask.length)


def _starting(pool: _Pool, queue: Queue, backfill: bool, now: int) -> list[Ask]:
    """Who starts now, in order; the pool counts them as running."""
    if not len(queue) or not pool.free:
        return []
    starting: list[Ask] = []
    waiting = queue.in_order(now)
    for ask in waiting:
        if ask.devices > pool.free:
            if backfill:
                starting += _backfilled(pool, ask, waiting, now)
            break
        pool.start(ask, now)
        starting.append(ask)
    return starting


def _backfilled(pool: _Pool, first: Ask, others: Iterator[Ask], now: int) -> Iterator[Ask]:
    """Those who can go before `first` without putting it off."""
    opening, spare = pool.opening(first.devices)
    for ask, _place in zip(others, range(BACKFILL_DEPTH), strict=False):
        if not pool.free:
            return
        ends_before = now + ask.length <= opening
        if ask.devices <= pool.free and (ends_before or ask.devices <= spare):
            spare -= 0 if ends_before else ask.devices
            pool.start(ask, now)
            yield ask
