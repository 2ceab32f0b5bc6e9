"""One question for each rule that says no, by people who had not read it; a floor, a cap and a sanction that bite."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from accounts.models import Project, User
from accounts.services import members as membership, projects as accounts
from nodes.models import Device
from reservations.errors import Refused
from reservations.management.example_world import lending, people, weeks
from reservations.management.example_world.building import World
from reservations.management.example_world.steps import Step
from reservations.services import booking, standing

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ASKED_BEFORE = 4 * HOUR  # the first of them

# Carla helps with the flood maps; Inês lets her book a day’s worth of one device in a month.
CAPPED, CAPPED_IN, CAPPED_BY, CAP = "carla", "flood-maps", "ines", Decimal(24)
COURSE, TEACHER, COURSE_ENDS = "machine-learning-course", "timo", 26 * DAY


@dataclass(frozen=True)
class Ask:
    """`rule`: at least this one refuses (empty: none). From `start` after the quarter hour before now, for so long."""

    rule: str
    project: str
    by: str
    machine: str
    devices: int
    start: timedelta
    length: timedelta


ASKS = (
    Ask("grid", COURSE, TEACHER, "lyon-l4", 1, 52 * HOUR + timedelta(minutes=7), 2 * HOUR),
    Ask("length", "protein-shapes", "lena", "lyon-l4", 1, 3 * DAY, 8 * DAY),
    Ask("horizon", "flood-maps", "ines", "girona-epyc", 1, 30 * DAY, 4 * HOUR),
    Ask("past", "bird-song-atlas", "carla", "girona-a40", 1, -9 * HOUR, 2 * HOUR),
    Ask("room", "gear-wear", "jonas", "vasteras-h200", 8, 20 * DAY, 7 * DAY),
    Ask("model_half", "ocean-eddies", "sofia", "vasteras-rtx6000", 2, 12 * DAY, 7 * DAY),
    Ask("member_cap", CAPPED_IN, CAPPED, "beja-l40s", 2, 6 * DAY, 20 * HOUR),
    Ask("project_standing", COURSE, TEACHER, "lyon-l4", 1, 26 * DAY + 6 * HOUR, 4 * HOUR),
    # Most of a funded node for four weeks: too long as well, and commerce has a fifth of its quarter.
    Ask("commerce", "gear-wear", "jonas", "lyon-a100", 8, 12 * HOUR, 27 * DAY),
)
BUDGET = Ask("budget", "", people.NEWCOMER, "lyon-l4", 2, 5 * DAY, 20 * HOUR)  # in her own project

# Two devices of which others together have at most four fifths in the week’s peak hours.
FLOOR_MACHINE = "vasteras-rtx6000"
FILLING = (("ocean-eddies", "sofia", 0), ("ocean-eddies", "sofia", 1), ("protein-shapes", "lena", 2),
           ("protein-shapes", "lena", 3))  # fmt: skip
FLOOR_ASK, FLOOR_GETS = ("gear-wear", "jonas"), (COURSE, TEACHER)

# Commerce has a fifth of the nine days of a lent node, 172.8 device-hours, on whichever side of a quarter's end they
# lie; two young companies ask for 176. All of it begins within two days, so the floor counts none of it.
COMMERCE_STARTS, COMMERCE_LENGTH = HOUR, 44 * HOUR
COMMERCE_ASKS = (("reading-aloud", "noor", 3), ("wind-tomorrow", "noor", 1), ("flood-maps", "ines", 1))

# A project whose room is eight hours of a whole node, and a node that nobody uses every week.
TRIAL, TRIAL_MACHINE, TRIAL_DEVICES = "gear-sounds", "beja-l40s-3", 4
ABSENT, COLLEAGUE = "jonas", "noor"
TRIAL_ASKS = (
    Ask("room", TRIAL, COLLEAGUE, TRIAL_MACHINE, TRIAL_DEVICES, 5 * DAY, 12 * HOUR),
    # Within a day nobody needs room, but who did not come three times; his colleague gets the same.
    Ask("room", TRIAL, ABSENT, TRIAL_MACHINE, TRIAL_DEVICES, 2 * HOUR, 12 * HOUR),
    Ask("", TRIAL, COLLEAGUE, TRIAL_MACHINE, TRIAL_DEVICES, 2 * HOUR, 12 * HOUR),
)


def steps(world: World, now: datetime) -> Iterator[Step]:
    mark = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    begins = now - ASKED_BEFORE
    yield Step(begins - HOUR, 2, partial(_let_help, world))
    yield Step(begins - HOUR, 2, partial(_end_course, world, now))
    for index, ask in enumerate(ASKS):
        yield Step(begins + index * timedelta(minutes=7), 2, _asking(world, ask, mark))
    yield Step(begins + 2 * HOUR, 2, _asking(world, BUDGET, mark))
    yield from _floor(world, begins + timedelta(minutes=80))
    yield from _commerce(world, begins + timedelta(minutes=90), mark)
    for index, ask in enumerate(TRIAL_ASKS):
        yield Step(begins + 2 * HOUR + (index + 1) * timedelta(minutes=5), 2, _asking(world, ask, mark))


def _floor(world: World, at: datetime) -> Iterator[Step]:
    """Friday’s peak hours three weeks ahead: refused to industry, granted to the course a minute later."""
    monday = weeks.week_of(at) + 3 * weeks.WEEK
    devices = 2
    for project, person, day in FILLING:
        start = monday + day * DAY + 7 * HOUR  # 08:00 to 20:00 in Västerås, in winter
        yield Step(at, 2, _booking(world, project, person, FLOOR_MACHINE, devices, start, start + 12 * HOUR))
    friday = monday + 4 * DAY + 9 * HOUR
    for minutes, (project, person) in ((1, FLOOR_ASK), (2, FLOOR_GETS)):
        yield Step(
            at + timedelta(minutes=minutes), 2,
            _booking(world, project, person, FLOOR_MACHINE, 1, friday, friday + 4 * HOUR),
        )  # fmt: skip


def _commerce(world: World, at: datetime, mark: datetime) -> Iterator[Step]:
    """One has most of commerce's part, another is refused the rest, a public office gets the same hours."""
    start = mark + COMMERCE_STARTS
    devices = list(world.nodes[lending.MACHINE].devices.order_by("index"))
    first = COMMERCE_ASKS[0][2]
    for minutes, (project, person, count) in enumerate(COMMERCE_ASKS):
        wanted = devices[:first] if minutes == 0 else devices[first : first + count]
        yield Step(
            at + timedelta(minutes=minutes), 2,
            _asking_for(world, project, person, wanted, start, start + COMMERCE_LENGTH),
        )  # fmt: skip


def _let_help(world: World, at: datetime) -> None:
    project = world.projects[CAPPED_IN]
    accounts.add_to_project(project=project, user=world.people[CAPPED])
    membership.set_cap(
        project=project, member=world.people[CAPPED], monthly_cap=CAP, by=world.people[CAPPED_BY]
    )


def _end_course(world: World, now: datetime, at: datetime) -> None:
    """The course is over four weeks from now, and so is its time."""
    ends = (now + COURSE_ENDS).replace(hour=0, minute=0, second=0, microsecond=0)
    standing.set_expiry(
        project=world.projects[COURSE], expires_at=ends, by=world.people[people.STEWARD], at=at
    )


def _asking(world: World, ask: Ask, mark: datetime) -> Callable[[datetime], None]:
    start = mark + ask.start
    return _booking(world, ask.project, ask.by, ask.machine, ask.devices, start, start + ask.length)


def _booking(
    world: World, project: str, by: str, machine: str, devices: int, start: datetime, end: datetime
) -> Callable[[datetime], None]:
    wanted = list(world.nodes[machine].devices.order_by("index")[:devices])
    return _asking_for(world, project, by, wanted, start, end)


def _asking_for(
    world: World, project: str, by: str, wanted: Sequence[Device], start: datetime, end: datetime
) -> Callable[[datetime], None]:
    def book(at: datetime) -> None:
        person = world.people[by]
        try:
            booking.book(
                project=_project(world.projects, project, person),
                devices=[device.uid for device in wanted], start=start, end=end, asked_by=person, at=at,
            )  # fmt: skip
        except Refused:
            return  # the refusal is stored, to be read

    return book


def _project(known: Mapping[str, Project], slug: str, person: User) -> Project:
    return known[slug] if slug else Project.objects.get(personal_to=person)
