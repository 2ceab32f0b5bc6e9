"""What the grants of a project have left for a slot's hours: the limit beside a price that fits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from accounts.models import Project
from common.ranges import between
from pricing.models import Grant
from reservations.domain import exact_json
from reservations.domain.asking import GrantLeft


def left_now(*, project: Project, start: datetime, end: datetime) -> Decimal | None:
    """None for a slot that ends before it starts: no grant can be valid in it."""
    if end <= start:
        return None
    grants = Grant.objects.filter(project=project, valid__overlap=between(start, end))
    return sum((grant.left for grant in grants), Decimal(0))


def not_over(*, project: Project, at: datetime) -> tuple[list[Grant], list[Grant]]:
    """What is valid now, and what is given already and pays only from a later day on. One query."""
    grants = Grant.objects.filter(project=project, valid__overlap=between(at, None)).select_related("funder")
    now: list[Grant] = []
    later: list[Grant] = []
    for grant in grants.order_by("valid", "pk"):
        begins = grant.valid.lower
        (later if begins is not None and begins > at else now).append(grant)
    return now, later


def left_then(*, snapshot: Mapping[str, Any], start: datetime, end: datetime) -> Decimal:
    """As it was when a decision was taken."""
    grants = [exact_json.read(GrantLeft, grant) for grant in snapshot["grants"]]
    return sum((grant.left for grant in grants if _is_valid(grant, start, end)), Decimal(0))


def _is_valid(grant: GrantLeft, start: datetime, end: datetime) -> bool:
    return (grant.start is None or grant.start < end) and (grant.end is None or start < grant.end)
