"""The published form of statements, pools and tariffs: the JSON whose digest stands in the ledger.

The end of a period is not part of it: a row that is in force until further notice gets its end
from its successor, and its digest must not change with that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from ledger.domain import jcs
from pricing.domain.declared import plain
from pricing.models import (
    CostComponent,
    CostStatement,
    PoolShare,
    PoolStatement,
    PricingPolicy,
    SiteCosts,
    Tariff,
)

FIGURES = (
    "full_available",
    "full_delivered",
    "chargeable_available",
    "chargeable_delivered",
    "publicly_funded_share",
)
HOURS = ("available_device_hours", "delivered_device_hours")


def statement_body(statement: CostStatement, components: Sequence[CostComponent]) -> dict[str, Any]:
    """EUR per device-hour; components in EUR a year for the whole node."""
    return {
        "statement": str(statement.uid),
        "node": str(statement.node.uid),
        "number": statement.number,
        "effective_from": jcs.moment(statement.effective_from),
        "published_at": jcs.moment(statement.published_at),
        "declared": statement.declared,
        "device_count": statement.device_count,
        **{name: plain(getattr(statement, name)) for name in (*HOURS, *FIGURES)},
        "components": [
            {
                "kind": str(component.kind),
                "full_year": plain(component.full_year),
                "chargeable_year": plain(component.chargeable_year),
                "detail": component.detail,
            }
            for component in components
        ],
        "corrects": str(statement.corrects.uid) if statement.corrects else None,
        "reason": statement.reason,
    }


def tariff_body(tariff: Tariff) -> dict[str, Any]:
    """EUR per device-hour, before VAT and the site's fee."""
    return {
        "tariff": str(tariff.uid),
        "node": str(tariff.node.uid),
        "number": tariff.number,
        "statement": str(tariff.statement.uid),
        "effective_from": jcs.moment(tariff.effective_from),
        "published_at": jcs.moment(tariff.published_at),
        "price": plain(tariff.price),
        "carried": plain(tariff.carried),
        "owner_adjustment": plain(tariff.owner_adjustment),
        **_held_against(tariff),
        "corrects": str(tariff.corrects.uid) if tariff.corrects else None,
        "reason": tariff.reason,
    }


def _held_against(tariff: Tariff) -> dict[str, Any]:
    """What the cap allowed; not a member where no pricing policy was in force, as it once was not."""
    if tariff.policy is None or tariff.limit is None:
        return {}
    return {
        "policy": tariff.policy.version,
        "limit": plain(tariff.limit),
        "exception": str(tariff.exception.uid) if tariff.exception else None,
    }


def pricing_policy_body(policy: PricingPolicy) -> dict[str, Any]:
    """Caps are shares of the chargeable cost, the floor a share of the available hours."""
    return {
        "policy": policy.version,
        "effective_from": jcs.moment(policy.effective_from),
        "published_at": jcs.moment(policy.published_at),
        **policy.rules.to_json(),
        "reason": policy.reason,
    }


def site_costs_body(statement: SiteCosts) -> dict[str, Any]:
    """EUR a year; the highest fee in EUR per device-hour."""
    return {
        "statement": str(statement.uid),
        "number": statement.number,
        "effective_from": jcs.moment(statement.effective_from),
        "published_at": jcs.moment(statement.published_at),
        **statement.costs,
        "total_year": plain(statement.total_year),
        "highest_fee": plain(statement.highest_fee),
        "corrects": str(statement.corrects.uid) if statement.corrects else None,
        "reason": statement.reason,
    }


def pool_body(statement: PoolStatement, shares: Sequence[PoolShare]) -> dict[str, Any]:
    """EUR a year. Nodes by their uid alone: one of them may not be listed."""
    return {
        "pool": str(statement.pool.uid),
        "statement": str(statement.uid),
        "organisation": str(statement.pool.organisation.uid),
        "number": statement.number,
        "effective_from": jcs.moment(statement.effective_from),
        "published_at": jcs.moment(statement.published_at),
        "name": statement.name,
        "component": str(statement.kind),
        "amount_year": plain(statement.amount_year),
        "worked_out": statement.worked_out,
        "key": str(statement.key),
        "whole": plain(statement.whole),
        "shares": [
            {
                "node": str(one.node.uid),
                "base": plain(one.base),
                "share": plain(one.share),
                "amount_year": plain(one.amount_year),
            }
            for one in shares
        ],
        "unassigned_share": plain(statement.unassigned_share),
        "unassigned_year": plain(statement.unassigned_year),
        "corrects": str(statement.corrects.uid) if statement.corrects else None,
        "reason": statement.reason,
    }


def digest(body: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON (RFC 8785), in hexadecimal."""
    return hashlib.sha256(jcs.canonical(body)).hexdigest()
