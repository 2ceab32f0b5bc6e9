"""Promised, wanted, entitled and delivered: by account and by class, with how evenly it was parted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from fractions import Fraction

from reservations.domain import fairness
from reservations.domain.fairness import Span
from reservations.domain.shares import Tree, Vertex
from reservations.domain.weekly.facts import Facts
from reservations.domain.weekly.line import ACCOUNT, ALL, CLASS, Line
from reservations.domain.weekly.telling import told

_NOTHING = Fraction(0)
Hours = Mapping[int, Fraction]  # cost-weighted, by project
Sums = Mapping[str, Mapping[str, Fraction]]


def shares(facts: Facts) -> Iterator[Line]:
    had, demand = delivered(facts), wanted(facts)
    whole = sum(had.values(), _NOTHING)
    jain = None
    if facts.tree is not None and facts.tree.leaves:
        members, sums = _accounts(facts, facts.tree, had, demand, whole)
        jain = fairness.jain([one["delivered"] / one["entitled"] for one in sums.values() if one["entitled"]])
        yield from _told(facts, ACCOUNT, members, sums, had, demand)
        members, sums = _classes(facts, facts.tree, had, demand)
        yield from _told(facts, CLASS, members, sums, had, demand)
    yield Line(
        ALL, "", amounts={"delivered": whole, "jain": jain},
        numbers={"asked": facts.asked, "granted": facts.granted, "refused": facts.asked - facts.granted,
                 "entries": len(facts.use)},
    )  # fmt: skip


def delivered(facts: Facts) -> Hours:
    found: dict[int, Fraction] = defaultdict(Fraction)
    for use in facts.use:
        found[use.project] += Span(use.start, use.end, Fraction(use.weight)).hours
    return found


def wanted(facts: Facts) -> Hours:
    """Each device model by itself, since one replaces no other."""
    had: dict[tuple[int, str], list[Span]] = defaultdict(list)
    refused: dict[tuple[int, str], dict[tuple[int, datetime, datetime], Fraction]] = defaultdict(
        lambda: defaultdict(Fraction)
    )
    for use in facts.use:
        had[use.project, use.model].append(Span(use.start, use.end, Fraction(use.weight)))
    for part in facts.refused:  # one request may ask for devices of a model on several nodes
        refused[part.project, part.model][part.decision, part.start, part.end] += Fraction(part.weight)
    found: dict[int, Fraction] = defaultdict(Fraction)
    for key in {*had, *refused}:
        spans = [Span(start, end, amount) for (_, start, end), amount in refused[key].items()]
        found[key[0]] += fairness.demanded(had[key], spans)
    return found


def _accounts(
    facts: Facts, tree: Tree, had: Hours, demand: Hours, whole: Fraction
) -> tuple[dict[str, list[int]], Sums]:
    """Those right below the root."""
    of_leaf = {known.vertex: project for project, known in facts.projects.items()}
    by_leaf = {leaf: demand.get(of_leaf[leaf], _NOTHING) for leaf in tree.leaves if leaf in of_leaf}
    entitled = fairness.entitlements(tree, by_leaf, whole)
    promised = tree.promised
    members = {
        top.key: [of_leaf[leaf.key] for leaf in _leaves(tree, top) if leaf.key in of_leaf]
        for top in tree.siblings(tree.root)
    }
    return members, {
        top: {"promised": promised[top], "demanded": _of(demand, its), "entitled": entitled[top],
              "delivered": _of(had, its)}
        for top, its in members.items()
    }  # fmt: skip


def _classes(facts: Facts, tree: Tree, had: Hours, demand: Hours) -> tuple[dict[str, list[int]], Sums]:
    promised = tree.promised
    members: dict[str, list[int]] = defaultdict(list)
    there = set(tree.leaves)
    for project, known in facts.projects.items():
        if known.vertex in there:
            members[known.project_class].append(project)
    parts = {project: promised.get(known.vertex, _NOTHING) for project, known in facts.projects.items()}
    return members, {
        code: {"promised": _of(parts, its), "demanded": _of(demand, its), "delivered": _of(had, its)}
        for code, its in members.items()
    }


def _told(
    facts: Facts, of: str, members: Mapping[str, Sequence[int]], sums: Sums, had: Hours, demand: Hours
) -> Iterator[Line]:
    """Those that would tell what one project did stand in one line together, without a key."""
    active = {
        key: {
            project: had.get(project, _NOTHING) for project in its if had.get(project) or demand.get(project)
        }
        for key, its in members.items()
    }
    found = told(facts, active)
    for key in members:
        if key not in found.together:
            name = _name(facts, key) if of == ACCOUNT else ""
            yield Line(of, key, name, sums[key], {"projects": len(active[key])})
    if found.together:
        # Everything, and still too few: what was promised is no secret, what was used is.
        pool = {
            name: sum((sums[key][name] for key in found.together), _NOTHING)
            if found.is_enough or name == "promised"
            else None
            for name in next(iter(sums.values()))
        }
        projects = sum(len(active[key]) for key in found.together)
        yield Line(of, "", "", pool, {"projects": projects} if found.is_enough else {})


def _name(facts: Facts, vertex: str) -> str:
    """A project right below the root has its name said only where it is said anyway."""
    hidden = {known.vertex for known in facts.projects.values() if not known.is_open}
    return "" if vertex in hidden else facts.names[vertex]


def _of(amounts: Hours, projects: Iterable[int]) -> Fraction:
    return sum((amounts.get(project, _NOTHING) for project in projects), _NOTHING)


def _leaves(tree: Tree, vertex: Vertex) -> Iterator[Vertex]:
    if vertex.is_leaf:
        yield vertex
        return
    for one in tree.siblings(vertex.key):
        yield from _leaves(tree, one)
