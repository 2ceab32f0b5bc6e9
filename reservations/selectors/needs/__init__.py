"""Slots that answer a need: free as far as holds tell, each asked of every rule that decides on a booking.

The number of queries does not depend on how many nodes there are, nor on how many slots are tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import Project, User
from nodes import selectors as nodes
from pricing.domain.expected import Carbon, Footprint, Grid
from pricing.models import Grant
from pricing.selectors import Rate, rates
from pricing.selectors.expected import footprints, grids
from reservations.domain import easing, engines, rules as every_rule
from reservations.domain.asking import Candidate, Request
from reservations.domain.engines.alternatives import as_case
from reservations.domain.engines.quoting import shown_level
from reservations.domain.needs import Need, Priced, Sorted, Tried, moments, sort_out, worth_trying
from reservations.domain.policy import Policy
from reservations.domain.rules import Case
from reservations.domain.slots import Slot, mark_after
from reservations.domain.together import Pool, starts
from reservations.errors import NoShare
from reservations.selectors import alternatives, snapshots
from reservations.selectors.needs.places import MOST_PLACES, Place, places_for
from reservations.selectors.standing import numbers_of, position_of

__all__ = ["Answers", "Need", "Place", "answers_to"]


@dataclass(frozen=True)
class Answers:
    need: Need
    at: datetime
    level: Decimal | None  # of the project now; None: nothing used yet
    places: Sequence[Place]  # those that were looked at, the cheapest first
    sorted: Sorted
    carbon: Mapping[Tried, Carbon | None]

    @property
    def are_all(self) -> bool:
        """No node was left out that could have answered."""
        return len(self.places) < MOST_PLACES


@dataclass(frozen=True)
class _Free:
    """What is known of the nodes that were looked at, over the time that can be booked."""

    places: Sequence[Place]
    slots: Mapping[int, Sequence[Slot]]
    priced: Mapping[int, Rate]
    grids: Mapping[str, Grid]
    footprints: Mapping[int, Footprint]

    def carbon(self, place: Place, devices: int, start: datetime, end: datetime) -> Carbon | None:
        found = self.grids[place.electricity_zone].carbon(self.footprints[place.statement], start, end)
        return found.times(devices) if found else None


def answers_to(need: Need, *, project: Project, asked_by: User, rules: Policy, at: datetime) -> Answers:
    """Decided on as a booking at this moment would be. Nothing is stored or held."""
    numbers = numbers_of(project, policy=rules, at=at)
    position = position_of(project_id=project.pk, policy=numbers, at=at, asked_by_id=asked_by.pk)
    if position is None:
        raise NoShare(_("This project has no place in the share tree yet."))
    numbers = easing.eased(numbers, position.exceptions)
    level = shown_level(position.standing, half_life=rules.half_life, at=at)
    free = _free(places_for(need, at=at), at, at + numbers.horizon)
    tried = worth_trying(_tried(need, free, numbers, at), need)
    priced = _priced(tried, free, project=project, asked_by=asked_by, rules=rules, at=at) if tried else []
    carbon = {one: _carbon(one, free) for one in tried}
    return Answers(need, at, level, free.places, sort_out(priced, need), carbon)


def _free(places: Sequence[Place], at: datetime, until: datetime) -> _Free:
    ids = [id for place in places for id in place.group.ids]
    gaps = nodes.free_time(device_ids=ids, start=at, end=until)
    return _Free(
        places=places,
        slots={id: [Slot(gap.start, gap.end) for gap in its] for id, its in gaps.items()},
        priced=rates(device_ids=ids, at=at),
        grids=grids(zones={place.electricity_zone for place in places}, start=at, end=until),
        footprints=footprints(
            devices_of={place.statement: place.group.on_node for place in places},
            on=at.astimezone(UTC).date(),
        ),
    )


def _tried(need: Need, free: _Free, numbers: Policy, at: datetime) -> Iterator[Tried]:
    """On each node: at once, as soon as it is free, later, and when it is cleanest."""
    for number, place in enumerate(free.places):
        pool = place.group.pool(need.devices, free.slots)
        to_pay = free.priced[place.group.ids[0]].to_pay * need.devices
        for slot in _slots(need, pool, partial(_grams, free, place, need), numbers, at):
            devices = tuple(pool.free_in(slot)[: need.devices])
            if len(devices) == need.devices:
                carbon = free.carbon(place, need.devices, slot.start, slot.end)
                grams = carbon.grams if carbon else None
                yield Tried(number, devices, slot.start, slot.end, to_pay, grams, place.runs_jobs)


def _grams(free: _Free, place: Place, need: Need, start: datetime) -> Decimal | None:
    found = free.carbon(place, need.devices, start, start + need.length)
    return found.grams if found else None


def _slots(
    need: Need, pool: Pool, grams: Callable[[datetime], Decimal | None], numbers: Policy, at: datetime
) -> list[Slot]:
    """What begins at once stands for what begins on the next mark: it is over with it."""
    possible = starts([pool], length=need.length, mark=numbers.mark)
    until = at + numbers.horizon
    begins = moments(possible, need=need, at=at, until=until, grams=grams)
    found = sorted(Slot(start, start + need.length) for start in begins)
    now = Slot(at, mark_after(at + need.length, numbers.mark))
    if (need.not_before or at) > at or len(pool.free_in(now)) < need.devices:
        return found
    return [now, *(slot for slot in found if slot.end > now.end)]


def _carbon(one: Tried, free: _Free) -> Carbon | None:
    return free.carbon(free.places[one.place], len(one.devices), one.start, one.end)


def _priced(
    tried: Sequence[Tried], free: _Free, *, project: Project, asked_by: User, rules: Policy, at: datetime
) -> list[Priced]:
    """Each as the engine in use decides on it: the first is read as a request, the others beside it."""
    first = tried[0]
    request = Request(str(project.uid), tuple(sorted(first.devices)), first.start, first.end, at)
    wanted = snapshots.wanted_devices([UUID(uid) for uid in request.devices])
    snapshot, _rates = snapshots.snapshot_of(
        request=request, project_id=project.pk, asked_by_id=asked_by.pk, wanted=wanted,
        grants=Grant.objects.filter(project=project).order_by("id"), policy=rules,
    )  # fmt: skip
    case = Case.of(request, snapshot, rules)
    candidates = tuple(Candidate("", one.devices, one.start, one.end) for one in tried)
    groups = [free.places[number].group for number in sorted({one.place for one in tried})]
    nearby = alternatives.described(case, candidates, groups, free.priced, project.pk)
    asked = engines.engine_of(engines.CURRENT).rules
    found = []
    for one, candidate in zip(tried, candidates, strict=True):
        its = as_case(case, nearby, candidate)
        level = shown_level(
            its.snapshot.standing, half_life=rules.half_life, at=at, added=its.weight * its.hours
        )
        refused = tuple(answer.code for rule in asked if (answer := rule(its)) is not None and answer.refuses)
        found.append(Priced(one, every_rule.covered(its).total, level, refused))
    return found
