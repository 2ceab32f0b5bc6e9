"""What people do with slots once they have them: move one, give one back early, never come to three.

The node has an agent for those days, told by the services as it would have called: without one nothing could
be said of who came (reservations.domain.no_shows).
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nodes import selectors as nodes
from nodes.errors import DeviceTaken
from nodes.models import Agent, Device
from nodes.services import enrolment, leases
from reservations.errors import Refused
from reservations.management.example_world.building import World
from reservations.management.example_world.steps import Step
from reservations.models import NoShow, Reservation
from reservations.services import booking, changing, no_shows, releasing

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MINUTE = timedelta(minutes=1)
MACHINE = "vasteras-h200"
ABSENT, ABSENT_FOR = "jonas", "gear-wear"  # three times within the thirty days that count
SOON_AFTER, SOON_AFTER_BY = "bird-song-atlas", "carla"  # takes what was released
MISSED_DAYS_AGO = (9, 6, 3)
APPEAL = "The train stood for two hours in Hässleholm without a network. My job was written and ready."
EARLY, EARLY_BY = "protein-shapes", "lena"
MOVED, MOVED_BY = "ocean-eddies", "sofia"

Do = Callable[[datetime], None]


def steps(world: World, now: datetime) -> Iterator[Step]:
    played = _Played(world, now)
    first = _nine(now, MISSED_DAYS_AGO[0])
    yield Step(first - 2 * DAY, 2, played.enrol)
    for days in MISSED_DAYS_AGO:
        start = _nine(now, days)
        yield Step(start - 30 * HOUR, 2, played.booking(ABSENT_FOR, ABSENT, start, 6))
        # Half-way to its release whoever booked it is warned; at its release the rest is free.
        for minutes in (16, 31):
            yield Step(start + minutes * MINUTE, 2, played.look)
        yield Step(start + 32 * MINUTE, 2, played.taking(start + HOUR))
    yield Step(_nine(now, MISSED_DAYS_AGO[-1]) + 5 * HOUR, 2, played.appeal)
    yield Step(_nine(now, MISSED_DAYS_AGO[-1]) + 6 * HOUR, 2, played.leave)
    # With three of them, hours within a day need room as well.
    soon = now.replace(minute=0, second=0, microsecond=0) + 6 * HOUR
    yield Step(now - 2 * HOUR, 2, played.asking_soon(soon))

    early = _nine(now, 2)
    yield Step(early - 20 * HOUR, 2, played.booking(EARLY, EARLY_BY, early, 8))
    yield Step(early + 3 * HOUR + MINUTE, 2, played.release_early)
    yield Step(early + 3 * HOUR + 5 * MINUTE, 2, played.taking(early + 4 * HOUR))
    later = now.replace(hour=10, minute=0, second=0, microsecond=0) + 10 * DAY
    yield Step(now - 25 * HOUR, 2, played.booking(MOVED, MOVED_BY, later, 6))
    yield Step(now - 3 * HOUR, 2, played.moving(later + DAY, 6))


def _nine(now: datetime, days_ago: int) -> datetime:
    return now.replace(hour=9, minute=0, second=0, microsecond=0) - timedelta(days=days_ago)


class _Played:
    def __init__(self, world: World, now: datetime) -> None:
        self.world, self.now = world, now
        self.node = world.nodes[MACHINE]
        self.booked: dict[str, Reservation] = {}  # the last one of each project
        self.agent: Agent | None = None

    def enrol(self, at: datetime) -> None:
        if self.node.agents.filter(revoked_at=None).exists():
            return
        token = enrolment.issue_token(node=self.node, by=self.node.owner.memberships.all()[0].user, at=at)
        seed = hashlib.sha256(f"example agent of {self.node.slug} {at:%G-%V}".encode()).digest()
        key = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        self.agent = enrolment.enrol(
            token=token, public_key=b64encode(key).decode(), version="1", inventory={}, at=at
        )

    def leave(self, at: datetime) -> None:
        if self.agent is not None:
            enrolment.revoke(agent=self.agent, reason="The days of the example are over.", at=at)

    def look(self, at: datetime) -> None:
        if self.agent is not None:
            leases.heartbeat(agent=self.agent, leases=(), at=at)
        no_shows.look(at=at)

    def appeal(self, at: datetime) -> None:
        person = self.world.people[ABSENT]
        last = NoShow.objects.filter(person=person, verdict=True, appealed_at=None).order_by("pk").last()
        if last is not None:
            no_shows.appeal(no_show=last, text=APPEAL, by=person, at=at)

    def release_early(self, at: datetime) -> None:
        if EARLY in self.booked:
            by = self.world.people[EARLY_BY]
            releasing.release(reservation=self.booked.pop(EARLY), by=by, at=at)

    def booking(self, project: str, by: str, start: datetime, hours: int) -> Do:
        def book(at: datetime) -> None:
            self._book(project, by, 1, start, start + hours * HOUR, at)

        return book

    def taking(self, end: datetime) -> Do:
        """What has just become free, at once and for as long as it was booked."""

        def take(at: datetime) -> None:
            self._book(SOON_AFTER, SOON_AFTER_BY, 1, None, end + 2 * HOUR, at)

        return take

    def asking_soon(self, start: datetime) -> Do:
        def ask(at: datetime) -> None:
            machine = self.world.nodes["vasteras-h200"]
            self._try(
                ABSENT_FOR, ABSENT, list(machine.devices.order_by("index")), start, start + 14 * HOUR, at
            )

        return ask

    def moving(self, start: datetime, hours: int) -> Do:
        def move(at: datetime) -> None:
            old = self.booked.get(MOVED)
            if old is None:
                return
            devices = [reserved.device.uid for reserved in old.devices.select_related("device")]
            try:
                changing.move(
                    reservation=old, devices=devices, start=start, end=start + hours * HOUR,
                    by=self.world.people[MOVED_BY], at=at,
                )  # fmt: skip
            except (Refused, DeviceTaken):
                return

        return move

    def _book(
        self, project: str, by: str, count: int, start: datetime | None, end: datetime, at: datetime
    ) -> None:
        devices = list(self.node.devices.order_by("index"))
        ids = [device.pk for device in devices]
        taken = {hold.device_id for hold in nodes.conflicts(device_ids=ids, start=start or at, end=end)}
        free = [device for device in devices if device.pk not in taken]
        if len(free) >= count:
            self._try(project, by, free[:count], start, end, at)

    def _try(
        self,
        project: str,
        by: str,
        devices: list[Device],
        start: datetime | None,
        end: datetime,
        at: datetime,
    ) -> None:
        try:
            self.booked[project] = booking.book(
                project=self.world.projects[project], devices=[device.uid for device in devices],
                start=start, end=end, asked_by=self.world.people[by], at=at,
            )  # fmt: skip
        except (Refused, DeviceTaken):
            return
