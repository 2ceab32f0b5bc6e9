"""What a reader is told to look at in a declaration, with its place among what others declare. Pure.

Flags never keep anybody from publishing. Peers are the statements in force of other owners' listed nodes
with the same device model; where those are fewer than FEWEST_PEERS, with the same kind of device. The
percentile of a value is the share of peers with a smaller one and half of those with an equal one, as
scipy.stats.percentileofscore(kind="mean") counts: 50 is what everybody has. docs/pricing-policy.md publishes
the numbers below.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from pricing.domain.declared import Declared
from pricing.domain.exact import CENT, EXACT, MICRO, ONE, ZERO, total
from pricing.domain.plausibility import TIMES_RETAIL

FEWEST_PEERS = 5
# A life is short in the lowest quarter of peers.
SHORT_LIFE_BELOW = Decimal(25)
# No residual stands out where at least half of the peers declare one.
RESIDUAL_USUAL_FROM = Decimal("0.5")
# A price in shops stands for a purchase up to a year later.
RETAIL_DAYS = 365


class Code(StrEnum):
    """In the order in which they are told."""

    SHORT_LIFE = "short_life"
    NO_RESIDUAL = "no_residual"
    ABOVE_RETAIL = "above_retail"
    RELATED_PARTIES = "related_parties"


class Basis(StrEnum):
    """What peers have in common."""

    MODEL = "model"
    KIND = "kind"


@dataclass(frozen=True)
class Shop:
    """The last price of such a device in shops before the purchase."""

    day: date
    usd: Decimal
    eur: Decimal
    rate: str  # the named rate that made euros of it
    source: str


class Bought(NamedTuple):
    """What flags look at in an asset."""

    price: Decimal
    vat: Decimal  # not recovered
    life_years: Decimal
    residual_value: Decimal
    on: date


@dataclass(frozen=True)
class Figures:
    """What flags look at in one declaration. `owner` and `node` tell peers from oneself."""

    node: int
    owner: int
    model: str
    kind: str
    life_years: Decimal  # of all that was bought, each by its price
    residual_share: Decimal  # of what was paid
    price_each: Decimal  # EUR for each device
    bought_on: date  # the dearest of what was bought
    related: bool | None  # None: not said
    shop: Shop | None = None

    @cached_property
    def times_retail(self) -> Decimal | None:
        if self.shop is None:
            return None
        with localcontext(EXACT):
            return (self.price_each / self.shop.eur).quantize(MICRO)

    def measure(self, code: Code) -> Decimal | None:
        """The number that is compared; None: there is none."""
        return {
            Code.SHORT_LIFE: self.life_years,
            Code.NO_RESIDUAL: self.residual_share,
            Code.ABOVE_RETAIL: self.times_retail,
            Code.RELATED_PARTIES: ONE if self.related else ZERO,
        }[code]


@dataclass(frozen=True)
class Place:
    """Where a value stands among those of peers."""

    peers: int
    less: int
    equal: int
    above_zero: int  # how many of them are

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

    @property
    def usual(self) -> Decimal:
        """The share of peers above zero."""
        with localcontext(EXACT):
            return Decimal(self.above_zero) / self.peers if self.peers else ZERO


@dataclass(frozen=True)
class Flag:
    """One thing that was looked at. `place` without `basis`: so many peers are too few to compare with."""

    code: Code
    is_raised: bool
    figures: Figures
    place: Place
    basis: Basis | None

    @property
    def declared(self) -> Decimal | None:
        if self.code is Code.RELATED_PARTIES and self.figures.related is None:
            return None
        return self.figures.measure(self.code)

    @property
    def percentile(self) -> Decimal | None:
        return self.place.percentile if self.basis else None

    @property
    def limit(self) -> Decimal | None:
        """What it is raised beyond; None where declaring it is enough."""
        return {
            Code.SHORT_LIFE: SHORT_LIFE_BELOW,
            Code.NO_RESIDUAL: RESIDUAL_USUAL_FROM,
            Code.ABOVE_RETAIL: TIMES_RETAIL,
            Code.RELATED_PARTIES: None,
        }[self.code]


class _Values:
    """Numbers of one group in order, and each owner's own apart."""

    def __init__(self) -> None:
        self._all: list[Decimal] = []
        self._own: defaultdict[int, list[Decimal]] = defaultdict(list)

    def add(self, owner: int, value: Decimal) -> None:
        self._all.append(value)
        self._own[owner].append(value)

    def sort(self) -> None:
        for values in (self._all, *self._own.values()):
            values.sort()

    def place(self, value: Decimal, *, owner: int) -> Place:
        """Among the values of others."""
        every, own = _counts(self._all, value), _counts(self._own.get(owner, ()), value)
        return Place(*(one - other for one, other in zip(every, own, strict=True)))


def _counts(values: Sequence[Decimal], value: Decimal) -> tuple[int, int, int, int]:
    """How many there are, are less, are equal, are above zero."""
    low, high = bisect_left(values, value), bisect_right(values, value)
    return len(values), low, high - low, len(values) - bisect_right(values, ZERO)


class Peers:
    """All declarations in force, to be compared with: two look-ups a flag, however many there are."""

    def __init__(self, every: Iterable[Figures]) -> None:
        self._groups: defaultdict[tuple[Code, Basis, str], _Values] = defaultdict(_Values)
        for one in every:
            for code in Code:
                value = one.measure(code)
                if value is not None:
                    self._groups[code, Basis.MODEL, one.model].add(one.owner, value)
                    self._groups[code, Basis.KIND, one.kind].add(one.owner, value)
        for group in self._groups.values():
            group.sort()
        self._none = _Values()

    def place(self, code: Code, figures: Figures) -> tuple[Place, Basis | None]:
        """Among the same model where there are enough, else among the same kind; no basis: too few."""
        value = figures.measure(code) or ZERO
        for basis, name in ((Basis.MODEL, figures.model), (Basis.KIND, figures.kind)):
            place = self._groups.get((code, basis, name), self._none).place(value, owner=figures.owner)
            if place.peers >= FEWEST_PEERS:
                return place, basis
        return place, None


def flags(figures: Figures, peers: Peers) -> tuple[Flag, ...]:
    """All four, raised or not."""
    return tuple(_flag(code, figures, peers) for code in Code)


def _flag(code: Code, figures: Figures, peers: Peers) -> Flag:
    place, basis = peers.place(code, figures)
    if basis and figures.measure(code) is None:
        basis = None  # others have a number, this one has none
    return Flag(code, _is_raised(code, figures, place, basis), figures, place, basis)


def _is_raised(code: Code, figures: Figures, place: Place, basis: Basis | None) -> bool:
    """A price in shops and a declaration speak for themselves; the others need peers."""
    if code is Code.RELATED_PARTIES:
        return figures.related is True
    if code is Code.ABOVE_RETAIL:
        times = figures.times_retail
        return times is not None and times > TIMES_RETAIL
    percentile = place.percentile
    if basis is None or percentile is None:
        return False
    if code is Code.SHORT_LIFE:
        return percentile < SHORT_LIFE_BELOW
    return figures.residual_share == ZERO and place.usual >= RESIDUAL_USUAL_FROM


def figures_of(
    declared: Declared, *, node: int, owner: int, model: str, kind: str, device_count: int
) -> Figures:
    """Of one declaration; without a price in shops. Needs at least one asset."""
    bought = [
        Bought(one.price, one.vat_not_recovered, one.life_years, one.residual_value, one.purchased_on)
        for one in declared.assets
    ]
    return figures_from(
        bought,
        node=node,
        owner=owner,
        model=model,
        kind=kind,
        device_count=device_count,
        related=declared.related_parties,
    )


def figures_from(
    bought: Sequence[Bought],
    *,
    node: int,
    owner: int,
    model: str,
    kind: str,
    device_count: int,
    related: bool | None,
) -> Figures:
    """A life is that of all assets, each counting by its price; a residual is a share of what was paid."""
    price = total(one.price for one in bought)
    paid = total((price, *(one.vat for one in bought)))
    weights = [one.price if price else ONE for one in bought]
    with localcontext(EXACT):
        lives = total(one.life_years * weight for one, weight in zip(bought, weights, strict=True))
        residual = total(one.residual_value for one in bought)
        return Figures(
            node=node,
            owner=owner,
            model=model,
            kind=kind,
            life_years=(lives / total(weights)).quantize(MICRO),
            residual_share=(residual / paid).quantize(MICRO) if paid else ZERO,
            price_each=(price / device_count).quantize(MICRO),
            bought_on=max(bought, key=lambda one: one.price).on,
            related=related,
        )
