"""What this site charges per device-hour: at most what follows from the costs that it has published."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from common import formats
from common.access import NotAllowed
from common.ranges import between
from ledger import services as ledger
from pricing import wording
from pricing.domain.cost import rounded
from pricing.domain.exact import plain
from pricing.domain.site_costs import Costs
from pricing.errors import FeeAboveCosts, FeeRefused
from pricing.models import SiteCosts, SiteFee
from pricing.services.periods import make_room, refusing_overlaps, require_soon

# Any constant will do, as long as nothing else on this database locks it: "fee" in ASCII.
FEES_LOCK = int.from_bytes(b"fee")
# What is announced ends what is in force there and cannot be taken back: a slip is over within a month.
FURTHEST = timedelta(days=31)


def lock_fees() -> None:
    """One at a time, fees and what they follow from: two at once would both end what is in force."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FEES_LOCK])


@transaction.atomic
def set_site_fee(
    *, amount: Decimal, effective_from: datetime | None, reason: str, by: User, at: datetime
) -> SiteFee:
    """Publish the fee, from now on where no beginning is given, and end the one before it there.

    It holds as long as the costs that it follows from: those in force as it takes effect.
    """
    if not by.is_steward:
        raise NotAllowed(_("Only stewards set the site’s fee."))
    begins = at if effective_from is None else effective_from
    require_soon(begins, at=at, refused=FeeRefused, furthest=FURTHEST)
    if not reason.strip():
        raise FeeRefused(_("A fee says what it pays for."), field="reason")
    lock_fees()
    if begins < at and SiteFee.objects.exists():
        raise FeeRefused(
            _("It can take effect now at the earliest, not in the past."), field="effective_from"
        )
    statement = SiteCosts.objects.filter(effective__contains=begins).first()
    require_fee(amount, costs=statement.declared if statement else None, since=begins)
    until = statement.effective_until if statement else None
    make_room(SiteFee.objects.all(), effective_from=begins, effective_until=until, at=at)
    return write_fee(
        amount=amount, statement=statement, effective_from=begins, effective_until=until,
        reason=reason.strip(), at=at,
    )  # fmt: skip


def require_fee(
    amount: Decimal, *, costs: Costs | None, since: datetime | None = None, field: str = "amount"
) -> None:
    """Raise unless the fee follows. Without published costs nothing does, so that only zero passes."""
    if not amount.is_finite() or amount < 0:
        raise FeeRefused(_("The fee cannot be below zero."), field=field)
    if rounded(amount) != amount:
        raise FeeRefused(_("A fee has at most six decimals."), field=field, limit=6)
    if costs is None:
        if amount:
            raise FeeAboveCosts(
                _(
                    "The fee is %(actual)s EUR. On %(day)s no statement of what the site costs is in force,"
                    " so that no fee follows: publish one first, or ask nothing."
                ) % {"actual": formats.number(plain(amount)), "day": formats.moment_with_year(since)},
                field=field, limit="0", actual=plain(amount),
            )  # fmt: skip
    elif amount > costs.highest_fee:
        raise FeeAboveCosts(
            wording.fee_above_costs(amount, costs),
            field=field, limit=plain(costs.highest_fee), actual=plain(amount),
        )  # fmt: skip


def write_fee(
    *,
    amount: Decimal,
    statement: SiteCosts | None,
    effective_from: datetime,
    reason: str,
    at: datetime,
    effective_until: datetime | None = None,
) -> SiteFee:
    """The row and its entry; room was made and the amount was looked at."""
    body = {
        "effective_from": effective_from,
        "effective_until": effective_until,
        "amount": rounded(amount),
        "statement": statement.uid if statement else None,
        "reason": reason,
    }
    with refusing_overlaps(effective_from, effective_until):
        return SiteFee.objects.create(
            effective=between(effective_from, effective_until),
            statement=statement,
            amount=rounded(amount),
            reason=reason,
            entry=ledger.append(kind="site_fee", body=body, at=at),
            published_at=at,
        )
