"""How a node's statements stand: whose year is over, and that one was withdrawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from nodes.models import Node
from pricing.domain.cost.depreciation import years_later
from pricing.models import CostStatement, StatementWithdrawal

SHORTEST_YEAR = timedelta(days=364)  # a change of clocks in it, at most


@dataclass(frozen=True)
class StatementState:
    """What readers are told beside the figures. `node`'s site is known."""

    review_since: datetime | None  # the year that the statement in force counts is over since then
    withdrawal: StatementWithdrawal | None  # of the statement in force, or of the last one where none is

    @property
    def withdrawn(self) -> CostStatement | None:
        return self.withdrawal.statement if self.withdrawal else None


def state_of(node: Node, statements: Iterable[CostStatement], *, at: datetime) -> StatementState:
    """No query where the statements come with their withdrawals: select_related("withdrawal")."""
    begun = [row for row in statements if not row.is_called_off and row.effective_from <= at]
    last = max(begun, key=lambda row: row.effective_from, default=None)
    if last is None:
        return StatementState(None, None)
    last.node = node
    review = review_since(last) if at in last.effective else None
    return StatementState(
        review if review is not None and review <= at else None, getattr(last, "withdrawal", None)
    )


def review_since(statement: CostStatement) -> datetime:
    """The day after the twelve months that it counts, where the node stands. `node__site` is known."""
    zone = ZoneInfo(statement.node.site.time_zone)
    first_day = statement.effective_from.astimezone(zone).date()
    return datetime.combine(years_later(first_day, 1), time(), tzinfo=zone)


def to_review(*, at: datetime) -> list[CostStatement]:
    """Of listed nodes: in force still, and their year is over. One query."""
    rows = CostStatement.objects.filter(
        effective__contains=at, effective__startswith__lte=at - SHORTEST_YEAR, node__state__in=Node.ON_SITE
    )
    return [row for row in rows.select_related("node__site") if review_since(row) <= at]
