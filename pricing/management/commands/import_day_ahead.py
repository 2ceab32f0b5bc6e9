"""manage.py import_day_ahead FILE: hourly day-ahead prices of electricity, one column a bidding zone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from pricing.errors import ImportRefused
from pricing.services.day_ahead import import_day_ahead


class Command(BaseCommand):
    help = (
        "Reads a .csv or .csv.gz: a column hour_utc, then a column of EUR per MWh for each bidding zone; "
        "an empty cell is a missing price. Imports all of the file or nothing of it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--source", default="", help="where the file comes from; its name when left out")

    def handle(self, *, file: Path, source: str, **options: Any) -> None:
        try:
            zones = import_day_ahead(path=file, source=source or file.name)
        except ImportRefused as exc:
            raise CommandError(exc.message) from exc
        self.stdout.write(f"{'zone':<18}{'hours':>8}{'missing':>9}{'added':>8}{'changed':>9}")
        for zone in zones:
            self.stdout.write(
                f"{zone.zone:<18}{zone.in_file:>8}{zone.missing:>9}{zone.added:>8}{zone.changed:>9}"
            )
        self.stdout.write(
            f"{len(zones)} zones, {sum(zone.added for zone in zones)} prices added,"
            f" {sum(zone.changed for zone in zones)} changed."
        )
