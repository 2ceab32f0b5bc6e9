"""What this site charges per device-hour."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction
from django.utils.translation import gettext as _

from common.ranges import between
from ledger import services as ledger
from pricing.domain.cost import rounded
from pricing.errors import FeeRefused
from pricing.models import SiteFee
from pricing.services.periods import make_room, refusing_overlaps, require_order, require_soon

# Any constant will do, as long as nothing else on this database locks it: "fee" in ASCII.
FEES_LOCK = int.from_bytes(b"fee")


@transaction.atomic
def set_site_fee(
    *,
    amount: Decimal,
    effective_from: datetime,
    reason: str,
    at: datetime,
    effective_until: datetime | None = None,
) -> SiteFee:
    """Publish the fee, end the one before it there, and enter it in the ledger."""
    require_soon(effective_from, at=at, refused=FeeRefused)
    require_order(effective_from, effective_until, FeeRefused)
    if not amount.is_finite() or amount < 0:
        raise FeeRefused(_("The fee cannot be below zero."), field="amount")
    if not reason.strip():
        raise FeeRefused(_("A fee says what it pays for."), field="reason")
    with connection.cursor() as cursor:  # two at once would both end the fee in force
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FEES_LOCK])
    make_room(SiteFee.objects.all(), effective_from=effective_from, effective_until=effective_until, at=at)
    body = {
        "effective_from": effective_from,
        "effective_until": effective_until,
        "amount": rounded(amount),
        "reason": reason,
    }
    with refusing_overlaps(effective_from, effective_until):
        return SiteFee.objects.create(
            effective=between(effective_from, effective_until),
            amount=rounded(amount),
            reason=reason,
            entry=ledger.append(kind="site_fee", body=body, at=at),
            published_at=at,
        )
