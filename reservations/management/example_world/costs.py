"""What an hour on each machine costs: what its owner has declared and asked for over the last year."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import User
from nodes.models import Node
from pricing.domain.declared import Asset, Declared, Funding, FundingKind, Kind, PoolPart, Support
from pricing.models import CostStatement, Tariff
from pricing.selectors.pools import pool_parts
from pricing.selectors.wizard import day_ahead_of
from pricing.services import statements, tariffs
from reservations.management.example_world import machines, past, people, places
from reservations.management.example_world.machines import Machine
from reservations.management.example_world.steps import Step

DAY = timedelta(days=1)
# Before the first booking: owners publish from when on, and what follows on that half a year later.
OPENED = timedelta(days=400)
AGAIN = timedelta(days=200)
# A machine runs a month after it was bought; one statement is enough of what came shortly before the next.
INSTALLED = timedelta(days=30)


def steps(nodes: Mapping[str, Node], by: Mapping[str, User], *, began_at: datetime) -> Iterator[Step]:
    for machine in machines.EVERY:
        told = _Told(machine, nodes[machine.slug], by[lead_of(machine)])
        again = began_at - AGAIN
        first = first_at(machine, began_at=began_at)
        if first < again - INSTALLED:
            yield Step(first, 1, told.first)
            yield Step(again, 1, past.then(told.renewed))
            yield Step(again + DAY, 1, past.then(told.priced))
        else:
            yield Step(first, 1, told.complete)


def first_at(machine: Machine, *, began_at: datetime) -> datetime:
    """When its first statement took effect."""
    on = machine.purchase.on
    runs = datetime(on.year, on.month, on.day, tzinfo=UTC) + INSTALLED
    return min(max(began_at - OPENED, runs), began_at)


def lead_of(machine: Machine) -> str:
    """The key of whoever speaks for its owner."""
    owner = places.BY_SLUG[machine.place].owner
    return next(row.lead for row in people.ORGANISATIONS if row.slug == owner)


def publish(machine: Machine, node: Node, by: User, *, at: datetime) -> None:
    """A statement from now on, and the price that follows."""
    _Told(machine, node, by).complete(at)


def price(machine: Machine, node: Node, by: User, *, at: datetime) -> None:
    """From now on what follows from the statement in force, with what the owner adds, leaves off, gives back.

    A price that a new statement did not allow was derived anew with it: that stands, where nothing is added.
    """
    statement = CostStatement.objects.get(node=node, effective__contains=at)
    derived = Tariff.objects.filter(node=node, statement=statement, effective__contains=at)
    if (machine.over_recovered or machine.owner_adjustment) or not derived.exists():
        tariffs.publish_tariff(
            statement=statement, effective_from=at, effective_until=statement.effective_until, published_by=by,
            at=at, over_recovered=machine.over_recovered, owner_adjustment=machine.owner_adjustment,
        )  # fmt: skip


class _Told:
    """What the owner of a machine publishes on the day on which it takes effect."""

    def __init__(self, machine: Machine, node: Node, by: User) -> None:
        self.machine, self.node, self.by = machine, node, by

    def first(self, at: datetime) -> None:
        statement = self._publish(at, contract=places.BY_SLUG[self.machine.place].contract_before)
        tariffs.publish_tariff(
            statement=statement, effective_from=at, published_by=self.by, at=at,
            owner_adjustment=self.machine.owner_adjustment,
        )  # fmt: skip

    def renewed(self, at: datetime) -> None:
        self._publish(at, contract=places.BY_SLUG[self.machine.place].contract)

    def priced(self, at: datetime) -> None:
        price(self.machine, self.node, self.by, at=at)

    def complete(self, at: datetime) -> None:
        self.renewed(at)
        self.priced(at)

    def _publish(self, at: datetime, *, contract: Decimal | None) -> CostStatement:
        declared = declared_of(self.machine, contract=contract, parts=pool_parts(node=self.node, at=at))
        return statements.publish_statement(
            node=self.node, declared=declared, effective_from=at, published_by=self.by, at=at
        )


def declared_of(machine: Machine, *, contract: Decimal | None, parts: tuple[PoolPart, ...] = ()) -> Declared:
    place = places.BY_SLUG[machine.place]
    yearly: dict[str, Any] = dict(machine.yearly)
    declared = Declared(
        assets=(_asset(machine, maintenance_share=yearly.pop("maintenance_share", Decimal(0))),),
        active_kilowatts=machine.active_kilowatts,
        idle_kilowatts=machine.idle_kilowatts,
        pue=place.pue,
        contract_price=contract,
        day_ahead=day_ahead_of(zone=place.zone) if contract is None else None,
        energy_adder=place.energy_adder,
        grid_fee=place.grid_fee,
        electricity_tax=place.electricity_tax,
        planned_outage_hours=Decimal("350.4"),  # 4 % of a year
        used_share=machine.used_share,
        indirect_costs=yearly.pop("overhead_share", Decimal(0)) * 1_000_000,
        direct_costs=Decimal(1_000_000),
        support=tuple(Support(who, Kind(kind), Decimal(amount)) for who, kind, amount in machine.support),
        related_parties=machine.related_parties,
        sources={
            "purchase": f"{machine.purchase.source}. {machine.hardware_source}",
            "electricity": f"{machine.watts_source}. {place.electricity_source}. PUE: {place.pue_source}",
        },
        **yearly,
    )
    return _shared(declared, parts)


def _shared(declared: Declared, parts: tuple[PoolPart, ...]) -> Declared:
    """What comes out of a pool is not declared a second time."""
    changes: dict[str, Any] = {"pools": parts}
    for part in parts:
        if part.kind is Kind.STAFF:
            changes |= {"staff_posts": Decimal(0), "staff_post_year": Decimal(0)}
        elif part.kind is Kind.HOSTING:
            changes["hosting_year"] = max(Decimal(0), declared.hosting_year - part.amount_year)
    return replace(declared, **changes)


def _asset(machine: Machine, *, maintenance_share: Decimal) -> Asset:
    purchase = machine.purchase
    grant = Funding(purchase.granted_by, FundingKind.PUBLIC_GRANT, Decimal(purchase.granted))
    return Asset(
        name=machine.model,
        price=Decimal(purchase.price),
        purchased_on=purchase.on,
        life_years=purchase.life_years,
        residual_value=Decimal(purchase.residual),
        funding=(grant,) if purchase.granted else (),
        maintenance_share=maintenance_share,
        warranty_until=purchase.warranty_until,
    )
