"""The page about a node's conformance for programs. Names of hosts and the ids of buses stay here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from common.ids import global_id
from nodes.domain import conformance
from nodes.domain.conformance import Figures
from nodes.domain.inventory import Difference
from nodes.models import Node, NodeCheck, NodeInventory
from pricing.domain.exact import plain
from pricing.selectors.conformance import MOST_SPOTS, OVER, ConformancePage, cost_of_teraflop
from pricing.wording import conformance as wording


def conformance_json(page: ConformancePage, *, at: datetime) -> dict[str, Any]:
    current = page.inventory
    spots = page.node.checks.filter(purpose=NodeCheck.Purpose.SPOT, state__in=OVER)
    return {
        "node": {"id": global_id(page.node.uid), "slug": page.node.slug, "name": page.node.name},
        "level": page.level,
        "takes_bookings": page.node.state == Node.State.LISTED,
        "inventory": None if current is None else _inventory(current),
        "listed_and_found": [
            {"name": row.name, "listed": row.listed, "found": row.found or None} for row in page.rows
        ],
        "check": None if page.check is None else _check(page.check),
        "open_check": None if page.open_check is None else page.open_check.state,
        "cost_of_teraflop_hour": _cost(page, at),
        "spot_checks": [_check(one) for one in spots[:MOST_SPOTS]],
        "consecutive_good": page.consecutive,
        "tolerance": str(conformance.TOLERANCE),
    }  # fmt: skip


def _cost(page: ConformancePage, at: datetime) -> str | None:
    if page.check is None or not page.check.figures:
        return None
    devices = list(page.node.devices.order_by("index"))
    cost = cost_of_teraflop(devices, Figures.of_json(page.check.figures), at)
    return None if cost is None else plain(cost)


def _inventory(current: NodeInventory) -> dict[str, Any]:
    differences = [Difference.of_json(one) for one in current.differences]
    by = "steward" if current.settled_by_steward else "owner"
    return {
        "uid": str(current.uid),
        "state": current.state,
        "told_at": current.told_at.isoformat(),
        "last_told_at": current.last_told_at.isoformat(),
        "sha256": current.digest,
        "differences": [_difference(one) for one in differences],
        "settlement": current.settlement or None,
        "reason": current.reason or None,
        "settled_by": by if current.settlement else None,
        "settled_at": current.settled_at.isoformat() if current.settled_at else None,
    }  # fmt: skip


def _difference(one: Difference) -> dict[str, Any]:
    told = one.to_json() | {"sentence": wording.difference(one)}
    return told | {"found": None} if one.code in ("gpu_twice", "gpu_elsewhere") else told


def _check(check: NodeCheck) -> dict[str, Any]:
    return {
        "uid": str(check.uid),
        "purpose": check.purpose,
        "outcome": check.state,
        "finished_at": check.finished_at.isoformat() if check.finished_at else None,
        "requirements": check.requirements,
        "figures": check.figures or None,
        "deviations": check.deviations,
        "sha256": check.report_digest,
    }
