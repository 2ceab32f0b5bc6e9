"""The share tree, its exact arithmetic and the Fair Tree order.

Source: Slurm's documentation `fair_tree.shtml`, with what it leaves to floating point made
exact: levels are fractions, and accounts that tie are merged before their children are ranked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import groupby

# A share of nothing used: under-served without limit. Compares with every fraction as it should.
UNUSED = math.inf
Level = Fraction | float  # a fraction, or UNUSED and nothing else


@dataclass(frozen=True)
class Vertex:
    """An account or a project, as read. `shares` is None where the parent's shares are used."""

    key: str
    parent: str | None
    shares: int | None
    usage: Fraction = Fraction(0)  # leaves only; an account's is the sum of its children's
    is_leaf: bool = False


class Tree:
    """A share tree of any depth, with everything that follows from shares and usage."""

    def __init__(self, vertices: Iterable[Vertex]) -> None:
        self._vertices = {vertex.key: vertex for vertex in vertices}
        self._children: dict[str | None, list[Vertex]] = {}
        for vertex in self._vertices.values():
            self._children.setdefault(vertex.parent, []).append(vertex)
        roots = self._children.get(None, [])
        if len(roots) != 1:
            raise ValueError(f"a share tree has one root, not {len(roots)}")
        self.root = roots[0].key

    @cached_property
    def leaves(self) -> list[str]:
        return [key for key, vertex in self._vertices.items() if vertex.is_leaf]

    @cached_property
    def usage(self) -> Mapping[str, Fraction]:
        """Of every vertex, an account's being the sum of its children's."""
        parts, whole = self._parts
        return {key: Fraction(part, whole) for key, part in parts.items()}

    @cached_property
    def _parts(self) -> tuple[Mapping[str, int], int]:
        """Usage over one common denominator: thousands of fractions add up as whole numbers."""
        whole = math.lcm(*(self._vertices[leaf].usage.denominator for leaf in self.leaves))
        parts: dict[str, int] = {}

        def total(vertex: Vertex) -> int:
            below = sum(total(child) for child in self._children.get(vertex.key, []))
            own = vertex.usage
            parts[vertex.key] = own.numerator * (whole // own.denominator) if vertex.is_leaf else below
            return parts[vertex.key]

        total(self._vertices[self.root])
        return parts, whole

    def siblings(self, account: str) -> list[Vertex]:
        """Who competes in this account: its children, and those of children that use its shares."""
        return list(self._competing(account))

    def _competing(self, account: str) -> Iterator[Vertex]:
        for child in self._children.get(account, []):
            if child.shares is None and not child.is_leaf:
                yield from self._competing(child.key)
            else:
                yield child

    @cached_property
    def _shares_within(self) -> Mapping[str, int]:
        """The shares of all who compete in an account, by account."""
        return {
            account: sum(sibling.shares or 0 for sibling in self.siblings(account))
            for account, vertex in self._vertices.items()
            if not vertex.is_leaf and (vertex.shares is not None or vertex.parent is None)
        }

    def account_of(self, key: str) -> str:
        """In which account a vertex competes: the nearest one above with shares of its own."""
        above = self._vertices[self._parent(key)]
        while above.shares is None and above.parent is not None:
            above = self._vertices[above.parent]
        return above.key

    def _parent(self, key: str) -> str:
        parent = self._vertices[key].parent
        if parent is None:
            raise ValueError(f"{key} is the root")
        return parent

    def norm_shares(self, key: str) -> Fraction:
        """S: the part of its account's shares that a vertex has."""
        vertex = self._vertices[key]
        if vertex.parent is None:
            return Fraction(1)
        if vertex.shares is None:  # all that its parent has
            return self.norm_shares(vertex.parent)
        total = self._shares_within[self.account_of(key)]
        return Fraction(vertex.shares, total) if total else Fraction(0)

    def effective_usage(self, key: str) -> Fraction:
        """U: the part of its account's usage that a vertex has."""
        parts, _ = self._parts
        of_account = parts[self.account_of(key)]
        return Fraction(parts[key], of_account) if of_account else Fraction(0)

    def received(self, key: str) -> Fraction:
        """The part of everybody's usage that a vertex has."""
        parts, _ = self._parts
        everything = parts[self.root]
        return Fraction(parts[key], everything) if everything else Fraction(0)

    @cached_property
    def levels(self) -> Mapping[str, Level]:
        """Level FS = S / U of every vertex that competes. Above 1: served less than its share."""
        levels: dict[str, Level] = {}
        parts, _ = self._parts
        for account, total in self._shares_within.items():
            for sibling in self.siblings(account):
                levels[sibling.key] = level_of(sibling.shares, total, parts[sibling.key], parts[account])
        return levels

    @cached_property
    def ranks(self) -> Mapping[str, int]:
        """Fair Tree: the first in order has rank N, the last has 1; who ties shares a rank."""
        ranks: dict[str, int] = {}
        count = len(self.leaves)
        self._rank(self.siblings(self.root), rank=count, untied=count, is_tied=False, ranks=ranks)
        return ranks

    def fair_share(self, key: str) -> Fraction:
        """rank / N."""
        return Fraction(self.ranks[key], len(self.leaves))

    def order(self) -> list[list[str]]:
        """Who goes first, each list being those who tie."""
        first_to_last = sorted(self.leaves, key=lambda key: (-self.ranks[key], key))
        return [list(tied) for _, tied in groupby(first_to_last, key=self.ranks.__getitem__)]

    def _rank(
        self, siblings: Sequence[Vertex], *, rank: int, untied: int, is_tied: bool, ranks: dict[str, int]
    ) -> int:
        """Rank these and all below them, from `untied` down; returns the next rank without a tie.

        `is_tied`: the best of them tie with somebody who already has `rank`.
        """
        for vertices in self._tied(siblings):
            rank = rank if is_tied else untied
            users = [vertex for vertex in vertices if vertex.is_leaf]
            ranks.update((user.key, rank) for user in users)
            untied -= len(users)
            # Tied accounts are one: their children compete with each other.
            merged = [
                child for vertex in vertices if not vertex.is_leaf for child in self.siblings(vertex.key)
            ]
            untied = self._rank(merged, rank=rank, untied=untied, is_tied=is_tied or bool(users), ranks=ranks)
            is_tied = False
        return untied

    def _tied(self, siblings: Sequence[Vertex]) -> Iterator[list[Vertex]]:
        """Groups of equal level, the least served first."""

        def level(vertex: Vertex) -> Level:
            return self.levels[vertex.key]

        for _, vertices in groupby(sorted(siblings, key=level, reverse=True), key=level):
            yield list(vertices)

    def line(self, key: str) -> list[str]:
        """From just below the root down to the vertex, through the accounts it competes in."""
        line = [key]
        while (above := self.account_of(line[0])) != self.root:
            line.insert(0, above)
        return line

    def compare(self, left: str, right: str) -> Comparison:
        """Why one goes before the other: find the first common account, compare one step below it."""
        account = self.root
        for one, other in zip(self.line(left), self.line(right), strict=False):
            if one != other:
                return Comparison(account, one, self.levels[one], other, self.levels[other])
            account = one
        raise ValueError(f"{left} and {right} are one line of the tree")


@dataclass(frozen=True)
class Comparison:
    """The two levels that decide between two projects, and the account below which they stand."""

    account: str
    left: str
    left_level: Level
    right: str
    right_level: Level


def level_of(shares: int | None, of_shares: int, usage: int | Fraction, of_usage: int | Fraction) -> Level:
    """Level FS: (shares / of_shares) / (usage / of_usage). `parent` shares go first in their account."""
    if shares is None:
        return UNUSED
    if not shares:
        return Fraction(0)
    if not usage:
        return UNUSED
    return Fraction(shares * of_usage) / (of_shares * usage)
