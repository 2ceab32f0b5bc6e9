"""Engine 2: all rules there are now, by the numbers of the project's class, and what could be had instead."""

from __future__ import annotations

from reservations.domain import rules
from reservations.domain.asking import Snapshot
from reservations.domain.engines.alternatives import offers
from reservations.domain.engines.engine import Engine
from reservations.domain.policy import Policy


def _of_its_class(policy: Policy, snapshot: Snapshot) -> Policy:
    """Snapshots of before projects' classes were in them go by the numbers for everybody."""
    return policy.for_class(snapshot.project.project_class) if snapshot.project else policy


SECOND = Engine(
    version="2",
    rules=rules.ALL,
    eased_by_shortening=rules.EASED_BY_SHORTENING,
    numbers=_of_its_class,
    offers=offers,
)
