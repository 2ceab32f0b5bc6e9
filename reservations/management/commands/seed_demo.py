"""`manage.py seed_demo`: builds the example world by calling the services, and keeps it up to date."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from common import clock
from common.keys import make_key
from ledger import services as ledger
from reservations.management.example_world import (
    afterwards,
    building,
    hours,
    newcomer,
    past_jobs,
    people,
    playing,
    refusals,
    ruling,
    today,
    weeks,
)
from reservations.models import Decision
from reservations.services import weeks as week_sums

# How long the world has existed at least when it is made: a half-life of usage and a half.
HISTORY = timedelta(weeks=3)


class Command(BaseCommand):
    help = "Builds the example world, or lets the time since its last day pass. Does nothing twice."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--log-ins", action="store_true", help="only print e-mail, password and who, parted by tabs"
        )

    def handle(self, *args: Any, log_ins: bool, **options: Any) -> None:
        if not settings.EXAMPLE_WORLD:
            raise CommandError("This is no example site: EXAMPLE_WORLD is not set.")
        if not log_ins:
            make_key(settings.LEDGER_KEY_FILE)
            make_key(settings.DISPATCH_KEY_FILE)
            self.stdout.write(seed(now=clock.now()))
        for person in people.PEOPLE:
            if person.log_in:
                self.stdout.write(f"{person.email}\t{people.PASSWORD}\t{person.log_in}")


def seed(*, now: datetime) -> str:
    """All of it or nothing of it; then the ledger is signed. Says what was done."""
    with transaction.atomic():
        world = building.find()
        if world is None:
            began_at = weeks.week_of(now) - HISTORY
            world = building.build(began_at=began_at, now=now)
            count = playing.play(
                world,
                since=began_at,
                until=now,
                also=[
                    *past_jobs.steps(world, now),
                    *newcomer.steps(world.people, world.nodes, now),
                    *today.steps(world, now),
                    *refusals.steps(world, now),
                    *afterwards.steps(world, now),
                    *ruling.steps(world, began_at, now),
                ],
            )
            hours.bring(world.people, at=now)
            week_sums.recount(at=now)
            done = f"The example world is built: {count} things happened in it since {began_at:%d %B %Y}."
        else:
            building.complete(world, at=now)
            asked = Decision.objects.filter(asked_by__in=world.people.values())
            since = asked.latest("decided_at").decided_at
            count = playing.play(world, since=since, until=now)
            week_sums.count_weeks(at=now)
            done = f"The example world is there; {count} things happened in it since."
    while ledger.sequence(at=now):
        pass
    return done
