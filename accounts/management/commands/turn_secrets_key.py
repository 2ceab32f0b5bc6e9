"""Seal second factors with a new key."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from accounts.services import second_factors


class Command(BaseCommand):
    help = "Puts a new key first in SECRETS_KEY_FILE and seals the secrets of second factors with it."

    def handle(self, *args: Any, **options: Any) -> None:
        count = second_factors.turn_key()
        self.stdout.write(
            f"sealed {count} again; the first line of {settings.SECRETS_KEY_FILE} is the new key"
        )
