"""Recompute the whole log from its entries and compare it with everything that was signed."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ledger.models import Checkpoint, Entry
from ledger.selectors.differences import differences


class Command(BaseCommand):
    help = "Recomputes every hash, root and signature of the ledger; exits with 1 if anything differs."

    def handle(self, *args: Any, **options: Any) -> None:
        found = 0
        for sentence in differences():
            found += 1
            self.stderr.write(sentence)
        if found:
            raise CommandError(f"{found} differences")
        entries, checkpoints = Entry.objects.sequenced().count(), Checkpoint.objects.count()
        self.stdout.write(f"{entries} entries give the roots of all {checkpoints} checkpoints.")
