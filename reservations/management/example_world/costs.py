"""What an hour on each machine costs: the statements of its owner and the tariffs that follow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import User
from nodes.models import Node
from pricing.domain.declared import Asset, Declared, Funding, FundingKind
from pricing.services import statements, tariffs
from reservations.management.example_world import capping, machines, people, places


def publish_costs(
    machine: machines.Machine, node: Node, users: dict[str, User], *, began_at: datetime
) -> None:
    """Last year's statement and tariff, where the machine was there, and this year's."""
    place = places.BY_SLUG[machine.place]
    owner = next(row for row in people.ORGANISATIONS if row.slug == place.owner)
    for start, end, electricity in _years(machine, place, began_at):
        declared = _declared(machine, place, electricity)
        common: dict[str, Any] = {
            "effective_from": start,
            "effective_until": end,
            "published_by": users[owner.lead],
            "at": began_at,
        }
        statement = statements.publish_statement(node=node, declared=declared, **common)
        over_recovered = Decimal(0) if end else machine.over_recovered
        # What was told in the past cannot be ended there: the price before the excepted one has its end.
        if end is None and machine.slug == capping.EXCEPTED:
            common["effective_until"] = began_at
        tariffs.publish_tariff(
            statement=statement,
            over_recovered=over_recovered,
            owner_adjustment=machine.owner_adjustment,
            **common,
        )


def _years(
    machine: machines.Machine, place: places.Place, began_at: datetime
) -> Iterator[tuple[datetime, datetime | None, Decimal]]:
    """The calendar year before the world began, from a month after the purchase, and then until further notice."""
    this_year = datetime(began_at.year, 1, 1, tzinfo=UTC)
    bought = datetime(
        machine.purchase.on.year, machine.purchase.on.month, machine.purchase.on.day, tzinfo=UTC
    )
    first = max(datetime(began_at.year - 1, 1, 1, tzinfo=UTC), bought + timedelta(days=30))
    if first < this_year:
        yield first, this_year, place.electricity_before
    yield max(first, this_year), None, place.electricity


def _declared(machine: machines.Machine, place: places.Place, electricity: Decimal) -> Declared:
    yearly: dict[str, Any] = dict(machine.yearly)
    return Declared(
        assets=(_asset(machine, maintenance_share=yearly.pop("maintenance_share", Decimal(0))),),
        active_kilowatts=machine.active_kilowatts,
        idle_kilowatts=machine.idle_kilowatts,
        pue=place.pue,
        contract_price=electricity,
        planned_outage_hours=Decimal("350.4"),  # 4 % of a year
        used_share=machine.used_share,
        indirect_costs=yearly.pop("overhead_share", Decimal(0)) * 1_000_000,
        direct_costs=Decimal(1_000_000),
        sources={
            "purchase": f"{machine.purchase.source}. {machine.hardware_source}",
            "electricity": f"{machine.watts_source}. {place.electricity_source}. PUE: {place.pue_source}",
        },
        **yearly,
    )


def _asset(machine: machines.Machine, *, maintenance_share: Decimal) -> Asset:
    purchase = machine.purchase
    grant = Funding(purchase.granted_by, FundingKind.PUBLIC_GRANT, Decimal(purchase.granted))
    return Asset(
        name=machine.model,
        price=Decimal(purchase.price),
        purchased_on=purchase.on,
        life_years=Decimal(purchase.life_years),
        residual_value=Decimal(purchase.residual),
        funding=(grant,) if purchase.granted else (),
        maintenance_share=maintenance_share,
        warranty_until=purchase.warranty_until,
    )
