"""Rows that were announced and shall not be: they stay as they were published, in force at no time.

What such a row would have ended goes on in its place, as far as that was published.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from accounts.models import User
from common.ranges import between
from ledger import services as ledger
from pricing.models import CostStatement, Tariff, TariffCallOff
from pricing.selectors.going_on import going_on

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
    begins, found = row.effective_from, going_on(row) if goes_on else None
    row.effective, row.called_off_from = DateTimeTZRange(empty=True), begins
    row.save(update_fields=["effective", "called_off_from"])
    if found is None:
        return None
    found.row.effective = between(found.row.effective_from, found.until)
    found.row.save(update_fields=["effective"])
    return found.row
