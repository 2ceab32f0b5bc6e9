"""Whether the project's grants pay for it."""

from __future__ import annotations

from pricing.domain.grants import Cover, Period, cover
from reservations.domain.exact_json import Json, moment
from reservations.domain.rules.case import IDLE, Case, Rule, compared


def budget(case: Case) -> Rule:
    """The price fits in grants that are valid over the slot's hours."""
    if not case.request.has_length or not case.snapshot.is_priced:
        return Rule("budget", IDLE)
    paid = covered(case)
    facts: dict[str, Json] = {"grants": [grant.name for grant in case.snapshot.grants]}
    if paid.short_from:
        facts["short_from"] = moment(paid.short_from)
    if paid.short_hours and any(grant.hours_left is not None for grant in case.snapshot.grants):
        facts["short_hours"] = format(paid.short_hours, "f")
    if paid.short and case.snapshot.allowance:
        facts["allowance"] = case.snapshot.allowance
    return compared("budget", paid.total - paid.short, paid.total, facts)


def covered(case: Case) -> Cover:
    """Which grants pay what."""
    return cover(
        [grant.funds for grant in case.snapshot.grants],
        hours=Period(case.request.start, case.request.end),
        price_per_hour=case.price_per_hour,
        devices=len(case.snapshot.devices),
    )
