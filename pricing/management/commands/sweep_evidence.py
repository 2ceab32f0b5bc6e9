"""manage.py sweep_evidence: deletes files in the storage of evidence that no row names."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from common import clock
from pricing.services.evidence_sweep import GRACE, sweep_evidence


class Command(BaseCommand):
    help = "Deletes files in the storage of evidence that no row names; once a day it is done anyway."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--only-look", action="store_true", help="name them and delete nothing")
        parser.add_argument(
            "--grace-hours", type=float, default=GRACE / timedelta(hours=1),
            help="younger ones may be on their way to their row; 24 unless said",
        )  # fmt: skip

    def handle(self, *, only_look: bool, grace_hours: float, **options: Any) -> None:
        found = sweep_evidence(at=clock.now(), grace=timedelta(hours=grace_hours), only_look=only_look)
        for path in found:
            self.stdout.write(path)
        done = "no row names them; nothing was deleted" if only_look else "deleted"
        self.stdout.write(f"{len(found)} files: {done}.")
