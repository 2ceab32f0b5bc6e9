"""How fairly hours were parted: who was entitled to what, how evenly that was kept, how concentrated it is.

Jain’s index: R. Jain, D. Chiu, W. Hawe, "A Quantitative Measure of Fairness and Discrimination for
Resource Allocation in Shared Computer Systems", DEC-TR-301 (1984). Weighted max-min: D. Bertsekas,
R. Gallager, "Data Networks", 6.5.2. Concentration: A. O. Hirschman, "The Paternity of an Index" (1964).
Quantiles: type 7 of R. J. Hyndman, Y. Fan, "Sample Quantiles in Statistical Packages" (1996). Groups
too small to be told: the threshold rule of A. Hundepool et al., "Statistical Disclosure Control", 4.2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from reservations.domain.shares import Tree, Vertex

_HOUR = timedelta(hours=1) // timedelta(microseconds=1)
_NOTHING = Fraction(0)

# A figure that fewer projects make up would tell what one of them did.
FEWEST = 3


def jain(ratios: Collection[Fraction]) -> Fraction | None:
    """1 where everybody got the same part of what they were entitled to, 1/n where one got all."""
    squares = sum((ratio * ratio for ratio in ratios), _NOTHING)
    if not squares:
        return None
    return sum(ratios, _NOTHING) ** 2 / (len(ratios) * squares)


def herfindahl(amounts: Iterable[Fraction]) -> Fraction | None:
    """The sum of the squared parts: 1 where one has all, 1/n where n have the same."""
    known = list(amounts)
    whole = sum(known, _NOTHING)
    return sum(((amount / whole) ** 2 for amount in known), _NOTHING) if whole else None


def quantile(values: Collection[Fraction], part: Fraction) -> Fraction | None:
    """Between the two values beside it, as most programs and PostgreSQL’s percentile_cont have it."""
    ordered = sorted(values)
    if not ordered:
        return None
    place = part * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def quantile_with_waiting(values: Collection[Fraction], waiting: int, part: Fraction) -> Fraction | None:
    """The same where some have no value yet, each later than all who have: None where it falls on them."""
    ordered = sorted(values)
    place = part * (len(ordered) + waiting - 1)
    if not ordered or place > len(ordered) - 1:
        return None
    return quantile(ordered, place / (len(ordered) - 1)) if len(ordered) > 1 else ordered[0]


# --- entitlement --------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Claim:
    """What somebody wants, and how much they count beside others."""

    weight: Fraction
    demand: Fraction


def max_min(capacity: Fraction, claims: Mapping[str, Claim]) -> dict[str, Fraction]:
    """Weighted max-min: nobody gets more than they want, and what they leave goes to the others by weight.

    Whoever has no weight gets what all others leave.
    """
    given: dict[str, Fraction] = {}
    left = capacity
    for group in (
        {key: claim for key, claim in claims.items() if claim.weight},
        {key: Claim(Fraction(1), claim.demand) for key, claim in claims.items() if not claim.weight},
    ):
        weight = sum((claim.weight for claim in group.values()), _NOTHING)
        # Those who want least for their weight first: they are filled, or nobody after them is.
        for key, claim in sorted(group.items(), key=lambda item: item[1].demand / item[1].weight):
            given[key] = min(claim.demand, left * claim.weight / weight)
            left -= given[key]
            weight -= claim.weight
    return given


def entitlements(tree: Tree, demand: Mapping[str, Fraction], capacity: Fraction) -> dict[str, Fraction]:
    """What each account and project of the tree could have had: max-min by shares, account by account.

    `demand` is by leaf. What an account’s projects do not want goes to its siblings; inside an account the
    projects part what it is entitled to.
    """
    found: dict[str, Fraction] = {}

    def weight(one: Vertex) -> Fraction:
        """A project that uses its account’s shares has all of them."""
        return Fraction(1) if one.shares is None else tree.norm_shares(one.key)

    def part(account: str, of_account: Fraction) -> None:
        competing = tree.siblings(account)
        claims = {one.key: Claim(weight(one), wanted(one.key)) for one in competing}
        given = max_min(of_account, claims)
        found.update(given)
        for one in competing:
            if not one.is_leaf:
                part(one.key, given[one.key])

    demands: dict[str, Fraction] = {}

    def wanted(key: str) -> Fraction:
        if key not in demands:
            below = () if key in leaves else tree.siblings(key)
            demands[key] = demand.get(key, _NOTHING) + sum((wanted(one.key) for one in below), _NOTHING)
        return demands[key]

    leaves = set(tree.leaves)
    part(tree.root, capacity)
    return found


# --- demand -------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Span:
    """An amount of something, during [start, end)."""

    start: datetime
    end: datetime
    amount: Fraction

    @property
    def hours(self) -> Fraction:
        """Amount-hours."""
        return self.amount * Fraction((self.end - self.start) // timedelta(microseconds=1), _HOUR)


def demanded(had: Sequence[Span], refused: Sequence[Span]) -> Fraction:
    """Amount-hours wanted: at each moment what was had, or the largest that was refused where that is more.

    So whoever is refused, asks again and is granted counts once, however often they asked.
    """
    if not refused:
        return sum((span.hours for span in had), _NOTHING)
    changes = [(at, sign, span.amount, False) for span in had for at, sign in _ends(span)]
    changes += [(at, sign, span.amount, True) for span in refused for at, sign in _ends(span)]
    changes.sort(key=lambda change: change[0])
    whole, having = _NOTHING, _NOTHING
    asking: Counter[Fraction] = Counter()
    before = changes[0][0]
    for at, sign, amount, is_refused in changes:
        if at > before:
            whole += Span(before, at, max([having, *asking])).hours
            before = at
        if not is_refused:
            having += sign * amount
            continue
        asking[amount] += sign
        if not asking[amount]:
            del asking[amount]
    return whole


def _ends(span: Span) -> tuple[tuple[datetime, int], tuple[datetime, int]]:
    return (span.start, 1), (span.end, -1)


# --- the floor ----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class FloorWeek:
    """Device-hours of one device model or node in a week, and what of them was kept for public interest."""

    bookable: Fraction
    promised: Fraction
    demanded: Fraction
    delivered: Fraction
    others: Fraction  # what all other projects had

    @property
    def borrowed(self) -> Fraction:
        """Promised hours that nobody of public interest had taken as they came near, and others then did."""
        return max(_NOTHING, self.others - (self.bookable - self.promised))

    @property
    def is_kept(self) -> bool:
        """Whoever it was promised to got it, as far as they wanted it."""
        return self.delivered >= min(self.promised, self.demanded)


# --- groups too small to be told ----------------------------------------------------------------------
@dataclass(frozen=True)
class Group:
    """A sum over projects; `is_open` where all of those that make it up stand under their own name anyway."""

    key: str
    amount: Fraction
    projects: frozenset[Hashable]  # that have a part in it; one may have a part in several
    is_open: bool

    @property
    def may_be_told(self) -> bool:
        return self.is_open or not self.projects or len(self.projects) >= FEWEST


def pooled(groups: Iterable[Group]) -> frozenset[str]:
    """The groups that are told only together, so that none can be had by subtraction either.

    Those that may not be told by themselves, and where these are too few projects, the smallest others.
    """
    known = list(groups)
    together = [group for group in known if not group.may_be_told]
    if not together:
        return frozenset()
    others = sorted(
        (group for group in known if group.may_be_told and group.projects),
        key=lambda group: (group.amount, group.key),
    )
    while others and len(frozenset[Hashable]().union(*(group.projects for group in together))) < FEWEST:
        together.append(others.pop(0))
    return frozenset(group.key for group in together)
