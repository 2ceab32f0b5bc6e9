"""What happens in a week: the same week of the calendar always brings the same wishes.

A wish may still be refused when it is asked; that is part of the world.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from reservations.management.example_world.projects import PROJECTS, Habit, Project

HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)


@dataclass(frozen=True, order=True)
class Wish:
    """A project asks at `asked_at` for `devices` of a machine during [start, end)."""

    asked_at: datetime
    start: datetime
    end: datetime
    project: str
    asked_by: str
    machine: str
    devices: int
    gives_up_at: datetime | None = None  # cancelled then


@dataclass(frozen=True, order=True)
class Closing:
    """The owner takes devices out of the timetable: for maintenance, or for their own use."""

    decided_at: datetime
    start: datetime
    end: datetime
    machine: str
    devices: int
    kind: str  # closure | owner
    reason: str


def week_of(at: datetime) -> datetime:
    """Monday 00:00 UTC of the week."""
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=midnight.weekday())


def _chance(monday: datetime, *names: str) -> random.Random:
    """The same for the same week, whoever runs it and when."""
    return random.Random("/".join([monday.date().isoformat(), *names]))  # noqa: S311 -- an example, no secret


def wishes(monday: datetime) -> list[Wish]:
    """Everything asked for slots that start in this week."""
    found = []
    for project in PROJECTS:
        for habit in project.habits:
            chance = _chance(monday, project.slug, habit.machine)
            found += [_wish(monday, project, habit, chance) for _each in range(habit.a_week)]
    return sorted(found)


def _wish(monday: datetime, project: Project, habit: Habit, chance: random.Random) -> Wish:
    hours = chance.choice(habit.hours)
    hour = chance.choice((17, 18, 20, 21)) if habit.by_night else chance.choice((7, 8, 9, 11, 13))
    start = monday + timedelta(days=chance.choice((0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6)), hours=hour)
    # Most look a few days ahead, some on the day.
    asked_at = start - timedelta(
        hours=chance.choice((5, 20, 30, 44, 68, 92, 140, 190, 260, 340)), minutes=chance.randrange(60)
    )
    gives_up = chance.random() < 0.12
    return Wish(
        asked_at=asked_at,
        start=start,
        end=start + hours * HOUR,
        project=project.slug,
        asked_by=chance.choice((project.lead, *project.members)),
        machine=habit.machine,
        devices=chance.randint(*habit.devices),
        gives_up_at=start - (start - asked_at) / 3 if gives_up else None,
    )


def closings(monday: datetime) -> list[Closing]:
    """Owners decide three weeks ahead, before anybody has booked the time."""
    decided_at = monday - 3 * WEEK
    found = [
        Closing(
            decided_at, monday + timedelta(days=5, hours=6), monday + timedelta(days=6, hours=18),
            "girona-a40", 1, "owner", "Own measurements at weekends",
        ),
        Closing(
            decided_at, monday + timedelta(days=2, hours=6), monday + timedelta(days=2, hours=16),
            "vasteras-h200", 2, "owner", "Own courses",
        ),
    ]  # fmt: skip
    machines = ("lyon-a100", "girona-h100nvl", "vasteras-mi300x", "lyon-l40s")
    machine = machines[monday.toordinal() // 7 % len(machines)]
    start = monday + timedelta(days=3, hours=7)
    found.append(Closing(decided_at, start, start + 5 * HOUR, machine, 8, "closure", "Updates and cleaning"))
    return sorted(found)


def mondays(since: datetime, until: datetime) -> Iterator[datetime]:
    monday = week_of(since)
    while monday <= until:
        yield monday
        monday += WEEK
