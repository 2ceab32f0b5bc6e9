"""Calling off what was announced, before it begins."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from common import formats
from pricing.errors import CallOffRefused
from pricing.models import CostStatement, Tariff, TariffCallOff
from pricing.services.announced import end_before_it_begins
from pricing.services.holding import hold_to_cap
from pricing.services.tariff_rows import locked


@transaction.atomic
def call_off_tariff(*, tariff: Tariff, reason: str, by: User, at: datetime) -> TariffCallOff:
    """Take an announced price back before it begins. The one before it goes on, within the cap."""
    reason = require_reason(reason)
    node = locked(tariff.node_id)
    tariff = Tariff.objects.select_related("node", "entry").get(pk=tariff.pk)
    require_announced(tariff, at)
    begins = tariff.effective_from
    made = end_before_it_begins(tariff, reason=reason, by=by, at=at)
    for lowered in hold_to_cap(node=node, since=begins, by=by, at=at):
        if lowered.effective_from == begins and lowered.price == tariff.price:
            raise CallOffRefused(
                _(
                    "Without it the price before would lie above the cap from %(start)s on. Set another price"
                    " from that day instead: it takes the place of this one."
                )
                % {"start": formats.moment_with_year(begins)},
                since=begins,
                limit=lowered.limit,
            )
    return made


def require_announced(row: CostStatement | Tariff, at: datetime) -> None:
    if row.is_called_off:
        raise CallOffRefused(_("It was called off already."))
    if row.effective_from <= at:
        raise CallOffRefused(
            _("It is in force since %(start)s. What has begun can be ended, not called off.")
            % {"start": formats.moment_with_year(row.effective_from)},
            since=row.effective_from,
        )


def require_reason(reason: str) -> str:
    reason = reason.strip()
    if not reason:
        raise CallOffRefused(_("Write why: everybody can read it."), field="reason")
    return reason
