"""How far prices may lie above their cost in the example, and the one node that may go farther for a while."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from accounts.models import User
from nodes.models import Node
from pricing.domain.capping import Rules
from pricing.models import CostStatement
from pricing.services import tariffs
from pricing.services.price_exceptions import grant_price_exception
from pricing.services.pricing_policies import publish_pricing_policy
from reservations.management.example_world import past, people, places

RULES = Rules(
    private_cap=Decimal("0.1"), public_cap=Decimal(0), utilisation_floor=Decimal("0.5"), window_months=24
)
# A machine that is used less than the floor: its owner asks what an hour costs, and four cents more.
EXCEPTED, PLACE = "vasteras-rtx6000", "vasteras"
ABOVE = Decimal("0.04")
HIGHEST_PRICE = Decimal("1.95")
LASTS = timedelta(days=150)


def publish_policy(users: Mapping[str, User], *, at: datetime) -> None:
    publish_pricing_policy(
        rules=RULES, effective_from=at, by=users[people.STEWARD], at=at,
        reason="A tenth above cost pays for the risk of private owners; public bodies recover their cost.",
    )  # fmt: skip


def allow_one(nodes: Mapping[str, Node], users: Mapping[str, User], *, at: datetime) -> None:
    node = nodes[EXCEPTED]
    grant_price_exception(
        node=node, highest_price=HIGHEST_PRICE, effective_from=at, effective_until=at + LASTS,
        reason="New on this site and used less than half of the time; its owner carries the rest.",
        by=users[people.STEWARD], at=at,
    )  # fmt: skip
    owner = next(row for row in people.ORGANISATIONS if row.slug == places.BY_SLUG[PLACE].owner)
    statement = CostStatement.objects.select_related("node__site").get(node=node, effective__contains=at)
    price = tariffs.derived_price(statement).price + ABOVE
    with past.by_the_time_that_is_played():
        tariffs.set_price(node=node, price=price, effective_from=at, by=users[owner.lead], at=at)
