"""Exceptions to the cap: granted by a steward for one node and some time, with a public reason.

Each change first locks the node, as publishing a price does: a price is published before an exception
ends, and ends with it or is called off, or it is refused.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import OrganisationMembership, User
from accounts.services import stewarding
from common import formats
from common.access import NotAllowed
from common.ranges import between, bounds
from ledger.services import append
from nodes.models import Node
from pricing.domain.cost import rounded
from pricing.domain.exact import plain
from pricing.errors import PriceExceptionRefused
from pricing.models import PriceException, Tariff
from pricing.selectors.caps import policy_in_force
from pricing.services import telling
from pricing.services.announced import end_before_it_begins
from pricing.services.holding import hold_to_cap
from pricing.services.periods import refusing_overlaps, require_soon
from pricing.services.tariff_rows import locked

# As the column holds it; far above any price of an hour.
HIGHEST = Decimal(1_000_000)


@transaction.atomic
def grant_price_exception(
    *,
    node: Node,
    highest_price: Decimal,
    effective_from: datetime | None,
    effective_until: datetime,
    reason: str,
    by: User,
    at: datetime,
) -> PriceException:
    """Let a node cost up to this, EUR per device-hour, whatever the cap says; from now on unless said."""
    _require_steward(by)
    reason = stewarding.require_reason(reason)
    begins = at if effective_from is None else effective_from
    _require_time(begins, effective_until, at)
    if not highest_price.is_finite() or not 0 < highest_price <= HIGHEST or not rounded(highest_price):
        raise PriceExceptionRefused(
            _("Write a price above zero and at most %(limit)s EUR.") % {"limit": formats.number(HIGHEST)},
            field="highest_price",
        )
    node = locked(node.pk)
    _require_other(node, by)
    in_force = between(begins, effective_until)
    _require_alone(PriceException.objects.filter(node=node, in_force__overlap=in_force).first())
    policy = policy_in_force(begins)
    granted = PriceException(
        node=node, highest_price=rounded(highest_price), effective=in_force, reason=reason, granted_by=by,
        granted_at=at,
    )  # fmt: skip
    body = {
        "exception": granted.uid, "node": node.uid, "policy": policy.version if policy else None,
        "highest_price": granted.highest_price, "effective_from": begins,
        "effective_until": effective_until, "reason": reason,
    }  # fmt: skip
    with refusing_overlaps(begins, effective_until):
        granted.entry = append(kind="price_exception", body=body, at=at)
        granted.save()
    telling.exception_granted(granted, at=at)
    return granted


@transaction.atomic
def end_price_exception(*, exception: PriceException, reason: str, by: User, at: datetime) -> PriceException:
    """From now on the cap holds for the node. A price that was published under the exception ends; one that
    was announced under it is called off, and what it would have ended goes on.

    Booked slots keep what they were booked at. Nobody can book the node until its owner publishes another.
    """
    _require_steward(by)
    reason = stewarding.require_reason(reason)
    node = locked(exception.node_id)
    _require_other(node, by)
    exception = PriceException.objects.select_for_update(of=("self",)).get(pk=exception.pk)
    _require_not_over(exception, at)
    tariff = _in_force_under(exception, at)
    body = {
        "exception": exception.uid, "ended_at": at, "tariff": tariff.uid if tariff else None,
        "reason": reason,
    }  # fmt: skip
    exception.ended_at, exception.ended_by, exception.end_reason = at, by, reason
    exception.end_entry = append(kind="price_exception_end", body=body, at=at)
    exception.save(update_fields=["ended_at", "ended_by", "end_reason", "end_entry"])
    if tariff is not None:
        tariff.effective = between(tariff.effective_from, at)
        tariff.save(update_fields=["effective"])
    _call_off_announced(exception, reason=reason, by=by, at=at)
    # What it covered though it was published without it, before a statement that allows less.
    hold_to_cap(node=node, since=at, by=by, at=at)
    telling.exception_ended(exception, ended=tariff, at=at)
    return exception


def _in_force_under(exception: PriceException, at: datetime) -> Tariff | None:
    """The tariff that ends with it."""
    begun = Tariff.objects.filter(exception=exception, effective__startswith__lt=at)
    return begun.filter(effective__endswith__gt=at).first()


def _call_off_announced(exception: PriceException, *, reason: str, by: User, at: datetime) -> None:
    """What was announced under it does not begin: the latest first, so that none goes on in its place."""
    announced = Tariff.objects.filter(exception=exception, effective__startswith__gte=at)
    for tariff in announced.select_related("node").order_by("-effective"):
        end_before_it_begins(tariff, reason=reason, by=by, at=at)
        telling.price_called_off(tariff, reason=reason, by=by, at=at)


def _require_steward(by: User) -> None:
    if not by.is_steward:
        raise NotAllowed(_("Only stewards grant and end exceptions to the cap."))


def _require_other(node: Node, by: User) -> None:
    """Nobody decides about the prices of an organisation they belong to."""
    if OrganisationMembership.objects.filter(organisation=node.owner_id, user=by).exists():
        raise PriceExceptionRefused(_("You belong to the node’s owner: another steward does this."))


def _require_time(begins: datetime, ends: datetime, at: datetime) -> None:
    if begins < at:
        raise PriceExceptionRefused(
            _("It can take effect now at the earliest, not in the past."), field="effective_from"
        )
    require_soon(begins, at=at, refused=PriceExceptionRefused)
    if ends <= begins:
        raise PriceExceptionRefused(_("The end lies before the beginning."), field="effective_until")
    # Who needs one for longer asks again, and gives the reason again.
    require_soon(ends, at=at, refused=PriceExceptionRefused, field="effective_until")


def _require_alone(other: PriceException | None) -> None:
    if other is not None:
        begins, ends = bounds(other.in_force)
        raise PriceExceptionRefused(
            _("There is one already from %(start)s until %(end)s, up to %(price)s EUR. End it first.") % {
                "start": formats.moment_with_year(begins),
                "end": formats.moment_with_year(ends),
                "price": formats.number(plain(other.highest_price)),
            },
            field="effective_from", exception=str(other.uid),
        )  # fmt: skip


def _require_not_over(exception: PriceException, at: datetime) -> None:
    if exception.ended_at is not None:
        raise PriceExceptionRefused(
            _("This exception was ended already, on %(end)s.")
            % {"end": formats.moment_with_year(exception.ended_at)}
        )
    ends = bounds(exception.effective)[1]
    if ends <= at:
        raise PriceExceptionRefused(
            _("This exception is over since %(end)s.") % {"end": formats.moment_with_year(ends)}
        )
