"""Seal second factors with a new key: in one go, or step by step where several machines open them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.services import second_factors
from common.keys import add_sealing_key, use_sealing_key


class Command(BaseCommand):
    help = (
        "Puts a new key first in SECRETS_KEY_FILE and seals the secrets of second factors with it. Where"
        " several machines have the file, no machine may meet a secret that its own file does not open:"
        " --add on one and copy the file to all, --use on each, then --seal on one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        step = parser.add_mutually_exclusive_group()
        step.add_argument("--add", action="store_true", help="add a new key, which opens and does not seal")
        step.add_argument("--use", metavar="KEY", help="let the key of this name seal from now on")
        step.add_argument("--seal", action="store_true", help="seal everything again with the first key")

    def handle(self, *, add: bool, use: str | None, seal: bool, **options: Any) -> None:
        path: Path = settings.SECRETS_KEY_FILE
        if add:
            name = add_sealing_key(path)
            self.stdout.write(
                f"added the key {name} to {path}; copy the file to every machine that has one, then run"
                f" turn_secrets_key --use {name} on each"
            )
        elif use is not None:
            self._use(path, use)
        elif seal:
            self.stdout.write(f"sealed {second_factors.seal_again()} again with the first key of {path}")
        else:
            count = second_factors.turn_key()
            self.stdout.write(f"sealed {count} again; the first line of {path} is the new key")

    def _use(self, path: Path, name: str) -> None:
        try:
            use_sealing_key(path, name)
        except KeyError as exc:
            raise CommandError(
                f"No key of {path} is called {name}: copy the file of the machine where --add named it."
            ) from exc
        self.stdout.write(
            f"the key {name} seals from now on; run turn_secrets_key --seal on one machine once this is"
            " said on all"
        )
