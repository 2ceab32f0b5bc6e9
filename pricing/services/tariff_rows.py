"""A tariff as it is written: derived, held against the cap, given its time, entered in the ledger.

Whoever calls has locked the node, and says afterwards what later statements make of it.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db.models import Max
from django.utils.translation import gettext as _

from accounts.models import User
from common import formats
from common.ranges import between, bounds
from ledger import services as ledger
from nodes.models import Node
from pricing import files, wording
from pricing.domain.cost import price_of, rounded
from pricing.domain.exact import plain
from pricing.errors import AboveCap, TariffRefused
from pricing.models import CostStatement, PriceException, Tariff
from pricing.selectors.caps import Bound, bound, cost_of_statement
from pricing.services.periods import make_room, refusing_overlaps

ZERO = Decimal(0)


def locked(node_id: int) -> Node:
    """One at a time: two would take the same number, and a statement or an exception could end meanwhile."""
    rows = Node.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("owner", "site").get(pk=node_id)


def write_tariff(
    *,
    statement: CostStatement,
    effective_from: datetime,
    effective_until: datetime | None,
    published_by: User,
    at: datetime,
    over_recovered: Decimal = ZERO,
    owner_adjustment: Decimal = ZERO,
    until_next: datetime | None = None,
    corrects: Tariff | None = None,
    reason: str = "",
) -> Tariff:
    """`until_next`: where the price that is announced next begins, whatever end this one has.

    The end that is entered in the ledger is its own: it goes on if the next one is called off.
    """
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
    own_end = effective_until
    effective_until = min((end for end in (own_end, until_next) if end is not None), default=None)
    rows = Tariff.objects.filter(node=statement.node)
    make_room(rows, effective_from=effective_from, effective_until=effective_until, at=at, sooner=True)
    tariff = Tariff(
        node=statement.node,
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
        tariff.entry = ledger.append(kind="tariff", body=_entry(tariff, own_end), at=at)
        tariff.save()
    return tariff


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


def _entry(tariff: Tariff, effective_until: datetime | None) -> dict[str, object]:
    return {
        "tariff": tariff.uid,
        "node": tariff.node.uid,
        "number": tariff.number,
        "statement": tariff.statement.uid,
        "effective_from": tariff.effective_from,
        "effective_until": effective_until,
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
