"""`manage.py import_nodes --format grid5000 DIR`: nodes from files that describe them, all or none."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.models import Organisation
from common import clock
from nodes.domain import grid5000
from nodes.domain.devices import GIB
from nodes.errors import ListingRefused
from nodes.services import inventory

# What the files do not say. PUE: median of European sites in e-FISCAL (EU FP7 283449, D2.3).
FRENCH_SITE = {"country": "FR", "electricity_zone": "FR", "time_zone": "Europe/Paris"}
MEDIAN_PUE = "1.5"
SITE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LARGEST_FILE = 4 * 1024 * 1024  # the real ones have 20 kB
GRID5000 = {"name": "Grid’5000", "kind": Organisation.Kind.OWNER, "is_public_body": True, "country": "FR"}


class Command(BaseCommand):
    help = (
        "Import node descriptions. A file that cannot be used is named with its field; then none is imported."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", type=Path, metavar="DIR")
        parser.add_argument("--format", choices=["grid5000"], required=True)
        parser.add_argument(
            "--owner", default="", help="slug of the owner; default: grid5000, made if missing"
        )
        parser.add_argument("--site", default="", help="put all nodes here, not where their file names say")
        parser.add_argument("--pue", default=MEDIAN_PUE, help=f"of sites that are new (default {MEDIAN_PUE})")
        parser.add_argument(
            "--list", action="store_true", help="list the nodes at once; else they are drafts"
        )
        parser.add_argument("--skip-refused", action="store_true", help="import the files that can be used")

    def handle(self, *args: Any, directory: Path, **options: Any) -> None:
        files = sorted(directory.glob("*.json"))
        if not files:
            raise CommandError(f"There is no .json file in {directory}.")
        site = options["site"]
        if site and not SITE.fullmatch(site):
            raise CommandError(f"“{site}” is not a site: lower-case letters, digits and hyphens are.")
        now = clock.now()
        with transaction.atomic():
            enter = partial(
                inventory.enter_described,
                owner=_owner(options["owner"], now),
                defaults=inventory.SiteDefaults(pue=_pue(options["pue"]), **FRENCH_SITE),
                is_listed=options["list"],
                at=now,
            )
            entered, refusals = _entered(files, site, enter)
            if refusals and not options["skip_refused"]:
                told = "\n".join(f"  {refusal}" for refusal in refusals)
                raise CommandError(f"Nothing was imported. Refused:\n{told}")
        self._tell(entered, refusals)

    def _tell(self, entered: Sequence[inventory.Entered], refusals: Sequence[str]) -> None:
        rows = [_row(one) for one in entered]
        header = ("node", "site", "cores", "memory", "devices", "outcome")
        widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
        for row in [header, *rows]:
            self.stdout.write(
                "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            )
        outcomes = [one.outcome for one in entered]
        counted = ", ".join(f"{outcomes.count(name)} {name}" for name in ("new", "changed", "unchanged"))
        self.stdout.write(f"{len(entered)} nodes: {counted}.")
        if set(outcomes) == {"unchanged"}:
            self.stdout.write("Nothing was changed.")
        for refusal in refusals:
            self.stderr.write(f"Refused: {refusal}")


def _entered(
    files: Sequence[Path], site: str, enter: Callable[..., inventory.Entered]
) -> tuple[list[inventory.Entered], list[str]]:
    """What was entered of these files, and a sentence for each one that was refused."""
    entered, refusals = [], []
    for file in files:
        try:
            entered.append(enter(facts=_read(file, site)))
        except (grid5000.Unusable, ListingRefused) as exc:
            refusals.append(f"{file.name}: {str(exc).rstrip('.')}.")
    return entered, refusals


def _read(file: Path, site: str) -> grid5000.NodeFacts:
    """The file's facts; its site stands in its name, as in nancy_gros-1.json."""
    if not site:
        site, found, _rest = file.stem.partition("_")
        if not found or not SITE.fullmatch(site):
            raise grid5000.Unusable(
                "the name of the file does not begin with a site, as in nancy_gros-1.json"
            )
    if file.stat().st_size > LARGEST_FILE:
        raise grid5000.Unusable(f"the file is larger than {LARGEST_FILE} bytes")
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as exc:
        line = file.read_bytes()[: exc.start].count(b"\n") + 1
        raise grid5000.Unusable(f"line {line} is not UTF-8") from exc
    return grid5000.read_node(text, site=site)


def _owner(slug: str, at: datetime) -> Organisation:
    if not slug:
        # Whoever runs commands here runs the site: an owner made by one needs no other's word.
        verified = {**GRID5000, "verified_at": at}
        return Organisation.objects.get_or_create(slug="grid5000", defaults=verified)[0]
    owner = Organisation.objects.filter(slug=slug, kind=Organisation.Kind.OWNER).first()
    if owner is None:
        raise CommandError(f"There is no owner “{slug}”.")
    return owner


def _pue(value: str) -> Decimal:
    try:
        pue = Decimal(value)
    except InvalidOperation:
        pue = Decimal(0)
    if not 1 <= pue < 100:
        raise CommandError(f"“{value}” is not a PUE: a number of at least 1 is.")
    return pue


def _row(one: inventory.Entered) -> tuple[str, ...]:
    facts = one.facts
    counted: dict[str, int] = {}
    for device in facts.devices:
        counted[device.model] = counted.get(device.model, 0) + 1
    devices = (
        "whole host"
        if facts.devices[0].kind == "host"
        else ", ".join(f"{number} x {model}" for model, number in counted.items())
    )
    memory = f"{facts.memory_bytes / GIB:.0f} GiB"
    return (facts.slug, facts.site, str(facts.cpu_cores), memory, devices, one.outcome)
