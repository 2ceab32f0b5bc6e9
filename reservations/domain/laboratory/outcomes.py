"""What is told of one policy's run: waits, slowdown, use, what was delivered of what was due, the floor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from reservations.domain.fairness import jain
from reservations.domain.laboratory.placements import Cluster, Course, Placement
from reservations.domain.laboratory.requests import Ask, Group
from reservations.domain.laboratory.work import Served, Windows, capacity, served
from reservations.domain.policy import Policy
from reservations.domain.room import rounded_down

EVERYBODY = "all"
# Shorter jobs count as so long: bounded slowdown (D. G. Feitelson, L. Rudolph, JSSPP 1998).
SLOWDOWN_BOUND = 10

_MILLION = 1_000_000


@dataclass(frozen=True)
class Waits:
    """Seconds from when a job is ready until it starts, of those that started. Quantiles by nearest rank."""

    project_class: str
    jobs: int
    refused: int
    mean: Decimal
    median: int
    ninety: int
    ninety_nine: int
    longest: int
    slowdown: Decimal  # mean bounded slowdown


@dataclass(frozen=True)
class Window:
    """One half-life. Cost-weighted hours; the floor is what public interest was promised of them."""

    start: int
    capacity: Decimal
    wanted: Decimal
    delivered: Decimal
    jain: Decimal | None
    floor_promised: Decimal
    floor_demanded: Decimal
    floor_delivered: Decimal


@dataclass(frozen=True)
class Delivered:
    """One project over all windows, in cost-weighted hours."""

    project: str
    project_class: str
    shares: int
    wanted: Decimal
    entitled: Decimal
    delivered: Decimal


@dataclass(frozen=True)
class Outcome:
    name: str
    started: int
    refused: int
    moved: int
    refused_at_first: dict[str, int]  # by rule
    refused_for_good: dict[str, int]
    waits: tuple[Waits, ...]
    utilisation: Decimal
    jain: Decimal | None  # of delivered over entitled, by project, over all windows
    jain_by_window: Decimal | None  # the mean of each window's; a shorter window counts less
    shortfall: Decimal  # the part of what each was entitled to in a window that it did not have in it
    floor_kept: (
        Decimal | None
    )  # of what the floor promised and was demanded, the part delivered in its window
    windows: tuple[Window, ...]
    projects: tuple[Delivered, ...]


def outcome_of(
    course: Course, asks: Sequence[Ask], *, cluster: Cluster, groups: Mapping[str, Group], policy: Policy
) -> Outcome:
    windows = Windows.over(asks, policy.half_life_hours * 3600)
    by_project = served(asks, course.placed, windows, cluster, groups)
    room_for = capacity(windows, cluster)
    told = tuple(
        _window(windows.of(number)[0], number, room_for[number], by_project, groups, policy)
        for number in range(len(windows))
    )
    had = _total(row.delivered for row in by_project.values())
    due = _total(row.entitled for row in by_project.values())
    short = sum(
        (max(Fraction(0), owed - got) for row in by_project.values()
         for owed, got in zip(row.entitled, row.delivered, strict=True)), Fraction(0),
    )  # fmt: skip
    return Outcome(
        name=course.name, started=len(course.placed), refused=len(course.refused), moved=course.moved,
        refused_at_first=dict(course.first_refusals or {}),
        refused_for_good=dict(sorted(Counter(one.rule for one in course.refused).items())),
        waits=_waits(course, groups), utilisation=rounded_down(had / sum(room_for, Fraction(0))),
        jain=_shown(jain(_ratios((sum(row.delivered), sum(row.entitled)) for row in by_project.values()))),
        jain_by_window=_mean_index(told),
        shortfall=rounded_down(short / due) if due else Decimal(0),
        floor_kept=_kept(told), windows=told,
        projects=tuple(_delivered(name, groups[name], row) for name, row in sorted(by_project.items())),
    )  # fmt: skip


def recorded(asks: Sequence[Ask]) -> Course | None:
    """What the trace says happened, where it tells every wait."""
    placed = tuple(
        Placement(ask, ask.ready + ask.waited, ask.ready + ask.waited + ask.runs, 0)
        for ask in asks
        if ask.waited is not None
    )
    return Course("recorded", placed) if len(placed) == len(asks) else None


def _waits(course: Course, groups: Mapping[str, Group]) -> tuple[Waits, ...]:
    classes = sorted({group.project_class for group in groups.values()})
    placed: dict[str, list[Placement]] = {name: [] for name in (EVERYBODY, *classes)}
    refused: Counter[str] = Counter()
    for one in course.placed:
        placed[EVERYBODY].append(one)
        placed[groups[one.ask.project].project_class].append(one)
    for gone in course.refused:
        refused.update((EVERYBODY, groups[gone.ask.project].project_class))
    return tuple(_of_class(name, members, refused[name]) for name, members in placed.items())


def _of_class(name: str, placed: Sequence[Placement], refused: int) -> Waits:
    waits = sorted(one.wait for one in placed)
    count = len(waits)
    slow = sum(
        max(_MILLION, _MILLION * (one.wait + one.ask.runs) // max(one.ask.runs, SLOWDOWN_BOUND))
        for one in placed
    )
    return Waits(
        name, count, refused, rounded_down(Fraction(sum(waits), count or 1)), nearest_rank(waits, 50),
        nearest_rank(waits, 90), nearest_rank(waits, 99), waits[-1] if waits else 0,
        rounded_down(Fraction(slow, (count or 1) * _MILLION)),
    )  # fmt: skip


def nearest_rank(ordered: Sequence[int], percent: int) -> int:
    """The smallest that so many in a hundred do not exceed; 0 of none."""
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else 0


def _window(
    start: int, number: int, room_for: Fraction, by_project: Mapping[str, Served],
    groups: Mapping[str, Group], policy: Policy,
) -> Window:  # fmt: skip
    of_floor = [
        row for name, row in by_project.items() if policy.is_public_interest(groups[name].project_class)
    ]
    return Window(
        start=start, capacity=rounded_down(room_for),
        wanted=rounded_down(_at(number, (row.wanted for row in by_project.values()))),
        delivered=rounded_down(_at(number, (row.delivered for row in by_project.values()))),
        jain=_shown(
            jain(_ratios((row.delivered[number], row.entitled[number]) for row in by_project.values()))
        ),
        floor_promised=rounded_down(room_for * (policy.floor_share or 0)),
        floor_demanded=rounded_down(_at(number, (row.wanted for row in of_floor))),
        floor_delivered=rounded_down(_at(number, (row.delivered for row in of_floor))),
    )  # fmt: skip


def _mean_index(windows: Iterable[Window]) -> Decimal | None:
    known = [(window.jain, Fraction(window.capacity)) for window in windows if window.jain is not None]
    whole = sum((weight for _index, weight in known), Fraction(0))
    return rounded_down(sum(Fraction(index) * weight for index, weight in known) / whole) if whole else None


def _kept(windows: Iterable[Window]) -> Decimal | None:
    due = had = Fraction(0)
    for window in windows:
        promised = Fraction(min(window.floor_promised, window.floor_demanded))
        due += promised
        had += min(promised, Fraction(window.floor_delivered))
    return rounded_down(had / due) if due else None


def _ratios(pairs: Iterable[tuple[Fraction | int, Fraction | int]]) -> list[Fraction]:
    """Delivered over entitled, to the sixth decimal, of those who were entitled to anything."""
    return [Fraction(rounded_down(Fraction(had) / due)) for had, due in pairs if due]


def _delivered(name: str, group: Group, row: Served) -> Delivered:
    return Delivered(
        name, group.project_class, group.shares, *(
            rounded_down(sum(amounts, Fraction(0))) for amounts in (row.wanted, row.entitled, row.delivered)
        ),
    )  # fmt: skip


def _at(number: int, rows: Iterable[Sequence[Fraction]]) -> Fraction:
    return sum((row[number] for row in rows), Fraction(0))


def _total(rows: Iterable[Sequence[Fraction]]) -> Fraction:
    return sum((amount for row in rows for amount in row), Fraction(0))


def _shown(index: Fraction | None) -> Decimal | None:
    return None if index is None else rounded_down(index)
