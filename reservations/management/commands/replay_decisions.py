"""`manage.py replay_decisions [--since DAY]`: does every stored decision still come out the same?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from reservations.domain import exact_json
from reservations.models import Decision
from reservations.selectors import decisions


class Command(BaseCommand):
    help = "Decide every stored decision again, on the snapshot it stores, and compare the digests."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--since", type=datetime.fromisoformat, help="a day or moment, UTC unless it says so"
        )

    def handle(self, *args: Any, since: datetime | None = None, **options: Any) -> None:
        stored = Decision.objects.select_related("policy", "taken_on").order_by("pk")
        if since is not None:
            stored = stored.filter(decided_at__gte=since if since.tzinfo else since.replace(tzinfo=UTC))
        count = 0
        for decision in stored.iterator(chunk_size=500):
            count += 1
            if difference := difference_of(decision):
                raise CommandError(f"decision {decision.uid}: {difference}")
        self.stdout.write(f"{count} decisions replayed; every one comes out the same.")


def difference_of(decision: Decision) -> str:
    """The first difference, named; empty where there is none."""
    if decisions.digest_of(decision) != decision.digest:
        return f"the stored row does not have the stored digest {decision.digest}"
    try:
        again = decisions.replayed(decision).to_json()
    except LookupError as exc:
        return f"this site no longer has {exc}"
    except (ValueError, TypeError, KeyError) as exc:
        return f"its snapshot cannot be read: {exc!r}"
    return _first_difference("answer", decisions.answer_json(decision), again)


def _first_difference(path: str, stored: exact_json.Json, again: exact_json.Json) -> str:
    if isinstance(stored, dict) and isinstance(again, dict):
        for name in sorted(stored.keys() | again.keys()):
            if found := _first_difference(f"{path}.{name}", stored.get(name), again.get(name)):
                return found
        return ""
    if isinstance(stored, list) and isinstance(again, list) and len(stored) == len(again):
        for number, (one, other) in enumerate(zip(stored, again, strict=True)):
            if found := _first_difference(f"{path}[{number}]", one, other):
                return found
        return ""
    return "" if stored == again else f"{path} was {stored!r} and is {again!r} now"
