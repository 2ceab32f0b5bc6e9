"""Publishing what a node costs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from accounts.models import User
from common.ranges import between
from ledger import services as ledger
from nodes.models import Node
from pricing import files, wording
from pricing.domain.cost import Component, Cost, cost_of, rounded, split
from pricing.domain.declared import Declared, Fault, faults, renewed, to_json
from pricing.errors import StatementRefused
from pricing.models import CostComponent, CostStatement
from pricing.services.holding import hold_to_cap
from pricing.services.periods import make_room, refusing_overlaps, require_end, require_soon


@transaction.atomic
def publish_statement(
    *,
    node: Node,
    declared: Declared,
    effective_from: datetime,
    published_by: User,
    at: datetime,
    effective_until: datetime | None = None,
    corrects: CostStatement | None = None,
    reason: str = "",
) -> CostStatement:
    """Work out the node's cost from what its owner declares, publish it and enter it in the ledger.

    The statement that was in force ends where this one begins. A statement with an end of its own may
    record a time that is past, if no other covers it. Prices that this one does not allow are derived
    anew from then on, at the highest that it allows.
    """
    declared = renewed(declared)
    _require_true(declared)
    require_soon(effective_from, at=at, refused=StatementRefused)
    require_end(effective_from, effective_until, at=at, refused=StatementRefused)
    # One at a time: two would take the same number.
    node = Node.objects.select_for_update(of=("self",), no_key=True).select_related("site").get(pk=node.pk)
    _require_correctable(node, corrects, reason)
    first_day = effective_from.astimezone(ZoneInfo(node.site.time_zone)).date()
    cost = cost_of(declared, device_count=_count_devices(node), year_from=first_day)
    if cost.faults:
        raise refusal_of(cost.faults)
    if rounded(cost.full_available) <= 0:
        raise StatementRefused(_("A node that costs nothing cannot be published."), field="assets")
    rows = CostStatement.objects.filter(node=node)
    make_room(rows, effective_from=effective_from, effective_until=effective_until, at=at, sooner=True)
    statement = CostStatement(
        node=node,
        number=(rows.aggregate(last=Max("number"))["last"] or 0) + 1,
        effective=between(effective_from, effective_until),
        declared=to_json(declared),
        device_count=cost.device_count,
        **_figures(cost, declared),
        corrects=corrects,
        reason=reason,
        published_by=published_by,
        published_at=at,
    )
    components = _components(statement, cost.components)
    statement.digest = files.digest(files.statement_body(statement, components))
    with refusing_overlaps(effective_from, effective_until):
        statement.entry = ledger.append(kind="cost_statement", body=_entry(statement), at=at)
        statement.save()
    if effective_until is None or effective_until > at:
        hold_to_cap(node=node, since=effective_from, by=published_by, at=at)
    CostComponent.objects.bulk_create(components)
    return statement


def _require_correctable(node: Node, corrects: CostStatement | None, reason: str) -> None:
    if corrects is None:
        return
    if corrects.node_id != node.pk:
        raise StatementRefused(_("The statement to correct belongs to another node."), field="corrects")
    if not reason.strip():
        raise StatementRefused(_("A correction says why."), field="reason")


def _require_true(declared: Declared) -> None:
    if found := faults(declared):
        raise refusal_of(found)


def refusal_of(found: Sequence[Fault]) -> StatementRefused:
    """All faults in one refusal: the first as the message, every one under its field."""
    sentences = {fault.field: wording.fault_sentence(fault) for fault in reversed(found)}
    return StatementRefused(sentences[found[0].field], field=found[0].field, faults=sentences)


def _count_devices(node: Node) -> int:
    models = list(node.devices.values_list("model_key", flat=True))
    if not models:
        raise StatementRefused(_("The node has no devices to spread its cost over."), field="node")
    if len(set(models)) > 1:
        raise StatementRefused(
            _("One price holds for all devices of a node. List %(models)s as nodes of their own.")
            % {"models": ", ".join(sorted(set(models)))},
            field="node",
        )
    return len(models)


def _figures(cost: Cost, declared: Declared) -> dict[str, Decimal]:
    hours = Decimal("0.0001")
    return {
        "available_device_hours": cost.available_device_hours.quantize(hours),
        "delivered_device_hours": cost.delivered_device_hours.quantize(hours),
        "full_available": rounded(cost.full_available),
        "full_delivered": rounded(cost.full_delivered),
        "chargeable_available": rounded(cost.chargeable_available),
        "chargeable_delivered": rounded(cost.chargeable_delivered),
        "publicly_funded_share": rounded(declared.granted_share),
    }


def _components(statement: CostStatement, lines: Sequence[Component]) -> list[CostComponent]:
    full = _adding_up([line.full_year for line in lines])
    chargeable = _adding_up([line.chargeable_year for line in lines])
    return [
        CostComponent(
            statement=statement,
            position=position,
            kind=line.kind,
            full_year=full[position],
            chargeable_year=chargeable[position],
            detail=line.detail,
        )
        for position, line in enumerate(lines)
    ]


def _adding_up(amounts: Sequence[Decimal]) -> list[Decimal]:
    """The amounts rounded so that their sum is the rounded sum."""
    total = rounded(sum(amounts, Decimal(0)))
    return split(total, amounts) if total else [Decimal(0)] * len(amounts)


def _entry(statement: CostStatement) -> dict[str, object]:
    return {
        "statement": statement.uid,
        "node": statement.node.uid,
        "number": statement.number,
        "effective_from": statement.effective_from,
        "effective_until": statement.effective_until,
        "declared": statement.declared,
        "device_count": statement.device_count,
        **{name: getattr(statement, name) for name in files.FIGURES},
        "digest": statement.digest,
        "corrects": statement.corrects.uid if statement.corrects else None,
        "reason": statement.reason or None,
    }
