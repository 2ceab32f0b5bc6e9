"""Which part of an hour public money pays, and whose money it is."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from pricing.domain.exact import MICRO, split
from pricing.domain.working import public_sources
from pricing.selectors.node import NodePage

ZERO = Decimal(0)


@dataclass(frozen=True)
class Source:
    name: str
    hour: Decimal  # EUR per delivered device-hour, with the overhead that comes with it
    share: Decimal  # of the full cost


@dataclass(frozen=True)
class PublicMoney:
    hour: Decimal  # the sources add up to it
    share: Decimal
    of_purchase: Decimal  # the share of the purchase that public grants paid
    sources: tuple[Source, ...]


def public_money_of(page: NodePage) -> PublicMoney | None:
    """None where no statement is in force; nothing in it where nothing is public."""
    statement, declared = page.statement, page.declared
    if statement is None or declared is None:
        return None
    hour = -sum((step.amount for step in page.waterfall if step.code == "granted"), ZERO)
    if not hour:
        return PublicMoney(ZERO, ZERO, statement.publicly_funded_share, ())
    first_day = statement.effective_from.astimezone(ZoneInfo(page.node.site.time_zone)).date()
    found = public_sources(declared, year_from=first_day)
    parts = split(hour, list(found.values()), grain=MICRO) if sum(found.values()) else []
    full = statement.full_delivered
    sources = tuple(Source(name, part, part / full) for name, part in zip(found, parts, strict=False) if part)
    return PublicMoney(hour, hour / full, statement.publicly_funded_share, sources)
