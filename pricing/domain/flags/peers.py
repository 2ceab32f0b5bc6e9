"""Where a figure stands among those of peers."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from enum import StrEnum

from pricing.domain.exact import CENT, EXACT, ZERO
from pricing.domain.flags.figures import Code, Figures

FEWEST_PEERS = 5
# Less of what was paid counts as nothing: one euro that is left hides no flag.
LEAST = Decimal("0.01")
_Counts = tuple[int, int, int]  # less, equal, declaring something


class Basis(StrEnum):
    """What peers have in common."""

    MODEL = "model"
    KIND = "kind"


@dataclass(frozen=True)
class Place:
    """Where a value stands among those of peers."""

    peers: int
    less: int
    equal: int
    declaring: int  # how many of them declare something, LEAST or more

    @property
    def more(self) -> int:
        return self.peers - self.less - self.equal

    @property
    def percentile(self) -> Decimal | None:
        """0 to 100; None where there is nobody to compare with."""
        if not self.peers:
            return None
        with localcontext(EXACT):
            return (Decimal(100 * self.less + 50 * self.equal) / self.peers).quantize(CENT)


class _Values:
    """Numbers of one group in order, and each owner's own apart."""

    def __init__(self) -> None:
        self._all: list[Decimal] = []
        self._own: defaultdict[int, list[Decimal]] = defaultdict(list)
        # Many declare the same: the same count is not made again.
        self._counted: dict[tuple[int | None, Decimal], _Counts] = {}

    def add(self, owner: int, value: Decimal) -> None:
        self._all.append(value)
        self._own[owner].append(value)

    def sort(self) -> None:
        for values in (self._all, *self._own.values()):
            values.sort()

    def others(self, owner: int) -> int:
        """How many are not this owner's."""
        return len(self._all) - len(self._own.get(owner, ()))

    def place(self, value: Decimal, *, owner: int) -> Place:
        """Among the values of others."""
        less, equal, some = self._counts(None, value)
        own_less, own_equal, own_some = self._counts(owner, value)
        return Place(self.others(owner), less - own_less, equal - own_equal, some - own_some)

    def _counts(self, owner: int | None, value: Decimal) -> _Counts:
        found = self._counted.get((owner, value))
        if found is None:
            values = self._all if owner is None else self._own.get(owner, [])
            low, high = bisect_left(values, value), bisect_right(values, value)
            found = (low, high - low, len(values) - bisect_left(values, LEAST))
            self._counted[owner, value] = found
        return found


class Peers:
    """All declarations in force, to be compared with: a few look-ups a flag, however many there are."""

    def __init__(self, every: Iterable[Figures]) -> None:
        self._every = tuple(every)
        self._groups: dict[Code, Mapping[tuple[Basis, str], _Values]] = {}
        self._none = _Values()

    def _of(self, code: Code) -> Mapping[tuple[Basis, str], _Values]:
        """The groups of one figure, made when they are first asked for."""
        if code not in self._groups:
            groups: defaultdict[tuple[Basis, str], _Values] = defaultdict(_Values)
            for one in self._every:
                value = one.measure(code)
                if value is not None:
                    groups[Basis.MODEL, one.model].add(one.owner, value)
                    groups[Basis.KIND, one.kind].add(one.owner, value)
            for group in groups.values():
                group.sort()
            self._groups[code] = groups
        return self._groups[code]

    def place(self, code: Code, figures: Figures) -> tuple[Place, Basis | None]:
        """Among the same model where there are enough, else among the same kind; no basis: too few."""
        groups = self._of(code)
        for basis, name in ((Basis.MODEL, figures.model), (Basis.KIND, figures.kind)):
            group = groups.get((basis, name), self._none)
            if group.others(figures.owner) >= FEWEST_PEERS:
                break
        else:
            basis = None
        value = figures.measure(code)
        place = group.place(ZERO if value is None else value, owner=figures.owner)
        return place, None if value is None else basis
