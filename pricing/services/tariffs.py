"""Publishing what a device-hour on a node is sold for."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from common import formats
from common.ranges import between, bounds
from ledger import services as ledger
from nodes.models import Node
from pricing import files, wording
from pricing.domain.cost import Price, price_of, rounded
from pricing.domain.exact import plain
from pricing.errors import AboveCap, TariffRefused
from pricing.models import CostStatement, PriceException, Tariff
from pricing.selectors.caps import Bound, bound, cost_of_statement
from pricing.services.periods import make_room, refusing_overlaps, require_order, require_soon

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

    A price above the cap needs an exception in force as it begins, and ends with that: without an end of
    its own it is given the exception's.
    """
    require_soon(effective_from, at=at, refused=TariffRefused)
    require_order(effective_from, effective_until, TariffRefused)
    node = _locked(statement.node_id)
    statement = CostStatement.objects.select_related("node__site", "node__owner").get(pk=statement.pk)
    _require_statement_in_force(statement, effective_from)
    _require_correctable(node, corrects, reason)
    cost = cost_of_statement(statement)
    price = price_of(cost=cost, over_recovered=over_recovered, owner_adjustment=rounded(owner_adjustment))
    if price.price < 0:
        raise TariffRefused(
            _("The price would be %(price)s EUR; it cannot be below zero.")
            % {"price": formats.number(price.price)},
            field="owner_adjustment" if owner_adjustment < 0 else "over_recovered",
        )
    held = bound(
        price.price, statement=statement, cost=cost, over_recovered=over_recovered, at=effective_from
    )
    exception = _require_allowed(held, effective_from)
    if exception is not None:
        effective_until = _require_not_longer(exception, effective_until)
    rows = Tariff.objects.filter(node=node)
    _end_excepted(rows, effective_from=effective_from, at=at)
    make_room(rows, effective_from=effective_from, effective_until=effective_until, at=at)
    tariff = Tariff(
        node=node,
        number=(rows.aggregate(last=Max("number"))["last"] or 0) + 1,
        statement=statement,
        effective=between(effective_from, effective_until),
        price=price.price,
        carried=price.carried,
        owner_adjustment=price.owner_adjustment,
        policy=held.policy,
        limit=held.limit if held.policy else None,
        exception=exception,
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
    """Ask this price from then on: what follows from the statement in force then, less, or up to the cap.

    EUR per device-hour, before VAT and the site's fee; None: what follows, or the cap where that is lower.
    """
    if effective_from < at:
        raise TariffRefused(
            _("It can take effect now at the earliest, not in the past."), field="effective_from"
        )
    require_soon(effective_from, at=at, refused=TariffRefused)
    _locked(node.pk)
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
    derived = derived_price(statement).price
    if price is None:
        price = min(derived, bound(derived, statement=statement, at=effective_from).limit)
    elif not price.is_finite() or price < 0:
        raise TariffRefused(_("The price cannot be below zero."), field="price")
    return publish_tariff(
        statement=statement,
        effective_from=effective_from,
        published_by=by,
        at=at,
        owner_adjustment=rounded(price) - derived,
    )


def _locked(node_id: int) -> Node:
    """One at a time: two would take the same number, and a statement or an exception could end meanwhile."""
    return Node.objects.select_for_update(of=("self",), no_key=True).get(pk=node_id)


def _end_excepted(rows: QuerySet[Tariff], *, effective_from: datetime, at: datetime) -> None:
    """A price under an exception has an end, and still gives way to what its owner asks instead."""
    if effective_from < at:
        return
    excepted = rows.filter(
        exception__isnull=False,
        effective__startswith__lt=effective_from,
        effective__endswith__gt=effective_from,
    )
    for tariff in excepted:
        rows.filter(pk=tariff.pk).update(effective=between(tariff.effective_from, effective_from))


def _require_allowed(held: Bound, effective_from: datetime) -> PriceException | None:
    """The exception that lets the price through; None where it needs none."""
    if not held.needs_exception:
        return None
    if held.passes:
        return held.exception
    check = held.check
    raise AboveCap(
        wording.above_cap(
            check,
            policy=held.policy.version if held.policy else None,
            excepted=held.exception.highest_price if held.exception else None,
            day=effective_from,
        ),
        field="price",
        rule="cap",
        limit=plain(held.highest),
        actual=plain(check.price),
        cost=plain(rounded(check.reference)),
        cap=plain(check.cap.share),
        used_share=plain(check.used_share),
        policy=held.policy.version if held.policy else None,
        exception=str(held.exception.uid) if held.exception else None,
    )


def _require_not_longer(exception: PriceException, effective_until: datetime | None) -> datetime:
    ends = bounds(exception.in_force)[1]
    if effective_until is None:
        return ends
    if effective_until > ends:
        raise AboveCap(
            _("A price above the cap ends with the exception that allows it, on %(end)s at the latest.")
            % {"end": formats.moment_with_year(ends)},
            field="effective_until",
            limit=ends,
        )
    return effective_until


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
        "policy": tariff.policy.version if tariff.policy else None,
        "limit": tariff.limit,
        "exception": tariff.exception.uid if tariff.exception else None,
        "digest": tariff.digest,
        "corrects": tariff.corrects.uid if tariff.corrects else None,
        "reason": tariff.reason or None,
    }
