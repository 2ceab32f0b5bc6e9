"""manage.py import_list_prices FILE...: list prices of clouds, shop prices of devices, exchange rates."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common import clock
from pricing.errors import ImportRefused
from pricing.services.market import Imported, import_file


class Command(BaseCommand):
    help = (
        "Reads the formats of docs/list-prices.md, each known by its header, plain or packed as .gz or .zip."
        " Imports all of a file or nothing of it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, nargs="+")
        parser.add_argument("--source", required=True, help="where the figures come from")
        parser.add_argument("--address", default="", help="where the source publishes them (https://...)")
        parser.add_argument("--licence", default="", help="under which licence they are published")
        parser.add_argument("--provider", default="", help="of a file that does not say it, such as nebius")
        parser.add_argument(
            "--observed-on", type=date.fromisoformat, help="the day of a file that does not say it"
        )

    def handle(self, *, file: list[Path], **options: Any) -> None:
        said = {name: options[name] for name in ("source", "address", "licence", "provider", "observed_on")}
        for path in file:
            try:
                with path.open("rb") as stream:
                    done = import_file(file=stream, name=path.name, by=None, at=clock.now(), **said)
            except OSError as exc:
                raise CommandError(f"Nothing was imported: {path.name} cannot be read ({exc}).") from exc
            except ImportRefused as exc:
                raise CommandError(f"{path.name}: {exc.message}") from exc
            self._tell(path.name, done)

    def _tell(self, name: str, done: Imported) -> None:
        self.stdout.write(
            f"{name}: {done.rows} rows of {done.content}, {done.added} added, {done.changed} changed,"
            f" {done.unmatched.total()} not matched."
        )
        for what, count in sorted(done.unmatched.items()):
            self.stdout.write(f"  not matched: {what} ({count})")
        for what, count in done.left_out.items():
            self.stdout.write(f"  left out: {count} ({what})")
