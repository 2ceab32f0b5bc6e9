"""Publishing what a device-hour on a node is sold for."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from accounts.models import User
from common import formats
from common.ranges import between
from ledger import services as ledger
from nodes.models import Node
from pricing import files
from pricing.domain.cost import Cost, Price, cost_of, price_of, rounded
from pricing.domain.declared import from_json
from pricing.errors import TariffRefused
from pricing.models import CostStatement, Tariff
from pricing.services.periods import make_room, refusing_overlaps, require_order

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
    corrects: Tariff | None = None,
    reason: str = "",
) -> Tariff:
    """Derive the price of a device-hour from a statement, publish it and enter it in the ledger.

    `over_recovered` is EUR for the whole node, given back over the year (negative: a deficit made
    up); `owner_adjustment` is EUR per device-hour that the owner leaves off (negative) or adds.
    """
    require_order(effective_from, effective_until, TariffRefused)
    _require_statement_in_force(statement, effective_from)
    # One at a time: two would take the same number.
    node = Node.objects.select_for_update(of=("self",), no_key=True).get(pk=statement.node_id)
    _require_correctable(node, corrects, reason)
    price = price_of(
        cost=_cost_of_statement(statement),
        over_recovered=over_recovered,
        owner_adjustment=rounded(owner_adjustment),
    )
    if price.price < 0:
        raise TariffRefused(
            _("The price would be %(price)s EUR; it cannot be below zero.")
            % {"price": formats.number(price.price)},
            field="owner_adjustment" if owner_adjustment < 0 else "over_recovered",
        )
    rows = Tariff.objects.filter(node=node)
    make_room(rows, effective_from=effective_from, effective_until=effective_until, at=at)
    tariff = Tariff(
        node=node,
        number=(rows.aggregate(last=Max("number"))["last"] or 0) + 1,
        statement=statement,
        effective=between(effective_from, effective_until),
        price=price.price,
        carried=price.carried,
        owner_adjustment=price.owner_adjustment,
        corrects=corrects,
        reason=reason,
        published_by=published_by,
        published_at=at,
    )
    tariff.digest = files.digest(files.tariff_body(tariff))
    with refusing_overlaps(effective_from, effective_until):
        tariff.entry = ledger.append(kind="tariff", body=_entry(tariff), at=at)
        tariff.save()
    return tariff


@transaction.atomic
def set_price(
    *, node: Node, price: Decimal | None, effective_from: datetime, by: User, at: datetime
) -> Tariff:
    """Ask this price from then on: what follows from the statement in force then, or less.

    EUR per device-hour, before VAT and the site's fee; None: exactly what follows.
    """
    if effective_from < at:
        raise TariffRefused(
            _("It can take effect now at the earliest, not in the past."), field="effective_from"
        )
    statement = (
        CostStatement.objects.filter(node=node, effective__contains=effective_from)
        .select_related("node__site")
        .first()
    )
    if statement is None:
        raise TariffRefused(
            _("No cost statement is in force on %(day)s; publish one first.")
            % {"day": formats.moment_with_year(effective_from)},
            field="effective_from",
        )
    derived = derived_price(statement)
    if price is not None:
        _require_not_above(price, derived.price)
    return publish_tariff(
        statement=statement,
        effective_from=effective_from,
        published_by=by,
        at=at,
        owner_adjustment=ZERO if price is None else rounded(price) - derived.price,
    )


def _require_not_above(price: Decimal, derived: Decimal) -> None:
    if not price.is_finite() or price < 0:
        raise TariffRefused(_("The price cannot be below zero."), field="price")
    if rounded(price) > derived:
        raise TariffRefused(
            _("The price can be at most %(limit)s EUR, as the statement’s cost is; you wrote %(actual)s.")
            % {"limit": formats.number(derived), "actual": formats.number(price)},
            field="price",
            limit=str(derived),
            actual=str(price),
        )


def derived_price(statement: CostStatement) -> Price:
    """What follows from a statement alone: chargeable cost over the hours expected to be used."""
    return price_of(cost=_cost_of_statement(statement))


def _cost_of_statement(statement: CostStatement) -> Cost:
    """The cost behind a statement again, to all its digits."""
    first_day = statement.effective_from.astimezone(ZoneInfo(statement.node.site.time_zone)).date()
    return cost_of(from_json(statement.declared), device_count=statement.device_count, year_from=first_day)


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


def _entry(tariff: Tariff) -> dict[str, object]:
    return {
        "tariff": tariff.uid,
        "node": tariff.node.uid,
        "number": tariff.number,
        "statement": tariff.statement.uid,
        "effective_from": tariff.effective_from,
        "effective_until": tariff.effective_until,
        "price": tariff.price,
        "carried": tariff.carried,
        "owner_adjustment": tariff.owner_adjustment,
        "digest": tariff.digest,
        "corrects": tariff.corrects.uid if tariff.corrects else None,
        "reason": tariff.reason or None,
    }
