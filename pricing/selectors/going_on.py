"""What goes on in the place of an announced row that is called off: the one it would have ended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from pricing.models import CostStatement, StatementWithdrawal, Tariff

Row = TypeVar("Row", CostStatement, Tariff)


@dataclass(frozen=True)
class GoingOn(Generic[Row]):
    row: Row
    until: datetime | None  # as far as it was published, and nothing else is in its way


def going_on(row: Row) -> GoingOn[Row] | None:
    """None where nobody can tell what would hold then: nothing was before, or it may not go on."""
    begins, rows = row.effective_from, type(row).objects.filter(node=row.node_id)
    before = rows.filter(effective__endswith=begins).select_related("entry").first()
    if before is None or _was_excepted(before):
        return None
    following = rows.filter(effective__startswith__gt=begins).order_by("effective").first()
    ends = (
        published_until(before),
        following.effective_from if following else None,
        _withdrawn_at(before) if isinstance(before, CostStatement) else priced_until(row.node_id),
    )
    until = min((end for end in ends if end is not None), default=None)
    return GoingOn(before, until) if until is None or until > begins else None


def published_until(row: CostStatement | Tariff) -> datetime | None:
    """As its entry in the ledger has it: the row itself was ended where the next one was to begin."""
    said = json.loads(bytes(row.entry.leaf))["body"].get("effective_until")
    return datetime.fromisoformat(said) if said else None


def priced_until(node_id: int) -> datetime | None:
    """No price outlasts the last statement, where that is withdrawn; None: there is no such end."""
    statements = CostStatement.objects.filter(node=node_id, called_off_from=None)
    if statements.filter(effective__upper_inf=True).exists():
        return None
    last = statements.order_by("-effective").first()
    return _withdrawn_at(last) if last is not None else None


def _withdrawn_at(statement: CostStatement) -> datetime | None:
    found = StatementWithdrawal.objects.filter(statement=statement).first()
    return found.ends_at if found is not None else None


def _was_excepted(row: CostStatement | Tariff) -> bool:
    """Under an exception that a steward has ended: its price goes on no longer."""
    exception = row.exception if isinstance(row, Tariff) else None
    return exception is not None and exception.ended_at is not None
