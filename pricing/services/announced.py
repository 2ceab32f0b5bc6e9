"""Rows that were announced and shall not be: they stay as they were published, in force at no time.

What such a row would have ended goes on in its place, as far as that was published.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TypeVar

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Min

from accounts.models import User
from common.ranges import between
from ledger import services as ledger
from pricing.models import CostStatement, Tariff, TariffCallOff

Row = TypeVar("Row", CostStatement, Tariff)


def end_before_it_begins(
    tariff: Tariff, *, reason: str, by: User, at: datetime, goes_on: bool = True
) -> TariffCallOff:
    """The node is locked. `goes_on`: what it would have ended takes its place."""
    begins = tariff.effective_from
    before = vacate(tariff, goes_on=goes_on)
    entry = ledger.append(
        kind="tariff_called_off",
        body={
            "tariff": tariff.uid, "node": tariff.node.uid, "number": tariff.number,
            "effective_from": begins, "continues": before.uid if before else None, "reason": reason,
        },
        at=at,
    )  # fmt: skip
    return TariffCallOff.objects.create(
        tariff=tariff, reason=reason, entry=entry, called_off_by=by, called_off_at=at
    )


def vacate(row: Row, *, goes_on: bool) -> Row | None:
    """Give up the time of an announced row; what it would have ended is returned where it goes on."""
    begins, rows = row.effective_from, type(row).objects.filter(node=row.node_id)
    row.effective, row.called_off_from = DateTimeTZRange(empty=True), begins
    row.save(update_fields=["effective", "called_off_from"])
    before = rows.filter(effective__endswith=begins).select_related("entry").first() if goes_on else None
    if before is None or _was_excepted(before):
        return None
    ends = (_published_until(before), _next_beginning(before, begins), _withdrawn_at(before, begins))
    until = min((end for end in ends if end is not None), default=None)
    if until is not None and until <= begins:
        return None
    before.effective = between(before.effective_from, until)
    before.save(update_fields=["effective"])
    return before


def _next_beginning(row: CostStatement | Tariff, after: datetime) -> datetime | None:
    following = type(row).objects.filter(node=row.node_id, effective__startswith__gt=after)
    found = following.order_by("effective").first()
    return found.effective_from if found else None


def _withdrawn_at(row: CostStatement | Tariff, after: datetime) -> datetime | None:
    """No price outlasts a statement that is withdrawn."""
    withdrawn = CostStatement.objects.filter(node=row.node_id, withdrawal__ends_at__gt=after)
    ends: datetime | None = withdrawn.filter(called_off_from=None).aggregate(
        first=Min("withdrawal__ends_at")
    )["first"]
    return ends


def _was_excepted(row: CostStatement | Tariff) -> bool:
    """Under an exception that a steward has ended: its price goes on no longer."""
    exception = row.exception if isinstance(row, Tariff) else None
    return exception is not None and exception.ended_at is not None


def _published_until(row: CostStatement | Tariff) -> datetime | None:
    """As its entry in the ledger has it: the row itself was ended where the next one was to begin."""
    said = json.loads(bytes(row.entry.leaf))["body"].get("effective_until")
    return datetime.fromisoformat(said) if said else None
