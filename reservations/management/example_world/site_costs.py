"""What this site costs in the example, who else pays of it, and the fee that follows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from accounts.models import User
from pricing.domain.site_costs import Costs, Item, Kind
from pricing.models import SiteCosts
from pricing.services.site_costs import publish_site_costs
from reservations.management.example_world import people

COSTS = Costs(
    items=(
        Item(
            Kind.HOSTING, Decimal(4200),
            "Two virtual servers in different places, with backups kept for a month.",
            "Contract EX-2026-07 (made up), 350 EUR a month",
        ),
        Item(
            Kind.PEOPLE, Decimal(19800),
            "A third of a post: support, updates, the steward’s work that nobody gives for free.",
            "Salary scale of the example association (made up), 0.33 × 60,000 EUR",
        ),
        Item(
            Kind.SOFTWARE, Decimal(900),
            "Sending mail and watching the servers; the software of the site itself is free.",
            "Price lists of two suppliers (made up), 75 EUR a month",
        ),
        Item(
            Kind.PAYMENTS, Decimal(1300),
            "What banks and the payment provider keep of transfers between projects and owners.",
            "Price list of the bank (made up), 0.25 EUR × 5,200 transfers",
        ),
        Item(
            Kind.AUDIT, Decimal(2800),
            "A yearly look at the books and a test of the site’s security.",
            "Offer of an auditor (made up), every year",
        ),
    ),
    device_hours=Decimal(1000000),
    subsidy_year=Decimal(8000),
    subsidy_source="Grant of the example region (made up), 2026 to 2028",
)  # fmt: skip
# A little less than follows, 0.021: the association carries the rest.
FEE = Decimal("0.020000")


def publish(users: Mapping[str, User], *, began_at: datetime) -> None:
    publish_site_costs(
        costs=COSTS, fee=FEE, effective_from=began_at,
        reason="What this site begins with: servers and a third of a post.",
        by=users[people.STEWARD], at=began_at,
    )  # fmt: skip


def complete(users: Mapping[str, User], *, at: datetime) -> None:
    """In a world that was built before sites said what they cost, the fee is said again, with its reason."""
    if people.STEWARD in users and not SiteCosts.objects.exists():
        publish_site_costs(
            costs=COSTS, fee=FEE, effective_from=None, reason="The fee says what it follows from.",
            by=users[people.STEWARD], at=at,
        )  # fmt: skip
