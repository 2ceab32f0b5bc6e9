"""What the funders of the example set aside: a line each, out of which their grants are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from accounts.models import Organisation, User
from pricing.models import FundingLine
from pricing.services import lines
from reservations.management.example_world import people


@dataclass(frozen=True)
class Line:
    name: str
    purpose: str
    euros: int
    classes: tuple[str, ...]


# Long enough for every grant of the example; lines of real funders follow their budget years.
LENGTH = timedelta(days=400)

LINES = {
    "research-agency": Line(
        "Research and teaching", "Computing for research and for courses", 40_000, ("research", "student")
    ),
    "open-science-fund": Line(
        "Open science", "Work whose results everybody may use", 30_000, ("research", "citizen")
    ),
    "innovation-office": Line(
        "Innovation", "New services, public and private", 30_000, ("public", "startup", "industry")
    ),
}


def set_aside(
    organisations: Mapping[str, Organisation], users: Mapping[str, User], *, at: datetime, now: datetime
) -> dict[str, FundingLine]:
    """By funder."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    leads = {row.slug: row.lead for row in people.ORGANISATIONS}
    return {
        funder: lines.create_line(
            funder=organisations[funder], name=row.name, purpose=row.purpose,
            valid_from=midnight - LENGTH, valid_until=midnight + LENGTH, amount=Decimal(row.euros),
            classes=row.classes, by=users[leads[funder]], at=at,
        )
        for funder, row in LINES.items()
    }  # fmt: skip
