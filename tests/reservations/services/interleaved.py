"""Many threads who book, move, extend, cancel and call off at once, at random, for too little for all.

What is never to be exceeded is looked at from outside while they do, on what is committed.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import OperationalError, connection, transaction

from accounts.models import Project, ProjectMembership, User
from common import clock
from common.errors import DomainError
from common.ranges import bounds
from nodes.models import Device
from reservations.domain import slots
from reservations.domain.policy import standard
from reservations.models import Reservation
from reservations.services import booking, calling_off, capacity, changing, handing_over, recounting, usage
from tests import factories

ACTS = {"book": 60, "cancel": 20, "move": 10, "extend": 5, "hand_over": 4, "call_off": 1}
CLASSES = ("research", "independent", "industry", "startup", "student")
CAP = Decimal(24)  # device-hours a month of each project's second member
DAYS = 10  # ahead, at most: so that all meet in few cells

# Each is a rule that nobody may be above, as what is committed says; the limits do not change meanwhile.
_BROKEN = {
    "floor and commerce": """
        SELECT concat_ws(' ', rule, kind, key, period, band) FROM reservations_sharedcell
         WHERE held_seconds > most_seconds AND most_seconds > 0
    """,
    "counters of cells": """
        SELECT cell.key FROM reservations_sharedcell cell
          LEFT JOIN reservations_countedhours counted ON counted.cell_id = cell.id
         GROUP BY cell.id HAVING cell.held_seconds <> COALESCE(sum(counted.seconds), 0)
    """,
    "budget": """
        SELECT pricing_grant.name FROM pricing_grant
          LEFT JOIN pricing_encumbrance open ON open.grant_id = pricing_grant.id AND open.settled_at IS NULL
         GROUP BY pricing_grant.id
        HAVING encumbered + used > pricing_grant.amount OR encumbered <> COALESCE(sum(open.amount), 0)
    """,
    "member cap": """
        SELECT slot.booked_by_id
          FROM reservations_reservation slot
          JOIN reservations_reserveddevice device ON device.reservation_id = slot.id
          JOIN accounts_projectmembership member
            ON member.project_id = slot.project_id AND member.user_id = slot.booked_by_id
         WHERE slot.state <> 'cancelled' AND member.monthly_cap IS NOT NULL
         GROUP BY slot.project_id, slot.booked_by_id, member.monthly_cap,
                  date_trunc('month', lower(slot.during), 'UTC')
        HAVING sum(extract(epoch FROM upper(slot.during) - lower(slot.during))) > member.monthly_cap * 3600
    """,
    "half of a model": """
        SELECT slot.project_id
          FROM reservations_reservation slot
          JOIN reservations_reserveddevice reserved ON reserved.reservation_id = slot.id
          JOIN nodes_hold hold ON hold.uid = reserved.hold_uid
          JOIN nodes_device device ON device.id = hold.device_id
         CROSS JOIN LATERAL generate_series(date_trunc('week', lower(hold.during), 'UTC'),
               upper(hold.during) - interval '1 microsecond', interval '7 days') AS week
         WHERE upper(hold.during) > %(late)s
         GROUP BY slot.project_id, device.model_key, week
        HAVING sum(greatest(0, extract(epoch FROM least(upper(hold.during), week + interval '7 days')
                                            - greatest(lower(hold.during), week, %(late)s))))
               > 302400 * (SELECT count(*) FROM nodes_device same WHERE same.model_key = device.model_key)
    """,
    "room": """
        SELECT slot.project_id
          FROM reservations_reservation slot
          JOIN reservations_reserveddevice reserved ON reserved.reservation_id = slot.id
          JOIN nodes_hold hold ON hold.uid = reserved.hold_uid
         WHERE upper(hold.during) > %(late)s
         GROUP BY slot.project_id
        HAVING sum(reserved.weight * extract(epoch FROM upper(hold.during)
                                           - greatest(lower(hold.during), %(late)s))) > %(room)s * 3600
    """,
}  # fmt: skip


@dataclass
class Outcome:
    seconds: float = 0
    done: Counter[str] = field(default_factory=Counter)  # by what was done, or why it was not
    broken: Counter[str] = field(default_factory=Counter)  # by rule, however often it was seen
    looks: int = 0  # at what was committed, from outside
    differences: list[str] = field(default_factory=list)  # of counters, at the end

    @property
    def operations(self) -> int:
        return sum(self.done.values())

    @property
    def deadlocks(self) -> int:
        return sum(count for name, count in self.done.items() if "deadlock" in name)


@dataclass(frozen=True)
class Party:
    project: Project
    lead: User
    capped: User


class Crowd:
    """A node that public money bought a part of and one that it did not, and ten projects."""

    def __init__(self) -> None:
        rules = standard()
        factories.make_policy(**vars(rules))
        long_ago = clock.now() - timedelta(days=400)
        self.devices: list[Device] = []
        for funded in ("100000", "0"):
            node = factories.make_node(devices=4, listed_at=long_ago)
            asset = factories.make_asset(funding=factories.granted(funded))
            factories.publish_prices(node, declared=factories.make_declared(assets=(asset,)))
            self.devices += node.devices.all()
        self.parties = [_party(code) for code in CLASSES * 2]
        self.begins = clock.now()
        capacity.measure(at=self.begins)
        for number, party in enumerate(
            self.parties
        ):  # all are active from now on, so shares stay as they are
            start = slots.mark_after(self.begins + timedelta(hours=30 + number))
            booking.book(
                project=party.project, devices=[self.devices[0].uid], start=start,
                end=start + timedelta(hours=1), asked_by=party.lead, at=self.begins,
            )  # fmt: skip
        self.room = self._room()

    def run(self, *, threads: int, operations: int, seconds: float) -> Outcome:
        """Until so many things were tried or the time is over."""
        outcome, ends = Outcome(), time.monotonic() + seconds
        began = time.monotonic()
        with ThreadPoolExecutor(threads + 1) as pool:
            each = [pool.submit(self._work, seed, operations // threads, ends) for seed in range(threads)]
            while not all(one.done() for one in each):
                pool.submit(self._look, outcome).result()
                time.sleep(0.2)
            for one in each:
                outcome.done += one.result()
        outcome.seconds = time.monotonic() - began
        self._look(outcome)
        outcome.differences = recounting.differences(at=clock.now())
        return outcome

    # --- what each thread does ---
    def _work(self, seed: int, operations: int, ends: float) -> Counter[str]:
        draw, done = random.Random(seed), Counter[str]()
        try:
            for _number in range(operations):
                if time.monotonic() > ends:
                    break
                name = draw.choices([*ACTS], [*ACTS.values()])[0]
                done[self._tried(name, draw)] += 1
        finally:
            connection.close()
        return done

    def _tried(self, name: str, draw: random.Random) -> str:
        try:
            getattr(self, f"_{name}")(draw, clock.now())
        except DomainError as refusal:
            return f"{name}: {refusal.code}"
        except OperationalError as exc:
            return f"{name}: {str(exc).splitlines()[0]}"
        return name

    def _book(self, draw: random.Random, at: datetime) -> None:
        party = draw.choice(self.parties)
        start, end = _time(draw, at)
        booking.book(
            project=party.project, devices=self._some(draw), start=start, end=end,
            asked_by=draw.choice([party.lead, party.capped]), at=at,
        )  # fmt: skip

    def _cancel(self, draw: random.Random, at: datetime) -> None:
        if slot := _slot(draw):
            booking.cancel(reservation=slot, by=self._lead(slot), at=at)

    def _move(self, draw: random.Random, at: datetime) -> None:
        if slot := _slot(draw):
            start, end = _time(draw, at)
            devices = self._some(draw)
            changing.move(reservation=slot, devices=devices, start=start, end=end, by=self._lead(slot), at=at)

    def _extend(self, draw: random.Random, at: datetime) -> None:
        if slot := _slot(draw):
            end = bounds(slot.during)[1] + timedelta(minutes=15 * draw.randrange(2, 12))
            changing.extend(reservation=slot, end=end, by=self._lead(slot), at=at)

    def _hand_over(self, draw: random.Random, at: datetime) -> None:
        if slot := _slot(draw):
            party = next(party for party in self.parties if party.project.pk == slot.project_id)
            to = party.lead if slot.booked_by_id == party.capped.pk else party.capped
            handing_over.hand_over(reservation=slot, to=to, by=party.lead, at=at)

    def _call_off(self, draw: random.Random, at: datetime) -> None:
        project = draw.choice(self.parties).project
        with transaction.atomic():
            usage.lock_vertex(project_id=project.pk)
            calling_off.call_off(
                project=project, ends_after=at + timedelta(days=DAYS - 1), reason="Random", at=at
            )

    def _some(self, draw: random.Random) -> list[Any]:
        """In any order: the locks are taken in one."""
        return [device.uid for device in draw.sample(self.devices, draw.choice([1, 1, 2, 3]))]

    def _lead(self, slot: Reservation) -> User:
        return next(party.lead for party in self.parties if party.project.pk == slot.project_id)

    # --- what is looked at ---
    def _look(self, outcome: Outcome) -> None:
        values: dict[str, Any] = {"late": clock.now() + timedelta(hours=24), "room": self.room}
        try:
            with connection.cursor() as cursor:
                for rule, sql in _BROKEN.items():
                    cursor.execute(sql, values)
                    outcome.broken[rule] += len(cursor.fetchall())
        finally:
            outcome.looks += 1
            if not connection.in_atomic_block:
                connection.close()

    def _room(self) -> Decimal:
        """The same for all: equal shares, and nothing used."""
        party, start = self.parties[0], slots.mark_after(self.begins + timedelta(days=5))
        answer = booking.preview(
            project=party.project, devices=[self.devices[0].uid], start=start, end=start + timedelta(hours=1),
            asked_by=party.lead, at=clock.now(),
        )  # fmt: skip
        (limit,) = (rule.limit for rule in answer.rules if rule.code == "room")
        return Decimal(limit or 0)


def _slot(draw: random.Random) -> Reservation | None:
    live = Reservation.objects.filter(state="booked", during__startswith__gt=clock.now())
    found: list[int] = list(live.order_by("pk").values_list("pk", flat=True))
    return Reservation.objects.get(pk=draw.choice(found)) if found else None


def _time(draw: random.Random, at: datetime) -> tuple[datetime, datetime]:
    start = slots.mark_after(at + timedelta(minutes=draw.randrange(30, DAYS * 1440)))
    return start, start + timedelta(minutes=15 * draw.randrange(2, 160))


def _party(of_class: str) -> Party:
    lead, capped = factories.make_user(), factories.make_user()
    project = factories.make_project(lead=lead, project_class=of_class)
    ProjectMembership.objects.create(project=project, user=capped, monthly_cap=CAP)
    factories.make_grant(project, "400")
    factories.make_vertex(project)
    return Party(project, lead, capped)


def lines(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """What a table says of it."""
    yield "operations", f"{outcome.operations} in {outcome.seconds:.0f} s"
    yield "deadlocks", str(outcome.deadlocks)
    for rule, count in outcome.broken.items():
        yield f"{rule} exceeded", f"{count} times in {outcome.looks} looks"
    yield "counters that differ in the end", str(len(outcome.differences))
    for name, count in sorted(outcome.done.items()):
        yield name, str(count)
