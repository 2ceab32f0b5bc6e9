"""Make the site's keys where they are missing, and print the public halves of those that have one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from common import clock
from common.keys import load_private_key, make_key, make_sealing_key
from ledger import files, services
from ledger.domain.note import encode_base64


class Command(BaseCommand):
    help = (
        "Makes the ledger's, the dispatch and the sealing key where missing, mode 0600; prints public halves."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--declare", action="store_true", help="also enter the public keys in the ledger, once each"
        )

    def handle(self, *args: Any, declare: bool, **options: Any) -> None:
        paths: dict[str, Path] = {"ledger": settings.LEDGER_KEY_FILE, "dispatch": settings.DISPATCH_KEY_FILE}
        for purpose, path in paths.items():
            made = make_key(path)
            self.stdout.write(f"{purpose:<9} {'made' if made else 'kept'} {path}")
            public = load_private_key(path).public_key().public_bytes_raw()
            if purpose == "dispatch":
                self.stdout.write(f"{'':9} {encode_base64(public)}")
            else:
                self.stdout.write(f"{'':9} {files.verifier().vkey}")
            if declare:
                services.declare_key(purpose=purpose, public_key=public, at=clock.now())
        path = settings.SECRETS_KEY_FILE
        self.stdout.write(f"{'secrets':<9} {'made' if make_sealing_key(path) else 'kept'} {path}")
