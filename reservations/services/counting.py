"""Counting usage again when a policy with another half-life takes effect.

Usage is stored as sums under one half-life. Which, the row UsageBasis says, and it changes in the transaction
that counts again under the locks of all leaves. So who holds a project's lock and finds the half-life that
its policy wants finds all sums of that half-life, and none of another.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar

from django.db import transaction

from reservations.domain.policy import Policy as Rules
from reservations.errors import PolicyTakesEffect
from reservations.models import Policy, UsageBasis, Vertex
from reservations.selectors import policies
from reservations.services import usage

T = TypeVar("T")

_TRIES = 3  # one that takes effect while another is being caught up with is rare, two are a fault


def retried(service: Callable[..., T]) -> Callable[..., T]:
    """Ask a service that decides `at` a moment once more after catching up with the policy of that moment."""

    @wraps(service)
    def asked(**arguments: Any) -> T:
        for _ in range(_TRIES):
            try:
                return service(**arguments)
            except PolicyTakesEffect:
                arguments["at"] = catch_up(at=arguments["at"])
        return service(**arguments)

    return asked


def let_take_effect(*, at: datetime) -> bool:
    """The sweep: count again as soon as another policy is in force. Whether it did."""
    before = UsageBasis.objects.first()
    if before is None or before.half_life_hours == policies.in_force(at)[1].half_life_hours:
        return False
    catch_up(at=at)
    return True


@transaction.atomic
def catch_up(*, at: datetime) -> datetime:
    """Have all usage counted as the policy in force wants them; answer the moment for which they are.

    That is `at`, but for whoever read the clock just before another policy took effect and came too late
    to be decided under the one before: they are decided under the new one, as of its beginning.
    """
    _lock_leaves()
    basis = UsageBasis.objects.select_related("policy").first()
    if basis is not None and at < basis.policy.begins:
        return basis.policy.begins
    policy, rules = policies.in_force(at)
    if basis is None or basis.half_life_hours != rules.half_life_hours:
        count_under(policy=policy, rules=rules)
    return at


def count_under(*, policy: Policy, rules: Rules) -> None:
    """Count everything again from events, under a policy that is in force."""
    _lock_leaves()
    usage.recount(half_life=rules.half_life)
    name_basis(policy=policy, rules=rules)


def name_basis(*, policy: Policy, rules: Rules) -> None:
    """What the stored sums were counted under."""
    UsageBasis.objects.update_or_create(defaults={"policy": policy, "half_life_hours": rules.half_life_hours})


def _lock_leaves() -> None:
    """In the order of their ids, as everybody who needs several: each booking holds one while it decides."""
    leaves = Vertex.objects.filter(project__isnull=False).order_by("pk")
    list(leaves.select_for_update(no_key=True).values_list("pk", flat=True))
