"""Publishing what a device-hour on a node is sold for."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from common import formats
from nodes.models import Node
from pricing.domain.cost import Price, price_of, rounded
from pricing.errors import TariffRefused
from pricing.models import CostStatement, Tariff
from pricing.selectors.caps import bound, carried_on, cost_of_statement
from pricing.services import telling
from pricing.services.announced import end_before_it_begins
from pricing.services.holding import hold_to_cap
from pricing.services.periods import require_end, require_soon
from pricing.services.tariff_rows import locked, write_tariff
from pricing.wording.reasons import SAME_DAY

ZERO = Decimal(0)


@transaction.atomic
def publish_tariff(
    *,
    statement: CostStatement,
    effective_from: datetime,
    published_by: User,
    at: datetime,
    over_recovered: Decimal = ZERO,
    owner_adjustment: Decimal = ZERO,
    effective_until: datetime | None = None,
    until_next: datetime | None = None,
    corrects: Tariff | None = None,
    reason: str = "",
) -> Tariff:
    """Derive the price of a device-hour from a statement, publish it and enter it in the ledger.

    `over_recovered` is EUR for the whole node, given back over the year (negative: a deficit made
    up); `owner_adjustment` is EUR per device-hour that the owner leaves off (negative) or adds.

    A price above the cap needs an exception in force as it begins, and ends with that: without an end of
    its own it is given the exception's. Where a statement that is announced allows less, it is derived anew
    from that day. `until_next`: where the next price begins that is announced already.
    """
    require_soon(effective_from, at=at, refused=TariffRefused)
    require_end(effective_from, effective_until, at=at, refused=TariffRefused)
    node = locked(statement.node_id)
    statement = CostStatement.objects.select_related("node__site", "node__owner").get(pk=statement.pk)
    _require_statement_in_force(statement, effective_from)
    _require_correctable(node, corrects, reason)
    tariff = write_tariff(
        statement=statement, effective_from=effective_from, effective_until=effective_until,
        over_recovered=over_recovered, owner_adjustment=owner_adjustment, until_next=until_next,
        corrects=corrects, reason=reason, published_by=published_by, at=at,
    )  # fmt: skip
    if tariff.effective_until is None or tariff.effective_until > at:
        hold_to_cap(node=node, since=effective_from, by=published_by, at=at)
    return tariff


@transaction.atomic
def set_price(
    *, node: Node, price: Decimal | None, effective_from: datetime, by: User, at: datetime
) -> Tariff:
    """Ask this price from then on: what follows from the statement in force then, less, or up to the cap.

    A price that is announced for a later day stays, one for the same day gives way.

    EUR per device-hour, before VAT and the site's fee; None: what follows, or the cap where that is lower.
    """
    if effective_from < at:
        raise TariffRefused(
            _("It can take effect now at the earliest, not in the past."), field="effective_from"
        )
    require_soon(effective_from, at=at, refused=TariffRefused)
    node = locked(node.pk)
    statement = (
        CostStatement.objects.filter(node=node, effective__contains=effective_from)
        .select_related("node__site", "node__owner")
        .first()
    )
    if statement is None:
        raise TariffRefused(
            _("No cost statement is in force on %(day)s; publish one first.")
            % {"day": formats.moment_with_year(effective_from)},
            field="effective_from",
        )
    # What is to be given back stays so, whatever price is set.
    carried = carried_on(node, effective_from)
    derived = price_of(cost=cost_of_statement(statement), over_recovered=carried).price
    if price is None:
        held = bound(derived, statement=statement, over_recovered=carried, at=effective_from)
        price = min(derived, held.limit)
    elif not price.is_finite() or price < 0:
        raise TariffRefused(_("The price cannot be below zero."), field="price")
    return publish_tariff(
        statement=statement,
        effective_from=effective_from,
        published_by=by,
        at=at,
        over_recovered=carried,
        owner_adjustment=rounded(price) - derived,
        until_next=_next_beginning(node, effective_from, by=by, at=at),
    )


def _next_beginning(node: Node, effective_from: datetime, *, by: User, at: datetime) -> datetime | None:
    """Where the price announced next begins. One that was to begin at this very moment gives way."""
    following = Tariff.objects.filter(node=node, effective__startswith__gte=effective_from)
    for tariff in following.select_related("node").order_by("effective")[:2]:
        if tariff.effective_from > effective_from:
            return tariff.effective_from
        if effective_from > at:
            end_before_it_begins(tariff, reason=SAME_DAY, by=by, at=at, goes_on=False)
            telling.price_called_off(tariff, reason=SAME_DAY, by=by, at=at)
    return None


def derived_price(statement: CostStatement) -> Price:
    """What follows from a statement alone: chargeable cost over the hours expected to be used."""
    return price_of(cost=cost_of_statement(statement))


def _require_statement_in_force(statement: CostStatement, effective_from: datetime) -> None:
    end = statement.effective_until
    if effective_from < statement.effective_from or (end is not None and effective_from >= end):
        raise TariffRefused(
            _("Cost statement %(number)d is not in force on %(day)s; derive the tariff from the one that is.")
            % {"number": statement.number, "day": formats.moment_with_year(effective_from)},
            field="effective_from",
        )


def _require_correctable(node: Node, corrects: Tariff | None, reason: str) -> None:
    if corrects is None:
        return
    if corrects.node_id != node.pk:
        raise TariffRefused(_("The tariff to correct belongs to another node."), field="corrects")
    if not reason.strip():
        raise TariffRefused(_("A correction says why."), field="reason")
