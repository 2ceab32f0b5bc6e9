"""Which policy is in force, and its numbers."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache

from django.utils.translation import gettext as _

from reservations.domain.policy import Policy as Rules
from reservations.errors import NoPolicy
from reservations.models import Policy, UsageBasis


def in_force(at: datetime) -> tuple[Policy, Rules]:
    """The row and its numbers. One query."""
    policy = Policy.objects.filter(effective__contains=at).first()
    if policy is None:
        raise none_in_force()
    return policy, Rules.from_json(policy.rules)


def announced(at: datetime) -> Policy | None:
    """The version that is to come, if there is one."""
    return Policy.objects.announced(at).first()


def counting_half_life() -> timedelta:
    """The half-life that all stored usage was counted with. Read it under a leaf's lock, which counting
    everything again takes, too."""
    basis = UsageBasis.objects.first()
    if basis is not None:
        return timedelta(hours=basis.half_life_hours)
    # Nothing was published since there is such a row: then it was the last one.
    policy = Policy.objects.standing().first()
    if policy is None:
        raise none_in_force()
    return Rules.from_json(policy.rules).half_life


def none_in_force() -> NoPolicy:
    return NoPolicy(_("No policy is in force yet, so nothing can be booked."))


@lru_cache(maxsize=64)
def by_digest(digest: str) -> Rules:
    """The numbers of a published policy: they never change, so each is read once."""
    policy = Policy.objects.filter(digest=digest).first()
    if policy is None:
        raise none_in_force()
    return Rules.from_json(policy.rules)
