"""manage.py import_carbon FILE...: carbon intensity of electricity, hourly by zone or yearly by country."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from pricing.domain.hourly.values import INTENSITIES
from pricing.management.importing import import_paths
from pricing.models import HourlyImport


class Command(BaseCommand):
    help = (
        "Reads .csv (wide or long), plain or packed as .gz or .zip: docs/hourly-inputs.md. With --countries, "
        "countries by year; with --factors, what was generated in --zone. All of a file or nothing of it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, nargs="+")
        parser.add_argument("--source", required=True, help="where the figures come from")
        parser.add_argument("--licence", default="", help="under which licence they are published")
        parser.add_argument("--zone", default="", help="refuse a file that holds another zone, such as FR")
        parser.add_argument(
            "--kind",
            choices=[str(one) for one in INTENSITIES],
            default="",
            help="of columns that do not say it, such as FR_g_kwh",
        )
        parser.add_argument("--countries", action="store_true", help="the file has countries by year")
        parser.add_argument("--factors", type=Path, help="grams per kWh by source: the file has MW by source")

    def handle(
        self,
        *,
        file: list[Path],
        source: str,
        licence: str,
        zone: str,
        kind: str,
        countries: bool,
        factors: Path | None,
        **options: Any,
    ) -> None:
        if factors and (countries or not zone):
            raise CommandError("--factors needs --zone, and goes without --countries.")
        content = HourlyImport.Content.COUNTRIES if countries else HourlyImport.Content.CARBON
        import_paths(
            self.stdout, content, file,
            source=source, licence=licence, zone=zone, kind=kind, factors=factors,
        )  # fmt: skip
