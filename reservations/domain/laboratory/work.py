"""Device-time by project and half-life: what was wanted, what each was entitled to, and what each had."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from reservations.domain.fairness import Claim, max_min
from reservations.domain.laboratory.placements import Cluster, Placement
from reservations.domain.laboratory.requests import HOUR, Ask, Group

# Device-seconds of a pool's windows, by project.
Seconds = Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class Windows:
    """The time that is judged: from the first job to the last, cut by half-life. The last may be shorter."""

    start: int
    end: int
    length: int

    @classmethod
    def over(cls, asks: Sequence[Ask], length: int) -> Windows:
        first, last = min(ask.ready for ask in asks), max(ask.ready for ask in asks)
        return cls(first, max(last, first + HOUR), length)

    def __len__(self) -> int:
        return -(-(self.end - self.start) // self.length)

    def of(self, number: int) -> tuple[int, int]:
        start = self.start + number * self.length
        return start, min(self.end, start + self.length)

    def parts(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Which windows a time touches, with the seconds in each."""
        start, end = max(start, self.start), min(end, self.end)
        while start < end:
            number = (start - self.start) // self.length
            until = min(end, self.of(number)[1])
            yield number, until - start
            start = until


def wanted(asks: Iterable[Ask], windows: Windows, pool: str) -> dict[str, list[int]]:
    """What each project would use if all its jobs started when they were ready."""
    return _summed(((ask, ask.ready, ask.ready + ask.runs) for ask in asks if ask.pool == pool), windows)


def delivered(placed: Iterable[Placement], windows: Windows, pool: str) -> dict[str, list[int]]:
    return _summed(((one.ask, one.start, one.end) for one in placed if one.ask.pool == pool), windows)


def entitled(
    demand: Seconds, windows: Windows, *, devices: int, groups: Mapping[str, Group]
) -> dict[str, list[Fraction]]:
    """Weighted max-min of capacity over demand in each window; what nothing was left for stays wanted."""
    due = {project: Fraction(0) for project in demand}
    found: dict[str, list[Fraction]] = {project: [] for project in demand}
    for number in range(len(windows)):
        start, end = windows.of(number)
        for project in due:
            due[project] += demand[project][number]
        claims = {name: Claim(Fraction(groups[name].shares), due[name]) for name in due}
        for project, given in max_min(Fraction(devices * (end - start)), claims).items():
            found[project].append(given)
            due[project] -= given
    return found


@dataclass(frozen=True)
class Served:
    """One project in every window, in cost-weighted hours over all pools."""

    wanted: tuple[Fraction, ...]
    entitled: tuple[Fraction, ...]
    delivered: tuple[Fraction, ...]


def served(
    asks: Sequence[Ask], placed: Sequence[Placement], windows: Windows, cluster: Cluster,
    groups: Mapping[str, Group],
) -> dict[str, Served]:  # fmt: skip
    found = {name: ([Fraction(0)] * len(windows),) * 3 for name in groups}
    for pool, devices in cluster.devices.items():
        per_second = cluster.weights[pool] / HOUR
        demand = wanted(asks, windows, pool)
        due = entitled(demand, windows, devices=devices, groups=groups)
        had = delivered(placed, windows, pool)
        nothing = [0] * len(windows)
        for name in demand:
            rows: tuple[Sequence[int | Fraction], ...] = (demand[name], due[name], had.get(name, nothing))
            sums = [
                [so_far + more * per_second for so_far, more in zip(before, row, strict=True)]
                for before, row in zip(found[name], rows, strict=True)
            ]
            found[name] = (sums[0], sums[1], sums[2])
    return {name: Served(tuple(one), tuple(two), tuple(three)) for name, (one, two, three) in found.items()}


def capacity(windows: Windows, cluster: Cluster) -> list[Fraction]:
    """Cost-weighted hours of each window."""
    per_second = sum((n * cluster.weights[pool] for pool, n in cluster.devices.items()), Fraction(0)) / HOUR
    return [per_second * (end - start) for start, end in map(windows.of, range(len(windows)))]


def _summed(times: Iterable[tuple[Ask, int, int]], windows: Windows) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for ask, start, end in times:
        row = found.setdefault(ask.project, [0] * len(windows))
        for number, seconds in windows.parts(start, end):
            row[number] += ask.devices * seconds
    return found
