"""`manage.py recount [--check]`: are all counters what they count?"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common import clock
from reservations.services import recounting


class Command(BaseCommand):
    help = (
        "Counts usage, booked hours, the cells of floor and commerce, grants, lines and weekly sums again "
        "from events, decisions and rows of money, says what differs and corrects it. Nobody books meanwhile."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="correct nothing; fail where anything differs"
        )

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        at = clock.now()
        found = recounting.differences(at=at)
        for difference in found:
            self.stdout.write(difference)
        if found and check:
            raise CommandError(f"{len(found)} counters differ from what they count.")
        if found:
            recounting.recount(at=at)
            self.stdout.write(f"{len(found)} differences corrected.")
        elif options["verbosity"]:
            self.stdout.write("Every counter is what it counts.")
