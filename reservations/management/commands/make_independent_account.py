"""`manage.py make_independent_account`: the account of the share tree that personal projects share."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.errors import DomainError
from reservations.services import shares as service

SHARES = 10


class Command(BaseCommand):
    help = "Makes the account that personal projects share, once. Without it nobody who signs up can book."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--shares", type=int, default=SHARES, help=f"of the whole (default: {SHARES})")

    def handle(self, *args: Any, shares: int, **options: Any) -> None:
        try:
            account = service.ensure_independent_account(shares=shares)
        except DomainError as refusal:
            raise CommandError(refusal.message) from refusal
        if options["verbosity"]:
            self.stdout.write(f"Personal projects share the account “{account}”, {account.shares} shares.")
