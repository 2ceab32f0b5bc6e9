"""`manage.py rebuild_holds [--check]`: the holds from their events, compared or put right."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from nodes.domain.intervals import HoldFact
from nodes.services import rebuilding


class Command(BaseCommand):
    help = "Rebuild the holds from their events; with --check only compare, and fail on a difference."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        differences = rebuilding.compare_holds() if check else rebuilding.mend_holds()
        for difference in differences:
            self.stdout.write(
                f"{difference.uid}: stored {_told(difference.stored)}; events say {_told(difference.rebuilt)}"
            )
        if check and differences:
            raise CommandError(
                f"Holds that differ from their events: {len(differences)}. Run rebuild_holds to mend them."
            )
        self.stdout.write(f"Holds mended: {len(differences)}." if differences else "Holds and events agree.")


def _told(fact: HoldFact | None) -> str:
    if fact is None:
        return "no hold"
    start, end = fact.during.start.isoformat(), fact.during.end.isoformat()
    return f"device {fact.device_id} from {start} to {end} for {fact.reference}"
