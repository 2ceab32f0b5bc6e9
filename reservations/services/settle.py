"""When a slot is over: charge it, count its use, give back what was set aside and not charged."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, OuterRef

from pricing.services import charges
from reservations.domain import settlement
from reservations.models import Reservation, Run
from reservations.selectors import settlement as facts
from reservations.services import telling, usage

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 200  # in one sweep; the next is ten seconds away


def settle_ended(*, at: datetime) -> int:
    """Settle every slot that is over and whose runs are; answer how many were."""
    return sum(_try(pk, at) for pk in _over(at))


def _over(at: datetime) -> list[int]:
    # A node that was cut off may still report how a job ended: its run decides what is refunded.
    open_runs = Run.objects.filter(
        reservation=OuterRef("pk"), state__in=(Run.State.QUEUED, Run.State.LEASED, Run.State.RUNNING)
    )
    over = Reservation.objects.unsettled().filter(~Exists(open_runs), during__endswith__lte=at)
    return list(over.order_by("pk").values_list("pk", flat=True)[:MOST_AT_ONCE])


def _try(pk: int, at: datetime) -> bool:
    try:
        return _settle(pk, at)
    except Exception:
        # One slot that cannot be settled must not keep all those behind it from being settled.
        logger.exception("reservation %s could not be settled", pk)
        return False


@transaction.atomic
def _settle(pk: int, at: datetime) -> bool:
    """Everything about one slot in one transaction: nobody sees it half settled."""
    project_id = Reservation.objects.values_list("project_id", flat=True).get(pk=pk)
    usage.lock_vertex(project_id=project_id)
    unsettled = Reservation.objects.unsettled().select_related("project", "decision__policy")
    reservation = unsettled.select_for_update(of=("self",), skip_locked=True).filter(pk=pk).first()
    if reservation is None:
        return False
    lines = settlement.bill(facts.facts_of(reservation))
    posted = charges.post(
        reference=reservation.reference, lines=_numbered(lines), project=reservation.project, at=at
    )
    usage.count_usage(reservation=reservation)
    if reservation.state == Reservation.State.BOOKED:
        reservation.state = Reservation.State.ENDED
    reservation.settled_at = at
    reservation.save(update_fields=["state", "settled_at"])
    charged = sum((charge.amount for charge in posted), Decimal(0))
    telling.slot_settled(reservation=reservation, charged=charged, at=at)
    return True


def _numbered(lines: Sequence[settlement.Line]) -> list[charges.ChargeLine]:
    return [
        charges.ChargeLine(
            position=position, node_id=line.terms.node_id, category=line.category, item=line.item,
            quantity=line.quantity, unit_price=line.unit_price, start=line.during.start, end=line.during.end,
            tariff_id=line.terms.tariff_id, detail=dict(line.detail),
        )
        for position, line in enumerate(lines, start=1)
    ]  # fmt: skip
