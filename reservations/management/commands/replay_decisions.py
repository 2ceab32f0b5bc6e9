"""`manage.py replay_decisions [--since DAY] [--file DECISION.json]`: does it still come out the same?"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from django.core.management.base import BaseCommand, CommandError, CommandParser

from reservations.domain.engines.replaying import Kept, difference
from reservations.domain.policy import Policy as Rules
from reservations.models import Decision
from reservations.selectors import decisions


class Command(BaseCommand):
    help = (
        "Decide every stored decision again, with the engine it names on the snapshot it stores, and "
        "compare; or one out of a file, for which no database is asked."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since", type=datetime.fromisoformat, help="a day or moment, UTC unless it says so"
        )
        parser.add_argument("--file", type=Path, help="the JSON of one decision, as its page gives it")

    def handle(
        self, *args: Any, since: datetime | None = None, file: Path | None = None, **options: Any
    ) -> None:
        if file is not None:
            self.stdout.write(_replayed_file(file))
            return
        stored = Decision.objects.select_related("policy", "taken_on").order_by("pk")
        if since is not None:
            stored = stored.filter(decided_at__gte=since if since.tzinfo else since.replace(tzinfo=UTC))
        count, began = stored.count(), time.monotonic()
        rules: dict[int, Rules] = {}  # of each policy, read once
        with click.progressbar(length=max(count, 1), label="Decisions", file=sys.stderr) as bar:
            for decision in stored.iterator(chunk_size=500):
                if decision.policy_id not in rules:
                    rules[decision.policy_id] = Rules.from_json(decision.policy.rules)
                if found := difference_of(decision, rules[decision.policy_id]):
                    raise CommandError(f"decision {decision.uid}: {found}")
                bar.update(1)
        took = time.monotonic() - began
        self.stdout.write(f"{count} decisions replayed; every one comes out the same.")
        if count and options["verbosity"] > 1:
            self.stdout.write(f"{took:.1f} s, {count / took:.0f} a second.")


def difference_of(decision: Decision, rules: Rules | None = None) -> str:
    """The first difference, named; empty where there is none. `rules`: its policy, read already."""
    return difference(decisions.kept(decision), rules)


def _replayed_file(file: Path) -> str:
    try:
        kept = Kept.of(json.loads(file.read_text()))
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise CommandError(f"{file} is not the JSON of a decision: {exc!r}") from None
    if found := difference(kept):
        raise CommandError(f"{file}: {found}")
    return f"It comes out the same with engine {kept.engine}. Digest {kept.digest}."
