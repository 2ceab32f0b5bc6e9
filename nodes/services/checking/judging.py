"""What a check came to: requirements, figures, how far they are off, and the entry in the ledger."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from ledger import services as ledger
from nodes import selectors
from nodes.domain import conformance
from nodes.domain.conformance import Carried
from nodes.models import Device, Lease, NodeCheck
from nodes.services import occupancy

State, Purpose = NodeCheck.State, NodeCheck.Purpose
LARGEST_REPORT = 2**20


def finish(check: NodeCheck, at: datetime, lease: Lease | None) -> bool:
    """Judge what there is, give back what is left of the time, and say in the ledger what came of it."""
    if lease is None or lease.started_at is None:
        return give_up(check, at)
    _give_back(check, at)
    raw = _report(lease)
    requirements = conformance.judge(_parsed(raw), _carried(check, lease))
    figures = conformance.figures(_parsed(raw))
    has_passed = all(one.is_met for one in requirements)
    deviations: dict[str, float] = {}
    if check.purpose == Purpose.SPOT:
        reference = selectors.reference_of(check.node, check.agent_id)
        deviations = conformance.off(figures, reference) if reference else {}
        has_passed = has_passed and conformance.is_good(deviations)
    check.state = State.PASSED if has_passed else State.FAILED
    check.finished_at = lease.ended_at or at
    check.requirements, check.figures = [one.to_json() for one in requirements], figures.to_json()
    check.deviations, check.report_digest = deviations, hashlib.sha256(raw).hexdigest()
    check.save()
    ledger.append(
        kind="node_check",
        body={
            "check": check.uid, "node": check.node.uid, "purpose": check.purpose, "outcome": check.state,
            "level": selectors.level_of(check.node), "digest": check.report_digest,
        },
        at=at,
    )  # fmt: skip
    return True


def give_up(check: NodeCheck, at: datetime) -> bool:
    """It never ran: no free time, its time taken back, its owner paused. That says nothing about the node."""
    _give_back(check, at)
    check.state, check.finished_at = State.NOT_MADE, at
    check.save(update_fields=["state", "finished_at"])
    return True


def _give_back(check: NodeCheck, at: datetime) -> None:
    if check.closure is not None:
        occupancy.release_holds(reference=check.closure.reference, at=at)


def _report(lease: Lease) -> bytes:
    file = lease.files.filter(name="report.json", size__lte=LARGEST_REPORT).first()
    if file is None:
        return b""
    try:
        with file.content.open("rb") as content:
            return bytes(content.read(LARGEST_REPORT))
    except OSError:
        return b""


def _parsed(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _carried(check: NodeCheck, lease: Lease) -> Carried:
    line = f"Conformance job {check.uid}: done."
    kinds = list(check.node.devices.values_list("kind", flat=True))
    is_parted = Device.Kind.GPU not in kinds
    return Carried(
        has_started=lease.started_at is not None,
        exit_code=lease.exit_code,
        has_log=any(line in chunk.text for chunk in selectors.log_since(lease, 0)),
        nonce=str(check.uid),
        # A whole host shows what it has; instances share the files of their GPU.
        gpus_held=None if is_parted else len(kinds),
    )
