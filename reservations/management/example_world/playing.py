"""Lets a stretch of time pass in the world: asks, books, cancels, closes and settles by calling the services.

Each step happens `at` its own time, in the order of time, as if people had done it then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from common.ranges import between
from nodes import selectors as nodes
from nodes.errors import DeviceTaken
from nodes.models import Closure, Device
from nodes.services import occupancy
from reservations.errors import Refused
from reservations.management.example_world import weeks
from reservations.management.example_world.building import World
from reservations.management.example_world.steps import Step
from reservations.management.example_world.weeks import Closing, Wish
from reservations.models import Reservation
from reservations.services import booking, capacity, levels, settle

DAY = timedelta(days=1)
LOOK_AHEAD = timedelta(days=21)  # nobody here asks earlier, and owners decide by then


def play(world: World, *, since: datetime, until: datetime, also: Sequence[Step] = ()) -> int:
    """All that the tables have happening after `since` and not after `until`; answers how many steps."""
    player = Player(world)
    mondays = list(weeks.mondays(since - LOOK_AHEAD, until + LOOK_AHEAD))
    steps = [
        *player.closings(mondays),
        *player.wishes(mondays),
        *player.sweeps(since, until),
        *also,
    ]
    due = sorted((step for step in steps if since < step.at <= until), key=lambda step: (step.at, step.order))
    for step in due:
        step.do(step.at)
    return len(due)


class Player:
    def __init__(self, world: World) -> None:
        self.world = world
        devices = (
            Device.objects.filter(node__in=world.nodes.values()).select_related("node").order_by("index")
        )
        self.devices: dict[str, list[Device]] = {slug: [] for slug in world.nodes}
        for device in devices:
            self.devices[device.node.slug].append(device)

    def closings(self, mondays: list[datetime]) -> Iterator[Step]:
        for monday in mondays:
            for closing in weeks.closings(monday):
                yield Step(closing.decided_at, 0, self._closing(closing))

    def _closing(self, closing: Closing) -> Callable[[datetime], None]:
        def close(at: datetime) -> None:
            if Closure.objects.filter(created_at=at, reason=closing.reason).exists():
                return  # an earlier run of this command has been here
            devices = self.devices[closing.machine][: closing.devices]
            occupancy.close_devices(
                device_ids=[device.pk for device in devices],
                during=between(closing.start, closing.end),
                kind=closing.kind,
                reason=closing.reason,
                at=at,
            )

        return close

    def wishes(self, mondays: list[datetime]) -> Iterator[Step]:
        for monday in mondays:
            for wish in weeks.wishes(monday):
                booked: list[Reservation] = []
                yield Step(wish.asked_at, 2, self._asking(wish, booked))
                if wish.gives_up_at is not None:
                    yield Step(wish.gives_up_at, 2, self._giving_up(wish, booked))

    def _asking(self, wish: Wish, booked: list[Reservation]) -> Callable[[datetime], None]:
        def ask(at: datetime) -> None:
            try:
                booked.append(
                    booking.book(
                        project=self.world.projects[wish.project],
                        devices=[device.uid for device in self._pick(wish)],
                        start=wish.start,
                        end=wish.end,
                        asked_by=self.world.people[wish.asked_by],
                        at=at,
                    )
                )
            except (Refused, DeviceTaken):
                return  # the refusal is stored, and people ask again another day

        return ask

    def _pick(self, wish: Wish) -> list[Device]:
        """Free ones, as many as wanted or as there are; when all are taken, the first, and see."""
        devices = self.devices[wish.machine]
        ids = [device.pk for device in devices]
        taken = {hold.device_id for hold in nodes.conflicts(device_ids=ids, start=wish.start, end=wish.end)}
        free = [device for device in devices if device.pk not in taken]
        return (free or devices)[: wish.devices]

    def _giving_up(self, wish: Wish, booked: list[Reservation]) -> Callable[[datetime], None]:
        def give_up(at: datetime) -> None:
            for reservation in booked:
                booking.cancel(reservation=reservation, by=self.world.people[wish.asked_by], at=at)

        return give_up

    def sweeps(self, since: datetime, until: datetime) -> Iterator[Step]:
        """The sweeps that a site runs all the time run here at midnight, and once more at the end."""
        midnight = since.replace(hour=0, minute=0, second=0, microsecond=0) + DAY
        while midnight < until:
            yield Step(midnight, 1, _measure)
            yield Step(midnight, 3, _settle)
            midnight += DAY
        yield Step(until, 1, _measure)
        yield Step(until, 3, _settle)


def _measure(at: datetime) -> None:
    capacity.measure(at=at)
    levels.record_day(at=at)


def _settle(at: datetime) -> None:
    while settle.settle_ended(at=at):
        pass
