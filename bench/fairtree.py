"""The Fair Tree order, exact, beside the same in floats; and what a booking reads of so large a tree."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from functools import partial

from django.db import connection

from accounts.models import Project
from bench import figures
from bench.world import pointed_at
from common import clock
from reservations.domain.policy import standard
from reservations.domain.shares import Tree, Vertex
from reservations.models import Vertex as Row
from reservations.selectors.shares import places_in, share_tree
from reservations.selectors.standing import position_of
from tests import factories
from tests.live import LiveSite

# Leaves, and how many children each account of each level has: five levels with the root's own.
TREES = ((100, (2, 2, 5, 5)), (1_000, (5, 5, 5, 8)), (10_000, (10, 10, 10, 10)))
RUNS = 15
_DIGITS = 10**68  # as many as a sum of 34 digits times a factor of 34 has
_SEED = 5


def measure() -> None:
    figures.table(
        "Fair Tree: the order of all projects",
        ["leaves", "levels", "exact, ms", "with the tree made, ms", "in floats, ms", "exact / floats"],
        [_ordered(leaves, children) for leaves, children in TREES],
    )
    site = LiveSite("fairtree")
    try:
        site.prepare(seed=False)
        with pointed_at(site):
            rows = [_read(leaves, children) for leaves, children in TREES]
    finally:
        site.stop()
    figures.table(
        "The share tree in the database",
        ["leaves", "what a booking reads of it, ms", "the whole tree in order, ms", "accounts"],
        rows,
    )


def _ordered(leaves: int, children: tuple[int, ...]) -> list[object]:
    vertices = list(_grown(children))
    trees = [Tree(vertices) for _ in range(RUNS)]  # each remembers what it has worked out
    typical = [
        figures.median([_worked(partial(getattr, tree, "ranks")) for tree in trees]),
        figures.median([_worked(lambda: Tree(vertices).ranks) for _ in range(RUNS)]),
        figures.median([_worked(lambda: _in_floats(vertices)) for _ in range(RUNS)]),
    ]
    ratio = f"{typical[1] / typical[2]:.1f}"
    return [f"{leaves:,}", len(children) + 1, *map(figures.milliseconds, typical), ratio]


def _once(call: Callable[[], object]) -> float:
    """Seconds of the clock: a database works in another process."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _worked(call: Callable[[], object]) -> float:
    """Seconds of this process at work, whoever else is."""
    began = time.process_time()
    call()
    return time.process_time() - began


def _grown(children: tuple[int, ...]) -> Iterator[Vertex]:
    rng = random.Random(_SEED)  # noqa: S311  # the same tree each time
    level = ["root"]
    yield Vertex("root", None, 1)
    for depth, count in enumerate(children, start=1):
        is_leaf = depth == len(children)
        below = [(f"{above}.{number}", above) for above in level for number in range(count)]
        for key, above in below:
            yield Vertex(
                key,
                above,
                rng.randint(1, 100),
                rng.randint(0, 3) * rng.randint(1, _DIGITS) * is_leaf,
                is_leaf,
            )
        level = [key for key, _ in below]


def _in_floats(vertices: list[Vertex]) -> dict[str, int]:
    """As Slurm does it: no ties but those of rounding, and no numbers but floats."""
    below: dict[str | None, list[Vertex]] = {}
    for vertex in vertices:
        below.setdefault(vertex.parent, []).append(vertex)
    usage: dict[str, float] = {}
    for vertex in reversed(vertices):
        own = float(vertex.usage) if vertex.is_leaf else usage.get(vertex.key, 0.0)
        usage[vertex.key] = own
        if vertex.parent is not None:
            usage[vertex.parent] = usage.get(vertex.parent, 0.0) + own
    ranks: dict[str, int] = {}

    def walk(account: str) -> None:
        children = below.get(account, [])
        shares = float(sum(child.shares or 0 for child in children))
        keyed = [(_level(child, shares, usage[child.key], usage[account]), child) for child in children]
        for _, child in sorted(keyed, key=lambda pair: pair[0], reverse=True):
            if child.is_leaf:
                ranks[child.key] = len(ranks) + 1
            else:
                walk(child.key)

    walk("root")
    return ranks


def _level(child: Vertex, of_shares: float, used: float, of_usage: float) -> float:
    return (child.shares or 0) / of_shares / (used / of_usage) if used else float("inf")


def _read(leaves: int, children: tuple[int, ...]) -> list[object]:
    """A tree of that shape, in place of the one before; the example of a project is its first leaf."""
    _plant(children)
    policy, at = standard(), clock.now()
    project = Row.objects.filter(project__isnull=False).earliest("pk").project_id
    assert project is not None

    def booking() -> None:
        assert position_of(project_id=project, policy=policy, at=at) is not None

    def order() -> None:
        found = share_tree(policy=policy, at=at)
        assert found is not None
        assert len(places_in(found.tree)) == leaves

    booking()
    timed = [figures.median([_once(call) for _ in range(RUNS)]) for call in (booking, order)]
    accounts = Row.objects.filter(project=None).count()
    return [f"{leaves:,}", *map(figures.milliseconds, timed), f"{accounts:,}"]


def _plant(children: tuple[int, ...]) -> None:
    Row.objects.filter(project__isnull=False).delete()
    while Row.objects.exists():
        Row.objects.filter(children=None).delete()
    template = Project.objects.first() or factories.make_project()
    rows: dict[str, Row] = {}
    level: list[Vertex] = []
    for vertex in _grown(children):
        if vertex.is_leaf:
            level.append(vertex)
            continue
        above = rows[vertex.parent] if vertex.parent else None
        rows[vertex.key] = Row.objects.create(name=vertex.key, parent=above, shares=vertex.shares)
    projects = Project.objects.bulk_create(_copy(template, vertex.key) for vertex in level)
    Row.objects.bulk_create(
        Row(
            name=vertex.key, parent=rows[vertex.parent or ""], shares=vertex.shares, project=project,
            decayed_usage=_sum_like(vertex.usage), last_active_at=clock.now(),
        )
        for vertex, project in zip(level, projects, strict=True)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE reservations_vertex")


def _copy(template: Project, key: str) -> Project:
    slug = f"{key.replace('.', '-')}-{clock.now():%H%M%S}"
    return Project(slug=slug, name=key, project_class=template.project_class, created_at=template.created_at)


def _sum_like(parts: Fraction | int) -> Decimal:
    """With the digits that sums of 34 digits have."""
    return Decimal(int(parts) // 10**34).scaleb(-30)
