"""Publishing what the site itself costs: dated, numbered, in the ledger, and with it the fee that follows."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _, ngettext

from accounts.models import User
from accounts.services import stewarding
from common.access import NotAllowed
from common.ranges import between
from ledger import services as ledger
from pricing import files, wording
from pricing.domain.site_costs import Costs, faults, to_json
from pricing.errors import SiteCostsRefused
from pricing.models import SiteCosts, SiteFee
from pricing.services.fees import FURTHEST, lock_fees, require_fee, write_fee
from pricing.services.periods import make_room, refusing_overlaps, require_soon

FIGURES = ("total_year", "subsidy_year", "device_hours", "highest_fee")


@transaction.atomic
def publish_site_costs(
    *,
    costs: Costs,
    effective_from: datetime | None,
    reason: str,
    by: User,
    at: datetime,
    fee: Decimal | None = None,
    corrects: SiteCosts | None = None,
) -> SiteCosts:
    """Put these costs into force, from now on where no beginning is given, and end those before.

    The first may begin in the past: the site had costs before it said so.

    The fee is published again under them, as high as it was where `fee` does not say: it names what it
    follows from, so it never outlasts it. One that does not follow any more has to be lowered here.
    """
    if not by.is_steward:
        raise NotAllowed(_("Only stewards publish what the site costs."))
    reason = stewarding.require_reason(reason)
    begins = at if effective_from is None else effective_from
    require_soon(begins, at=at, refused=SiteCostsRefused, furthest=FURTHEST)
    _require_sound(costs)
    lock_fees()
    rows = SiteCosts.objects.all()
    if rows.exists() and begins < at:
        raise SiteCostsRefused(
            _("It can take effect now at the earliest, not in the past."), field="effective_from"
        )
    if corrects is None:
        _require_new(costs)
    asked = fee if fee is not None else _fee_before(begins)
    if asked is not None:
        require_fee(asked, costs=costs, field="fee")
    make_room(SiteFee.objects.all(), effective_from=begins, effective_until=None, at=at)
    make_room(rows, effective_from=begins, effective_until=None, at=at)
    statement = SiteCosts(
        number=(rows.aggregate(last=Max("number"))["last"] or 0) + 1,
        effective=between(begins, None),
        costs=to_json(costs),
        **{name: getattr(costs, name) for name in FIGURES},
        corrects=corrects,
        reason=reason,
        published_by=by,
        published_at=at,
    )
    statement.digest = files.digest(files.site_costs_body(statement))
    with refusing_overlaps(begins, None):
        statement.entry = ledger.append(kind="site_costs", body=_entry(statement), at=at)
        statement.save()
    if asked is not None:
        write_fee(amount=asked, statement=statement, effective_from=begins, reason=reason, at=at)
    return statement


def _require_new(costs: Costs) -> None:
    last = SiteCosts.objects.first()
    if last is not None and last.declared == costs and last.effective_until is None:
        raise SiteCostsRefused(
            _("These are the costs of statement %(number)d already.") % {"number": last.number}
        )


def _fee_before(begins: datetime) -> Decimal | None:
    """What is charged as the new costs take effect; None: nothing was ever said."""
    found = SiteFee.objects.filter(effective__contains=begins).values_list("amount", flat=True)
    return found.first()


def _require_sound(costs: Costs) -> None:
    found = faults(costs)
    if found:
        raise SiteCostsRefused(
            ngettext(
                "What the site costs has %(number)d fault and was not published.",
                "What the site costs has %(number)d faults and was not published.",
                len(found),
            ) % {"number": len(found)},
            field=found[0].field,
            faults={fault.field: wording.wrong_costs(fault) for fault in reversed(found)},
        )  # fmt: skip


def _entry(statement: SiteCosts) -> dict[str, object]:
    return {
        "statement": statement.uid,
        "number": statement.number,
        "effective_from": statement.effective_from,
        "effective_until": statement.effective_until,
        "costs": statement.costs,
        **{name: getattr(statement, name) for name in FIGURES},
        "digest": statement.digest,
        "corrects": statement.corrects.uid if statement.corrects else None,
        "reason": statement.reason,
    }
