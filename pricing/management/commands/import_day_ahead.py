"""manage.py import_day_ahead FILE...: hourly day-ahead prices of electricity, by bidding zone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from pricing.management.importing import import_paths
from pricing.models import HourlyImport


class Command(BaseCommand):
    help = (
        "Reads .csv (wide or long) or ENTSO-E's XML, plain or packed as .gz or .zip: docs/hourly-inputs.md. "
        "Imports all of a file or nothing of it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, nargs="+")
        parser.add_argument("--source", required=True, help="where the figures come from")
        parser.add_argument("--licence", default="", help="under which licence they are published")
        parser.add_argument("--zone", default="", help="refuse a file that holds another zone, such as FR")

    def handle(self, *, file: list[Path], source: str, licence: str, zone: str, **options: Any) -> None:
        import_paths(
            self.stdout, HourlyImport.Content.PRICES, file, source=source, licence=licence, zone=zone
        )
