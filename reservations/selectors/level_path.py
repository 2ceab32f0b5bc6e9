"""Level FS at every step of a project's path, and why it goes before or after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from django.utils.translation import gettext, ngettext

from accounts.models import Project
from common import formats
from reservations.domain import decay
from reservations.domain.decision import Quote
from reservations.domain.policy import Policy
from reservations.domain.room import Step, step_levels
from reservations.domain.shares import Compared, Comparison
from reservations.selectors.levels import Level, change, said
from reservations.selectors.ranking import ranked
from reservations.selectors.shares import ShareTree, places_in

_NEIGHBOURS = 8  # on either side, offered to compare with
_NAMED = 3  # of those who would go first after a booking


@dataclass(frozen=True)
class PathStep:
    name: str
    shares: int | None  # None: all that its account has
    of_all: int
    share: Decimal | None  # S
    used: Decimal  # cost-weighted hours, decayed, with what is booked
    used_by_all: Decimal
    part: Decimal | None  # U; None where nobody used anything
    level: Level


@dataclass(frozen=True)
class Beside:
    """Another project, and why one of the two goes first."""

    name: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Neighbours:
    """`ahead` and `behind` by public name, nearest first."""

    ahead: tuple[str, ...]
    behind: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return (*reversed(self.ahead), *self.behind)


def path_of(path: Sequence[Step], *, policy: Policy, at: datetime) -> tuple[PathStep, ...]:
    """Empty where the snapshot is older than the sums."""
    left = Fraction(decay.decay(at - decay.LANDMARK, policy.half_life))
    levels = step_levels(path, half_life=policy.half_life, at=at)
    return tuple(
        _step(step, level, left) for step, level in zip(path, levels, strict=True) if level is not None
    )


def _step(step: Step, level: Fraction | float, left: Fraction) -> PathStep:
    used = Fraction(step.stored or 0) * left + Fraction(step.committed or 0)
    by_all = Fraction(step.stored_of_all or 0) * left + Fraction(step.committed_of_all or 0)
    share = None if step.shares is None or not step.of_all else Fraction(step.shares, step.of_all)
    return PathStep(
        name=step.name, shares=step.shares, of_all=step.of_all,
        share=None if share is None else _exact(share), used=_exact(used), used_by_all=_exact(by_all),
        part=_exact(used / by_all) if by_all else None, level=said(level),
    )  # fmt: skip


def _exact(number: Fraction) -> Decimal:
    return Decimal(number.numerator) / number.denominator


def neighbours(shares: ShareTree, project: int) -> Neighbours:
    """Who is served just before and just after; who ties stands behind."""
    places, own = shares.places, shares.places[project]
    others = sorted((place, id) for id, place in places.items() if id != project)
    ahead = [id for place, id in others if place < own][-_NEIGHBOURS:]
    behind = [id for place, id in others if place >= own][:_NEIGHBOURS]
    return Neighbours(
        tuple(_name(shares, id) for id in reversed(ahead)), tuple(_name(shares, id) for id in behind)
    )


def _name(shares: ShareTree, project: int) -> str:
    return shares.public_name(shares.key_of_project[project])


def compared(shares: ShareTree, project: int, public_name: str) -> Beside | None:
    """None where no other project appears under that name."""
    own = shares.key_of_project[project]
    found = [key for key in shares.shown if key != own and shares.public_name(key) == public_name]
    if not found:
        return None
    why = shares.tree.compare(own, found[0])
    order = shares.places[project] - shares.places[shares.project_of_key[found[0]]]
    return Beside(public_name, tuple(_sentences(shares, why, public_name, order)))


def _sentences(shares: ShareTree, why: Comparison, other: str, order: int) -> Iterator[str]:
    said_of = {"other": other, "account": shares.names[why.account]}
    if order > 0:
        yield gettext("%(other)s goes before you.") % said_of
    elif order < 0:
        yield gettext("You go before %(other)s.") % said_of
    else:
        yield gettext("You and %(other)s tie.") % said_of
    if why.account == shares.tree.root:
        yield gettext(
            "No account but the whole is common to both of you; one step below it, levels are compared."
        )
    else:
        yield (
            gettext(
                "The first account that you have in common is %(account)s; one step below it, levels are"
                " compared."
            )
            % said_of
        )
    for left, right in why.tied:
        yield gettext(
            "%(left)s and %(right)s have the same level, %(level)s, so they count as one, and what is below"
            " them is compared."
        ) % _pair(shares, left, right)
    yield _deciding(shares, why, order)


def _deciding(shares: ShareTree, why: Comparison, order: int) -> str:
    pair = _pair(shares, why.left, why.right)
    if why.left.level != why.right.level:
        return (
            gettext(
                "There, %(left)s has level %(left_level)s and %(right)s %(right_level)s; the higher one,"
                " which got less of its share, goes first."
            )
            % pair
        )
    if order:
        return (
            gettext(
                "There, %(left)s and %(right)s have the same level, %(level)s; a project goes before the"
                " others of an account that it ties with."
            )
            % pair
        )
    return gettext("There, %(left)s and %(right)s have the same level, %(level)s.") % pair


def _pair(shares: ShareTree, left: Compared, right: Compared) -> dict[str, str]:
    figures = change(said(left.level), said(right.level))
    return {
        "left": _own_name(shares, left.key), "right": shares.public_name(right.key), "level": figures[0],
        "left_level": figures[0], "right_level": figures[1],
    }  # fmt: skip


def _own_name(shares: ShareTree, key: str) -> str:
    """Members know what their project is called."""
    return shares.shown[key].name if key in shares.shown else shares.names[key]


# --- what if -----------------------------------------------------------------
def place_after_booking(*, project: Project, quote: Quote | None, policy: Policy, at: datetime) -> str:
    """Empty without a price or a place in the share tree.

    One query, or none where the tree is large and was read within the last minute.
    """
    shares = ranked(policy=policy, at=at, project=project.pk) if quote else None
    if quote is None or shares is None:
        return ""
    place = place_after(shares, project.pk, Fraction(quote.cost_weighted_hours))
    return place if shares.at == at else f"{place} {_as_of(shares.at)}"


def _as_of(moment: datetime) -> str:
    """Of a large tree, which is read once a minute."""
    return gettext("Places as of %(time)s: a large tree is read once a minute.") % {
        "time": formats.clock_seconds(moment)
    }


def place_after(shares: ShareTree, project: int, added: Fraction) -> str:
    """Who would be served before the project if it had `added` more cost-weighted hours: a sentence."""
    key = shares.key_of_project[project]
    before, after = shares.places, places_in(shares.tree.using_more(key, added))
    own, then = before[project], after[key]
    ahead = sorted(
        (after[other], other) for other in shares.project_of_key.keys() - {key} if after[other] < then
    )
    passing = [other for _, other in ahead if before[shares.project_of_key[other]] >= own]
    numbers = {"before": own, "after": then, "of": len(before)}
    if not ahead:
        return gettext("For the next contested slot you stay at place %(after)d of %(of)d.") % numbers
    names = [shares.public_name(other) for other in (passing or [ahead[-1][1]])[: -_NAMED - 1 : -1]]
    said_of = {**numbers, "names": _listed(names, len(passing) - len(names))}
    if not passing:
        return (
            gettext("For the next contested slot you stay at place %(after)d of %(of)d, after %(names)s.")
            % said_of
        )
    return (
        gettext(
            "For the next contested slot you come at place %(after)d of %(of)d instead of %(before)d:"
            " after %(names)s."
        )
        % said_of
    )


def _listed(names: list[str], more: int) -> str:
    listed = ", ".join(names)
    if more <= 0:
        return listed
    return ngettext("%(names)s and %(more)d more", "%(names)s and %(more)d more", more) % {
        "names": listed,
        "more": more,
    }
