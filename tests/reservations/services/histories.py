"""A small site and whatever people do on it, at random: the same seed, the same history."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from django.db import transaction

from accounts.models import Project, ProjectMembership, User
from common import clock
from common.errors import DomainError
from common.ranges import between, bounds
from nodes.models import Device
from nodes.services import occupancy
from reservations.domain import slots
from reservations.domain.policy import CLASSES, Policy as Rules, standard
from reservations.models import Reservation
from reservations.selectors import policies
from reservations.services import (
    booking,
    calling_off,
    capacity,
    changing,
    handing_over,
    policy,
    releasing,
    settle,
    usage,
)
from tests import factories

# How often each is tried: of what people do most is booking, and of the rest a little of all.
WEIGHTS = {
    "book": 50, "cancel": 10, "move": 7, "extend": 4, "release": 6, "hand_over": 3, "settle": 5,
    "call_off": 2, "class": 3, "close": 6, "publish": 2, "measure": 2,
}  # fmt: skip
NODES = (  # devices, model, time zone, country, part that public money bought
    (4, "H100 SXM5", "Europe/Paris", "FR", "0.6"),
    (2, "H100 SXM5", "Asia/Kathmandu", "NP", "0"),
    (2, "A100 PCIe", "Europe/Paris", "FR", "0.25"),
)
PROJECTS = (  # class, EUR, device-hours, shares, the member's cap
    ("research", "100000", None, 20, None), ("independent", "300", "400", 5, None),
    ("student", "100000", None, 10, "60"), ("citizen", "5000", None, 10, None),
    ("industry", "100000", None, 20, None), ("startup", "2000", None, 10, "200"),
)  # fmt: skip


@dataclass(frozen=True)
class Party:
    """A project and who acts for it."""

    project: Project
    people: tuple[User, User]  # its lead and a member, who may have a cap


class History:
    """Call `step` as often as you like: each does one thing, a little later than the last."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.at = clock.now()
        self.done: Counter[str] = Counter()  # by what was done, or why it was not
        factories.make_policy(
            **vars(replace(standard(), floor_share=Fraction(4, 5), commerce_share=Fraction(1, 50)))
        )
        self.steward = factories.make_user(is_steward=True)
        self.devices = [device for node in NODES for device in _node(*node)]
        self.parties = [_party(*project) for project in PROJECTS]
        capacity.measure(at=self.at)

    def step(self) -> None:
        self.at += timedelta(minutes=self.random.randrange(1, 40))
        name = self.random.choices([*WEIGHTS], [*WEIGHTS.values()])[0]
        act: Callable[[], None] = getattr(self, f"_{name}")
        try:
            act()
        except DomainError as refusal:
            self.done[f"{name}: {refusal.code}"] += 1
        else:
            self.done[name] += 1

    def run(self, steps: int) -> None:
        for _number in range(steps):
            self.step()

    # --- what people do ---
    def _book(self) -> None:
        party = self.random.choice(self.parties)
        start, end = self._time()
        booking.book(
            project=party.project, devices=self._devices(), start=start, end=end,
            asked_by=self.random.choice(party.people), at=self.at,
        )  # fmt: skip

    def _cancel(self) -> None:
        if slot := self._slot(begun=False):
            booking.cancel(reservation=slot, by=self._lead(slot), at=self.at)

    def _move(self) -> None:
        if slot := self._slot(begun=False):
            start, end = self._time()
            changing.move(
                reservation=slot,
                devices=self._devices(),
                start=start,
                end=end,
                by=self._lead(slot),
                at=self.at,
            )

    def _extend(self) -> None:
        if slot := self._slot():
            end = bounds(slot.during)[1] + timedelta(minutes=15 * self.random.randrange(2, 20))
            changing.extend(reservation=slot, end=end, by=self._lead(slot), at=self.at)

    def _release(self) -> None:
        if slot := self._slot(begun=True):
            releasing.release(reservation=slot, by=self._lead(slot), at=self.at)

    def _hand_over(self) -> None:
        if slot := self._slot():
            to = self.random.choice(self._party_of(slot).people)
            handing_over.hand_over(reservation=slot, to=to, by=self._lead(slot), at=self.at)

    # --- what the site does ---
    def _settle(self) -> None:
        settle.settle_ended(at=self.at)

    def _measure(self) -> None:
        capacity.measure(at=self.at)

    def _call_off(self) -> None:
        project = self.random.choice(self.parties).project
        after = self.at + timedelta(days=self.random.randrange(3, 25))
        with transaction.atomic():  # whoever ends a project holds its lock meanwhile
            usage.lock_vertex(project_id=project.pk)
            calling_off.call_off(project=project, ends_after=after, reason="Random", at=self.at)

    def _class(self) -> None:
        """Given, or lost in a while: with slots booked under the one before."""
        project = self.random.choice(self.parties).project
        until = self.at + timedelta(days=self.random.randrange(1, 40)) if self.random.random() < 0.5 else None
        Project.objects.filter(pk=project.pk).update(
            project_class=self.random.choice(CLASSES), class_expires_at=until
        )

    def _close(self) -> None:
        start, end = self._time()
        ids = [device.pk for device in self.random.sample(self.devices, 2)]
        occupancy.close_devices(
            device_ids=ids, during=between(start or self.at, end),
            kind=self.random.choice(["closure", "owner"]), reason="Random", at=self.at,
        )  # fmt: skip

    def _publish(self) -> None:
        """Other numbers, and now and then another half-life."""
        rules: Rules = policies.in_force(self.at)[1]
        changed = replace(
            rules,
            floor_share=Fraction(self.random.randrange(6, 10), 10),
            commerce_share=Fraction(self.random.randrange(1, 6), 100),
            floor_ahead_hours=self.random.choice([12, 24, 48]),
            half_life_hours=self.random.choice([rules.half_life_hours, 168, 336]),
        )
        policy.publish_policy(rules=changed, reason="Random", at=self.at, by=self.steward)

    # --- at random ---
    def _time(self) -> tuple[datetime | None, datetime]:
        """From now on or later, up to four days, and within the horizon for nearly all."""
        length = timedelta(minutes=15 * int(self.random.expovariate(1 / 90) + 2))
        if self.random.random() < 0.1:
            return None, slots.mark_after(self.at + length)
        start = slots.mark_after(self.at + timedelta(hours=self.random.expovariate(1 / 90)))
        return start, start + min(length, timedelta(days=4))

    def _devices(self) -> list[UUID]:
        number = self.random.choice([1, 1, 1, 2, 2, 3])
        return [device.uid for device in self.random.sample(self.devices, number)]

    def _slot(self, *, begun: bool | None = None) -> Reservation | None:
        live = Reservation.objects.filter(state="booked", during__endswith__gt=self.at)
        if begun is not None:
            live = live.filter(**{f"during__startswith__{'lt' if begun else 'gt'}": self.at})
        found = list(live.order_by("pk"))
        return self.random.choice(found) if found else None

    def _party_of(self, slot: Reservation) -> Party:
        return next(party for party in self.parties if party.project.pk == slot.project_id)

    def _lead(self, slot: Reservation) -> User:
        return self._party_of(slot).people[0]


def _node(devices: int, model: str, zone: str, country: str, funded: str) -> list[Device]:
    site = factories.make_site(time_zone=zone, country=country)
    node = factories.make_node(devices=devices, model=model, site=site)
    money = factories.granted(str(Decimal(280_000) * Decimal(funded)))
    factories.publish_prices(
        node, declared=factories.make_declared(assets=(factories.make_asset(funding=money),))
    )
    return list(node.devices.order_by("index"))


def _party(of_class: str, amount: str, hours: str | None, shares: int, cap: str | None) -> Party:
    lead, member = factories.make_user(), factories.make_user()
    project = factories.make_project(lead=lead, project_class=of_class)
    ProjectMembership.objects.create(project=project, user=member, monthly_cap=cap and Decimal(cap))
    now = clock.now()
    first = between(now - timedelta(days=30), now + timedelta(days=10))
    factories.make_grant(project, amount, valid=first, hours=hours and Decimal(hours))
    factories.make_grant(project, amount, valid=between(now, now + timedelta(days=2000)), name="Grant 2")
    factories.make_vertex(project, shares=shares)
    return Party(project, (lead, member))
