"""What owners have changed about their costs and prices since: corrected, withdrawn, lowered, with an end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from accounts.models import User
from nodes.models import Node
from pricing.domain.declared import Declared, from_json
from pricing.models import CostStatement, Tariff
from pricing.services import statements, tariffs
from pricing.services.withdrawing import withdraw_statement
from reservations.management.example_world import costs, machines, past
from reservations.management.example_world.steps import Step

DAY = timedelta(days=1)
CORRECTED, WITHDRAWN, EXPIRING, RENEGOTIATED = "lyon-l40s", "beja-l40s-3", "vasteras-l40s", "girona-h100nvl"
LEFT_OUT = Decimal(6_400)  # EUR
CORRECTED_FOR = (
    "The invoice of the switch and its cables, 6,400 EUR, was left out of the purchase by mistake."
)
WITHDRAWN_FOR = "The inverter of the roof burnt; the machine stands still until another is there."
CHEAPER = Decimal("0.119")  # EUR per kWh
LASTS = 45 * DAY  # after the world begins: three weeks or so after it is made
# What was asked less from a day on: days before the world begins, EUR per device-hour.
LOWERED = (("vasteras-h200", 60, "0.06"), ("lyon-l4", 70, "0.02"), ("girona-epyc", 40, "0.015"),
           ("vasteras-mi300x", 90, "0.05"), ("beja-l40s", 55, "0.04"))  # fmt: skip


def steps(nodes: Mapping[str, Node], by: Mapping[str, User], *, began_at: datetime) -> Iterator[Step]:
    owners = {slug: _Owner(nodes[slug], by[costs.lead_of(machines.BY_SLUG[slug])]) for slug in nodes}
    yield Step(began_at - 120 * DAY, 3, past.then(owners[RENEGOTIATED].renegotiate))
    yield Step(began_at - 95 * DAY, 3, past.then(owners[CORRECTED].correct))
    yield Step(began_at - 80 * DAY, 3, past.then(owners[WITHDRAWN].withdraw))
    yield Step(began_at - 50 * DAY, 3, past.then(owners[WITHDRAWN].come_back))
    for slug, days in ((RENEGOTIATED, 119), (CORRECTED, 94), (EXPIRING, 29)):
        yield Step(began_at - days * DAY, 3, past.then(owners[slug].price))
    yield Step(began_at - 30 * DAY, 3, past.then(owners[EXPIRING].until(began_at + LASTS)))
    for slug, days, less in LOWERED:
        yield Step(began_at - days * DAY, 3, past.then(owners[slug].lower(Decimal(less))))


@dataclass(frozen=True)
class _Owner:
    node: Node
    lead: User

    def correct(self, at: datetime) -> None:
        wrong = self._statement(at)
        declared = from_json(wrong.declared)
        (bought,) = declared.assets
        right = replace(declared, assets=(replace(bought, price=bought.price + LEFT_OUT),))
        self._follow(right, at, corrects=wrong, reason=CORRECTED_FOR)

    def renegotiate(self, at: datetime) -> None:
        self._follow(replace(from_json(self._statement(at).declared), contract_price=CHEAPER), at)

    def withdraw(self, at: datetime) -> None:
        withdraw_statement(
            statement=self._statement(at), ends_at=at, reason=WITHDRAWN_FOR, by=self.lead, at=at
        )

    def come_back(self, at: datetime) -> None:
        costs.publish(machines.BY_SLUG[self.node.slug], self.node, self.lead, at=at)

    def price(self, at: datetime) -> None:
        costs.price(machines.BY_SLUG[self.node.slug], self.node, self.lead, at=at)

    def until(self, end: datetime) -> Callable[[datetime], None]:
        def publish(at: datetime) -> None:
            self._follow(from_json(self._statement(at).declared), at, until=end)

        return publish

    def lower(self, less: Decimal) -> Callable[[datetime], None]:
        def lower(at: datetime) -> None:
            asked = Tariff.objects.get(node=self.node, effective__contains=at).price - less
            tariffs.set_price(node=self.node, price=asked, effective_from=at, by=self.lead, at=at)

        return lower

    def _statement(self, at: datetime) -> CostStatement:
        return CostStatement.objects.get(node=self.node, effective__contains=at)

    def _follow(
        self, declared: Declared, at: datetime, *, until: datetime | None = None,
        corrects: CostStatement | None = None, reason: str = "",
    ) -> None:  # fmt: skip
        """What holds from now on; the price follows the day after."""
        statements.publish_statement(
            node=self.node, declared=declared, effective_from=at, effective_until=until, corrects=corrects,
            reason=reason, published_by=self.lead, at=at,
        )  # fmt: skip
