"""A share tree, with everything that follows from shares and usage.

Source: Slurm's documentation `fair_tree.shtml`, with what it leaves to floating point made
exact: levels are fractions, and accounts that tie are merged before their children are ranked.
Nothing recurses, so that a tree may be as deep as it likes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from itertools import groupby, takewhile
from operator import itemgetter

from reservations.domain.shares.levels import UNUSED, Compared, Comparison, Level, level_of
from reservations.domain.shares.vertices import FaultyTree, Vertex


class Tree:
    """A share tree of any depth, with everything that follows from shares and usage."""

    def __init__(self, vertices: Iterable[Vertex], *, per_unit: int = 1) -> None:
        """`per_unit`: of how many parts a unit of usage consists, where usages are whole numbers of parts."""
        self._per_unit = per_unit
        self._vertices = {vertex.key: vertex for vertex in vertices}
        self._children: dict[str, list[Vertex]] = {
            key: [] for key, vertex in self._vertices.items() if not vertex.is_leaf
        }
        self.root = self._planted()
        self._downwards = self._from_the_root()

    def _planted(self) -> str:
        """Hang every vertex below its parent; the one without a parent is the root."""
        roots = []
        for vertex in self._vertices.values():
            if vertex.shares is not None and vertex.shares < 0:
                raise FaultyTree(f"shares are zero or more, and {vertex.key} has {vertex.shares}")
            if vertex.usage < 0:
                raise FaultyTree(f"usage is zero or more, and {vertex.key} has {vertex.usage}")
            if vertex.parent is None:
                roots.append(vertex.key)
            elif vertex.parent in self._children:
                self._children[vertex.parent].append(vertex)
            elif vertex.parent in self._vertices:
                raise FaultyTree(f"{vertex.key} is below {vertex.parent}, which is no account")
            else:
                raise FaultyTree(f"{vertex.key} is below {vertex.parent}, which is not there")
        if len(roots) != 1:
            raise FaultyTree(f"a share tree has one root, not {len(roots)}")
        return roots[0]

    def _from_the_root(self) -> list[Vertex]:
        """Every vertex, each after the account that it is in."""
        found = [self._vertices[self.root]]
        for vertex in found:
            found.extend(self._children.get(vertex.key, ()))
        if len(found) < len(self._vertices):
            lost = self._vertices.keys() - {vertex.key for vertex in found}
            raise FaultyTree(f"{min(lost)} is below itself: there is a cycle")
        return found

    @cached_property
    def leaves(self) -> list[str]:
        return [key for key, vertex in self._vertices.items() if vertex.is_leaf]

    @cached_property
    def usage(self) -> Mapping[str, Fraction]:
        """Of every vertex, an account's being the sum of its children's."""
        whole = self._whole * self._per_unit
        return {key: Fraction(part, whole) for key, part in self._parts.items()}

    @cached_property
    def _whole(self) -> int:
        """One common denominator: thousands of usages add up and compare as whole numbers."""
        return math.lcm(*{self._vertices[leaf].usage.denominator for leaf in self.leaves})

    @cached_property
    def _parts(self) -> Mapping[str, int]:
        """Usage of every vertex over the common denominator."""
        whole = self._whole
        parts = dict.fromkeys(self._vertices, 0)
        for vertex in reversed(self._downwards):
            if vertex.is_leaf:
                parts[vertex.key] = vertex.usage.numerator * (whole // vertex.usage.denominator)
            if vertex.parent is not None:
                parts[vertex.parent] += parts[vertex.key]
        return parts

    def siblings(self, account: str) -> list[Vertex]:
        """Who competes in this account: its children, and those of children that use its shares."""
        found = list(self._children[account])
        if any(child.shares is None and not child.is_leaf for child in found):
            found = list(self._competing(found))
        return found

    def _competing(self, children: Sequence[Vertex]) -> Iterator[Vertex]:
        waiting = list(reversed(children))
        while waiting:
            child = waiting.pop()
            if child.shares is None and not child.is_leaf:
                waiting.extend(reversed(self._children[child.key]))
            else:
                yield child

    @cached_property
    def _shares_within(self) -> Mapping[str, int]:
        """The shares of all who compete in an account, by account."""
        within = {
            account: 0
            for account in self._children
            if self._vertices[account].shares is not None or account == self.root
        }
        competes_in = self._competes_in
        for vertex in self._downwards[1:]:
            within[competes_in[vertex.key]] += vertex.shares or 0
        return within

    @cached_property
    def _competes_in(self) -> Mapping[str, str]:
        """By vertex, the nearest account above it with shares of its own."""
        found: dict[str, str] = {}
        for vertex in self._downwards[1:]:
            above = vertex.parent or self.root
            is_own = above == self.root or self._vertices[above].shares is not None
            found[vertex.key] = above if is_own else found[above]
        return found

    def account_of(self, key: str) -> str:
        """In which account a vertex competes: the nearest one above with shares of its own."""
        if key == self.root:
            raise ValueError(f"{key} is the root")
        return self._competes_in[key]

    def norm_shares(self, key: str) -> Fraction:
        """S: the part of its account's shares that a vertex has."""
        vertex = self._vertices[key]
        while vertex.shares is None and vertex.parent is not None:  # all that its parent has
            vertex = self._vertices[vertex.parent]
        if vertex.parent is None:
            return Fraction(1)
        total = self._shares_within[self.account_of(vertex.key)]
        return Fraction(vertex.shares or 0, total) if total else Fraction(0)

    @cached_property
    def promised(self) -> Mapping[str, Fraction]:
        """By vertex, the part of everything that is its own by the shares above it, whoever is active.

        An account that uses its parent's has what those below it have in there together, at most all of it:
        they compete there, and it does not.
        """
        found = {self.root: Fraction(1)}
        for vertex in self._downwards[1:]:
            account = self._competes_in[vertex.key]
            total = self._shares_within[account]
            part = Fraction(vertex.shares or 0, total) if total else Fraction(0)
            found[vertex.key] = found[account] * (1 if vertex.shares is None else part)
        for vertex in reversed(self._downwards[1:]):
            if vertex.shares is None and not vertex.is_leaf:
                together = sum((found[child.key] for child in self._children[vertex.key]), Fraction(0))
                found[vertex.key] = min(found[vertex.key], together)
        return found

    def effective_usage(self, key: str) -> Fraction:
        """U: the part of its account's usage that a vertex has."""
        of_account = self._parts[self.account_of(key)]
        return Fraction(self._parts[key], of_account) if of_account else Fraction(0)

    def received(self, key: str) -> Fraction:
        """The part of everybody's usage that a vertex has."""
        everything = self._parts[self.root]
        return Fraction(self._parts[key], everything) if everything else Fraction(0)

    def level(self, key: str) -> Level:
        """Level FS = S / U of a vertex that competes. Above 1: served less than its share."""
        account = self.account_of(key)
        return level_of(
            self._vertices[key].shares, self._shares_within[account], self._parts[key], self._parts[account]
        )

    @cached_property
    def levels(self) -> Mapping[str, Level]:
        """Level FS of every vertex that competes."""
        return {
            sibling.key: self.level(sibling.key)
            for account in self._shares_within
            for sibling in self.siblings(account)
        }

    @cached_property
    def ranks(self) -> Mapping[str, int]:
        """Fair Tree: the first in order has rank N, the last has 1; who ties shares a rank.

        Depth first. `untied`: the next rank of somebody who ties with nobody before. `is_tied`: the best
        of an account's children tie with whoever has `rank` already.
        """
        ranks: dict[str, int] = {}
        untied = len(self.leaves)
        open_accounts = [(self._tied([self.root]), untied, False)]
        while open_accounts:
            groups, rank, is_tied = open_accounts.pop()
            group = next(groups, None)
            if group is None:
                continue
            users = [vertex.key for vertex in group if vertex.is_leaf]
            rank = rank if is_tied else untied
            ranks.update(dict.fromkeys(users, rank))
            untied -= len(users)
            open_accounts.append((groups, rank, False))
            # Tied accounts are one: their children compete with each other.
            if accounts := [vertex.key for vertex in group if not vertex.is_leaf]:
                open_accounts.append((self._tied(accounts), rank, is_tied or bool(users)))
        return ranks

    def fair_share(self, key: str) -> Fraction:
        """rank / N."""
        return Fraction(self.ranks[key], len(self.leaves))

    def order(self) -> list[list[str]]:
        """Who goes first, each list being those who tie."""
        first_to_last = sorted(self.leaves, key=lambda key: (-self.ranks[key], key))
        return [list(tied) for _, tied in groupby(first_to_last, key=self.ranks.__getitem__)]

    def _tied(self, accounts: Sequence[str]) -> Iterator[list[Vertex]]:
        """Who competes in these accounts, in groups of equal level, the least served first."""
        keyed = sorted(self._keyed(accounts), key=itemgetter(0), reverse=True)
        for _, group in groupby(keyed, key=itemgetter(0)):
            yield [vertex for _, vertex in group]

    def _keyed(self, accounts: Sequence[str]) -> list[tuple[float, Vertex]]:
        """With a number that sorts as Level FS does, and is equal where levels are.

        Two different fractions with denominators of at most m are 1 / m**2 apart or more, so times m**2
        and rounded down they are still different. That needs one division each, and no fraction.
        """
        parts, within = self._parts, self._shares_within
        found: list[tuple[int, int, Vertex]] = []  # Level FS as numerator and denominator
        for account in accounts:
            # In one account its own sums are in every level, and change no order.
            times, over = (parts[account], within[account]) if len(accounts) > 1 else (1, 1)
            for vertex in self.siblings(account):
                used = parts[vertex.key]
                if vertex.shares is None or (vertex.shares and not used):
                    found.append((1, 0, vertex))
                else:
                    found.append((vertex.shares * times, used * over or 1, vertex))
        square = max((denominator for _, denominator, _ in found), default=0) ** 2
        return [
            (numerator * square // denominator if denominator else UNUSED, vertex)
            for numerator, denominator, vertex in found
        ]

    def line(self, key: str) -> list[str]:
        """From just below the root down to the vertex, through the accounts it competes in."""
        line = [key]
        while (above := self.account_of(line[-1])) != self.root:
            line.append(above)
        return line[::-1]

    def compare(self, left: str, right: str) -> Comparison:
        """Why one goes before the other: find the first common account, compare one step below it.

        Accounts that tie there are one, so what is below them competes, and is compared, too.
        """
        lines = self.line(left), self.line(right)
        shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*lines, strict=False)))
        account = lines[0][shared - 1] if shared else self.root
        pairs = list(zip(lines[0][shared:], lines[1][shared:], strict=False))
        if not pairs:
            raise ValueError(f"{left} and {right} are one line of the tree")
        tied = list(takewhile(self._tie, pairs[:-1]))
        return Comparison(
            account, *self._levels(*pairs[len(tied)]), tuple(self._levels(*pair) for pair in tied)
        )

    def _tie(self, pair: tuple[str, str]) -> bool:
        return self.level(pair[0]) == self.level(pair[1])

    def _levels(self, left: str, right: str) -> tuple[Compared, Compared]:
        return Compared(left, self.level(left)), Compared(right, self.level(right))

    def using_more(self, key: str, usage: Fraction) -> Tree:
        """The same with more usage of one leaf: where would it stand?"""
        return Tree(
            (
                replace(vertex, usage=vertex.usage + usage * self._per_unit) if vertex.key == key else vertex
                for vertex in self._vertices.values()
            ),
            per_unit=self._per_unit,
        )
