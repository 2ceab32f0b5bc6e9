"""What a price may be: the pricing policy in force, the exceptions to it, and prices held against both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from zoneinfo import ZoneInfo

from common.ranges import bounds
from nodes.models import Node
from pricing.domain import capping
from pricing.domain.cost import Cost, cost_of
from pricing.domain.declared import from_json
from pricing.domain.exact import EXACT
from pricing.domain.tariff import CapCheck
from pricing.models import CostStatement, PriceException, PricingPolicy, Tariff

ZERO = Decimal(0)


@dataclass(frozen=True)
class Bound:
    """A price as the cap judges it, with the policy and the exception behind that."""

    check: CapCheck
    is_public: bool
    policy: PricingPolicy | None  # None: none is in force, and a price adds nothing to its cost
    exception: PriceException | None  # in force then

    @property
    def limit(self) -> Decimal:
        """By the cap alone."""
        return self.check.limit

    @property
    def highest(self) -> Decimal:
        """The highest price that passes, an exception counted."""
        return max(self.limit, self.exception.highest_price) if self.exception else self.limit

    @property
    def passes(self) -> bool:
        return self.check.price <= self.highest

    @property
    def needs_exception(self) -> bool:
        """The price lies above the cap."""
        return not self.check.passes

    def excepted_until(self, at: datetime) -> datetime | None:
        """When the exception ends, as was known then: as granted, or when it was ended."""
        if self.exception is None:
            return None
        ended = self.exception.ended_at
        return ended if ended is not None and ended <= at else bounds(self.exception.effective)[1]


def policy_in_force(at: datetime) -> PricingPolicy | None:
    return PricingPolicy.objects.filter(effective__contains=at).select_related("entry").first()


def cost_of_statement(statement: CostStatement) -> Cost:
    """The cost behind a statement again, to all its digits."""
    first_day = statement.effective_from.astimezone(ZoneInfo(statement.node.site.time_zone)).date()
    return cost_of(from_json(statement.declared), device_count=statement.device_count, year_from=first_day)


def bound(
    price: Decimal,
    *,
    statement: CostStatement,
    cost: Cost | None = None,
    over_recovered: Decimal = ZERO,
    at: datetime,
) -> Bound:
    """A price that follows from this statement, by what is in force at a moment. Two queries."""
    found = policy_in_force(at), exception_in_force(statement.node, at)
    return _bound(price, statement, cost or cost_of_statement(statement), over_recovered, at, *found)


def _bound(
    price: Decimal,
    statement: CostStatement,
    cost: Cost,
    over_recovered: Decimal,
    at: datetime,
    policy: PricingPolicy | None,
    exception: PriceException | None,
) -> Bound:
    is_public = statement.node.owner.is_public_body
    check = capping.judge(
        price,
        cost=cost,
        rules=policy.rules if policy else None,
        is_public=is_public,
        since=(policy.effective_from if policy else at).date(),
        over_recovered=over_recovered,
    )
    return Bound(check, is_public, policy, exception)


def held(tariff: Tariff, statement: CostStatement, *, policy: PricingPolicy | None, at: datetime) -> Bound:
    """A tariff in force by statement and policy in force. A query only where it needs an exception."""
    cost = cost_of_statement(statement)
    found = _bound(tariff.price, statement, cost, carried_into(tariff), at, policy, None)
    if not found.needs_exception:
        return found
    exception = tariff.exception or exception_in_force(tariff.node, at)
    return replace(found, exception=exception)


def exception_in_force(node: Node, at: datetime) -> PriceException | None:
    return PriceException.objects.in_force(at).filter(node=node).select_related("entry").first()


def carried_into(tariff: Tariff) -> Decimal:
    """What a tariff gives back of earlier periods, EUR a year for the whole node."""
    return -EXACT.multiply(tariff.carried, tariff.statement.delivered_device_hours)


def carried_on(node: Node, at: datetime) -> Decimal:
    """What a price from then on gives back still, EUR a year: as the one in force, or the last before."""
    before = Tariff.objects.filter(node=node, effective__startswith__lte=at).select_related("statement")
    last = before.order_by("-effective").first()
    return carried_into(last) if last is not None else ZERO


# --- prices that the cap would not allow any more ----------------------------------------------------
@dataclass(frozen=True)
class AboveCap:
    """A tariff in force that could not be published now: the cost or the cap has come down since."""

    tariff: Tariff
    statement: CostStatement  # in force
    bound: Bound

    @cached_property
    def node(self) -> Node:
        return self.tariff.node


def above(
    tariff: Tariff,
    statement: CostStatement,
    *,
    policy: PricingPolicy | None,
    exception: PriceException | None,
    at: datetime,
) -> AboveCap | None:
    """None as long as the price still passes: it did under the cost and the policy of its publication."""
    if not _has_changed(tariff, statement.pk, policy):
        return None
    cost = cost_of_statement(statement)
    found = _bound(tariff.price, statement, cost, carried_into(tariff), at, policy, exception)
    return None if found.passes else AboveCap(tariff, statement, found)


def _has_changed(tariff: Tariff, statement_id: int, policy: PricingPolicy | None) -> bool:
    return (tariff.statement_id, tariff.policy_id) != (statement_id, policy.pk if policy else None)


def prices_above(*, at: datetime) -> list[AboveCap]:
    """Of all listed nodes, by name. Five queries; only what changed since its publication is worked out."""
    policy = policy_in_force(at)
    tariffs = Tariff.objects.filter(effective__contains=at, node__state__in=Node.ON_SITE)
    statements = CostStatement.objects.filter(effective__contains=at)
    present = dict(statements.values_list("node_id", "pk"))
    changed = {
        tariff.node_id: tariff
        for tariff in tariffs.select_related("node", "statement").order_by("node__name")
        if tariff.node_id in present and _has_changed(tariff, present[tariff.node_id], policy)
    }
    exceptions = {one.node_id: one for one in PriceException.objects.in_force(at).filter(node__in=changed)}
    rows = statements.filter(node__in=changed).select_related("node__owner", "node__site")
    full = {row.node_id: row for row in rows}
    found = (
        above(tariff, full[node], policy=policy, exception=exceptions.get(node), at=at)
        for node, tariff in changed.items()
        if node in full
    )
    return [one for one in found if one is not None]
