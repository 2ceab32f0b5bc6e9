"""What everybody may recompute, as data: policy, shares, the site's health. Exact numbers are text."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from common.kept import kept
from pricing.selectors.open_data import text
from reservations.domain import exact_json
from reservations.domain.exact_json import Json
from reservations.selectors.exceptions import ExceptionRow
from reservations.selectors.fairness import FairnessPage, ShareRow, fairness_page
from reservations.selectors.policy_page import Version
from reservations.selectors.status import StatusPage


def policy_json(version: Version) -> dict[str, Any]:
    written = exact_json.written(
        {
            "policy": version.number,
            "state": version.state,
            "effective_from": version.starts,
            "effective_until": version.ends,
            "published_at": version.published_at,
            "reason": version.reason,
            "digest": version.digest,
            "ledger_entry": version.entry,
            "follows": version.follows,
            "called_off_at": version.called_off_at,
            "called_off_reason": version.called_off_reason,
            "rules": version.rules,
        }
    )
    assert isinstance(written, dict)
    return written


def exception_json(row: ExceptionRow) -> dict[str, Any]:
    """`to`: what it is an exception to. One to the cap of a price would be another kind of row."""
    one = row.exception
    written = exact_json.written(
        {
            "exception": str(one.uid),
            "to": "policy",
            "project": row.holder,
            "number": one.number,
            "policy": one.policy.version,
            "policy_value": one.policy_value,
            "value": one.value,
            "effective_from": one.effective.lower,
            "effective_until": one.effective.upper,
            "state": row.state,
            "reason": one.reason,
            "granted_at": one.granted_at,
            "ledger_entry": row.entry,
            "ended_at": one.ended_at,
            "end_reason": one.end_reason,
            "end_ledger_entry": row.end_entry,
        }
    )
    assert isinstance(written, dict)
    return written


def exceptions_json(rows: Iterable[ExceptionRow], *, at: datetime) -> dict[str, Any]:
    items = [exception_json(row) for row in rows]
    return {"at": exact_json.moment(at), "count": len(items), "exceptions": items}


_EXCEPTION_COLUMNS = (
    "exception", "to", "project", "number", "policy", "policy_value", "value", "effective_from",
    "effective_until", "state", "reason", "granted_at", "ledger_entry", "ended_at", "end_reason",
    "end_ledger_entry",
)  # fmt: skip


def exceptions_csv(rows: Iterable[ExceptionRow]) -> list[list[str]]:
    """The columns are the members of the JSON."""
    lines = [exception_json(row) for row in rows]
    cells = [
        [text("" if line[name] is None else str(line[name])) for name in _EXCEPTION_COLUMNS] for line in lines
    ]
    return [list(_EXCEPTION_COLUMNS), *cells]


_MANY = 200  # shares that are worked out once a minute


def is_large(content: Json) -> bool:
    shares = content["shares"] if isinstance(content, dict) else None
    return isinstance(shares, list) and len(shares) > _MANY


def kept_fairness_json(*, at: datetime) -> Json:
    return kept("fairness:api", lambda: fairness_json(fairness_page(at=at)), at=at, is_large=is_large)


def fairness_json(page: FairnessPage) -> Json:
    return exact_json.written(
        {
            "at": page.at,
            "policy": page.policy_version,
            "shares": [_share(row) for row in page.rows],
            "jain": page.jain,
            "requests": {"asked": page.asked, "granted": page.granted, "days": page.days},
            "refusals": {refusals.code: refusals.number for refusals in page.refusals},
        }
    )


def status_json(page: StatusPage) -> Json:
    checkpoint = page.ledger.checkpoint
    return exact_json.written(
        {
            "at": page.at,
            "is_well": page.is_well,
            "sweeps": [
                {"name": one.name, "finished_at": one.finished_at, "took_ms": one.took_ms,
                 "every_seconds": round(one.every.total_seconds()), "is_stale": one.is_stale}
                for one in page.sweeps
            ],
            "nodes": [
                {"name": one.name, "url": one.url, "last_seen_at": one.last_seen_at,
                 "is_answering": one.is_answering, "live_leases": one.live_leases}
                for one in page.nodes
            ],
            "listed_nodes": page.listed,
            "ledger": {
                "entries": page.ledger.entries,
                "waiting": page.ledger.waiting,
                "unsigned": page.ledger.unsigned,
                "signed": checkpoint.size if checkpoint else 0,
            },
            "jobs": {"queued": page.queued, "running": page.running},
        }
    )  # fmt: skip


def _share(row: ShareRow) -> dict[str, Any]:
    """Exact fractions as text: whoever recomputes them gets the same, not nearly the same."""
    return {
        "name": row.name,
        "depth": row.depth,
        "is_project": row.is_project,
        "shares": row.shares,
        "promised": row.promised,
        "received": row.received,
        "level": row.level.value,
        "place": row.rank,
    }
