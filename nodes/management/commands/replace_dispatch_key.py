"""Replace the key that signs jobs: agents follow, since the present one signs for the next."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from common import clock
from nodes.services import site_keys


class Command(BaseCommand):
    help = (
        "Makes a new key to sign jobs with and lets the present one sign for it, so that agents follow it. "
        "For a key that somebody else may know this is no help: whoever has it can sign for another, too."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(site_keys.replace(at=clock.now()))
