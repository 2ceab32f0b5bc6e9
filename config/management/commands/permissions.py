"""Write docs/permissions.md, or look whether it is as it should be."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import permissions


class Command(BaseCommand):
    help = "Write docs/permissions.md from the rules that stand before the views."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="Write nothing; fail where it differs.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            text = permissions.written()
        except permissions.NoRule as missing:
            raise CommandError(str(missing)) from missing
        if not options["check"]:
            permissions.PAGE.write_text(text)
        elif not permissions.PAGE.exists() or permissions.PAGE.read_text() != text:
            raise CommandError("docs/permissions.md is not what the code says: run manage.py permissions.")
