"""A node's prices held against the statements to come: none stays above what they allow.

Whoever calls has locked the node: a price that is published at the same time comes before or after, and
is held against the statement either way.
"""

from __future__ import annotations

from datetime import datetime

from accounts.models import User
from common.ranges import between
from nodes.models import Node
from pricing.domain.cost import price_of
from pricing.models import CostStatement, Tariff
from pricing.selectors.caps import carried_into, cost_of_statement
from pricing.selectors.going_on import published_until
from pricing.selectors.holding import Lowering, lowerings
from pricing.services import telling
from pricing.services.announced import end_before_it_begins
from pricing.services.tariff_rows import write_tariff
from pricing.wording.reasons import allows_no_more


def hold_to_cap(*, node: Node, since: datetime, by: User, at: datetime) -> list[Tariff]:
    """Derive anew, at the limit, what statements in force from `since` on do not allow; returns the new ones.

    A price is never raised by it, and what an exception covers stays for as long as that lasts.
    """
    since = max(since, at)
    made: list[Tariff] = []
    statements = CostStatement.objects.filter(node=node, effective__overlap=between(since, None))
    for statement in statements.select_related("node__owner", "node__site").order_by("effective"):
        begins = max(since, statement.effective_from)
        found = lowerings(statement=statement, since=begins, until=statement.effective_until)
        made += [_lower(one, statement, by=by, at=at) for one in found]
    return made


def _lower(one: Lowering, statement: CostStatement, *, by: User, at: datetime) -> Tariff:
    reason = allows_no_more(statement.number)
    tariff = one.tariff
    if tariff.effective_from < one.begins:
        tariff.effective = between(tariff.effective_from, one.begins)
        tariff.save(update_fields=["effective"])
    else:
        end_before_it_begins(tariff, reason=reason, by=by, at=at, goes_on=False)
    over_recovered = carried_into(tariff)
    derived = price_of(cost=cost_of_statement(statement), over_recovered=over_recovered)
    lowered = write_tariff(
        statement=statement,
        effective_from=one.begins,
        effective_until=published_until(tariff),
        until_next=one.ends,
        over_recovered=over_recovered,
        owner_adjustment=one.now - derived.price,
        corrects=tariff,
        reason=reason,
        published_by=by,
        at=at,
    )
    telling.price_lowered(lowered, before=tariff, by=by, at=at)
    return lowered
