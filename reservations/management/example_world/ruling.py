"""The policies of the example: what it began with, what was changed since, and what is announced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from reservations.domain.policy import standard
from reservations.management.example_world import past, people
from reservations.management.example_world.building import World
from reservations.management.example_world.steps import Step
from reservations.models import Policy
from reservations.services.policy import publish_policy

DAY = timedelta(days=1)
CHANGED_AFTER = 9 * DAY  # since the world began
WHY_CHANGED = (
    "A tenth was too little for courses: two weeks of H100 and L4 were full before theirs was planned. "
    "A fifth is what the funders of public machines ask for."
)
ANNOUNCED_AHEAD = 20 * DAY
WHY_ANNOUNCED = (
    "Slots were cancelled a day before and not taken by others; with two days more of them are. "
    "Announced three weeks ahead, so that nobody who books now is caught by it."
)


def steps(world: World, began_at: datetime, now: datetime) -> Iterator[Step]:
    def change(at: datetime) -> None:
        publish_policy(rules=standard(), reason=WHY_CHANGED, by=world.people[people.STEWARD], at=at)

    def announce(at: datetime) -> None:
        begins = (now + ANNOUNCED_AHEAD).replace(hour=0, minute=0, second=0, microsecond=0)
        publish_policy(
            rules=replace(standard(), free_cancel_hours=48), reason=WHY_ANNOUNCED, effective_from=begins,
            by=world.people[people.STEWARD], at=at,
        )  # fmt: skip

    yield Step(began_at + CHANGED_AFTER, 0, past.then(change))
    if not Policy.objects.announced(now).exists():
        yield Step(now - DAY, 0, past.then(announce))
