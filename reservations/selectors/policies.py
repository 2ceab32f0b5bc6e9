"""Which policy is in force, and its numbers."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from django.utils.translation import gettext as _

from reservations.domain.policy import Policy as Rules
from reservations.errors import NoPolicy
from reservations.models import Policy


def in_force(at: datetime) -> tuple[Policy, Rules]:
    """The row and its numbers. One query."""
    policy = Policy.objects.filter(effective__contains=at).first()
    if policy is None:
        raise none_in_force()
    return policy, Rules.from_json(policy.rules)


def newest() -> Rules:
    """The numbers published last: those with whose half-life all stored usage was counted."""
    policy = Policy.objects.order_by("-version").first()
    if policy is None:
        raise none_in_force()
    return Rules.from_json(policy.rules)


def none_in_force() -> NoPolicy:
    return NoPolicy(_("No policy is in force yet, so nothing can be booked."))


@lru_cache(maxsize=64)
def by_digest(digest: str) -> Rules:
    """The numbers of a published policy: they never change, so each is read once."""
    policy = Policy.objects.filter(digest=digest).first()
    if policy is None:
        raise none_in_force()
    return Rules.from_json(policy.rules)
