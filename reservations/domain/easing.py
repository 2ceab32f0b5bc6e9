"""Exceptions to the policy: one number of it, eased for one project and for some time. Pure.

Which numbers: those that bound what one project may ask, so that easing them for it is a matter between
it and everybody else that a public reason can settle. All of them ease by growing.

Not the grid and the shortest slot, for shorter pieces of time are left over for others; not the half-life
and the active time, by which everybody is counted together; not free cancelling, which is the owner's
income; not the most factor, for f = 2 - U/E never comes to more than 2.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from reservations.domain.exact_json import Json, moment
from reservations.domain.policy import Policy

# In the order of the policy: by the number, whether it is whole.
NUMBERS: Mapping[str, bool] = {
    "longest_hours": True,
    "horizon_days": True,
    "exempt_hours": True,
    "least_factor": False,
    "least_node_hours": True,
    "model_share": False,
}
# Which of them each rule reads; of no other rule an exception says anything.
READ_BY: Mapping[str, tuple[str, ...]] = {
    "length": ("longest_hours",),
    "horizon": ("horizon_days",),
    "room": ("exempt_hours", "least_factor", "least_node_hours"),
    "model_half": ("exempt_hours", "model_share"),
}
# Nobody plans further, and moments stay in the calendar.
FARTHEST_HORIZON = 366
# Who needs one for longer asks again, and gives the reason again.
LONGEST = timedelta(days=366)


_EXACT = re.compile(r"([0-9]{1,6})(?:\.([0-9]{1,6})|/([0-9]{1,6}))?")


@dataclass(frozen=True)
class Easing:
    """An exception as a decision is taken on it: in force at the moment of the request."""

    uid: str
    number: str  # of the policy
    value: Fraction
    until: datetime


@dataclass(frozen=True)
class Unfit:
    """Why a value is no exception. `code` chooses the sentence in reservations.wording."""

    code: str  # not_whole, not_eased or too_much
    limit: Fraction


def read_value(text: str) -> Fraction:
    """`336`, `0.75` or `3/4`, exactly. ValueError for anything else."""
    found = _EXACT.fullmatch(text)
    if found is None or (found[3] is not None and not int(found[3])):
        raise ValueError(f"{text!r} is not a number such as 336, 0.75 or 3/4")
    return Fraction(text)


def eased(policy: Policy, easings: Iterable[Easing]) -> Policy:
    """The policy as it is for the project. A policy that has become looser than an exception holds."""
    looser: dict[str, Any] = {
        easing.number: _as_in_policy(easing.number, easing.value)
        for easing in sorted(easings, key=lambda easing: easing.value)
        if eases(policy, easing)
    }
    return replace(policy, **looser) if looser else policy


def eases(policy: Policy, easing: Easing) -> bool:
    return easing.value > of(policy, easing.number)


def of(policy: Policy, number: str) -> Fraction:
    """What the policy says; KeyError for a number that has no exceptions."""
    NUMBERS[number]
    return Fraction(getattr(policy, number))


def most(policy: Policy, number: str) -> Fraction:
    """The loosest that a value can be: beyond, the linter would refuse the policy that it makes."""
    return {
        "longest_hours": Fraction(policy.horizon_days * 24),
        "horizon_days": Fraction(FARTHEST_HORIZON),
        "exempt_hours": Fraction(policy.horizon_days * 24),
        "least_factor": policy.most_factor,
        "least_node_hours": Fraction(policy.horizon_days * 24),
        "model_share": Fraction(1),
    }[number]


def unfit(*, number: str, value: Fraction, policy: Policy) -> Unfit | None:
    """What is wrong with a value under this policy; None where nothing is."""
    present, loosest = of(policy, number), most(policy, number)
    if NUMBERS[number] and value.denominator != 1:
        return Unfit("not_whole", present)
    if value <= present:
        return Unfit("not_eased", present)
    return Unfit("too_much", loosest) if value > loosest else None


def told_of(
    *, code: str, facts: Mapping[str, Json], policy: Policy, easings: Sequence[Easing]
) -> Iterator[Json]:
    """The exceptions that this rule was answered under, as its facts hold them."""
    if code == "length" and facts.get("bound") != "longest":
        return  # too short a slot has nothing to do with how long one may be
    for easing in easings:
        if easing.number in READ_BY.get(code, ()) and eases(policy, easing):
            yield {
                "exception": easing.uid,
                "number": easing.number,
                "policy": str(of(policy, easing.number)),
                "value": str(easing.value),
                "until": moment(easing.until),
            }


def _as_in_policy(number: str, value: Fraction) -> int | Fraction:
    return int(value) if NUMBERS[number] else value
