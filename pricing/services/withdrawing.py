"""Ending a statement without one that follows: the node cannot be booked from then on.

One that is announced is called off: what it would have ended goes on.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import User
from common import formats
from common.ranges import between
from ledger import services as ledger
from nodes.models import Node
from pricing.errors import WithdrawalRefused
from pricing.models import CostStatement, StatementWithdrawal, Tariff
from pricing.selectors.going_on import priced_until
from pricing.services import telling
from pricing.services.announced import end_before_it_begins, vacate
from pricing.services.holding import hold_to_cap
from pricing.services.periods import require_soon
from pricing.services.tariff_rows import locked


@transaction.atomic
def withdraw_statement(
    *, statement: CostStatement, ends_at: datetime, reason: str, by: User, at: datetime
) -> StatementWithdrawal:
    """End the statement, and with it the tariff in force; what is announced after it is called off.

    Slots that are booked stay. What people were told in the past stands: it ends now at the earliest. A
    statement that is announced and ends before it begins is called off.
    """
    reason = reason.strip()
    if not reason:
        raise WithdrawalRefused(_("A withdrawal says why."), field="reason")
    # Publishing takes the same lock: a successor and an end would both look at an open row.
    node = locked(statement.node_id)
    statement = CostStatement.objects.select_related("node", "withdrawal").get(pk=statement.pk)
    _require_not_over(statement, ends_at, at)
    if statement.effective_from > at and ends_at <= statement.effective_from:
        return _call_off(node, statement, reason=reason, by=by, at=at)
    _require_possible(statement, ends_at, at)
    tariff = _end_tariffs(node, statement, ends_at, reason=reason, by=by, at=at)
    statement.effective = between(statement.effective_from, ends_at)
    statement.save(update_fields=["effective"])
    entry = ledger.append(
        kind="statement_withdrawn",
        body={
            "statement": statement.uid,
            "node": node.uid,
            "number": statement.number,
            "ends_at": ends_at,
            "tariff": tariff.uid if tariff else None,
            "reason": reason,
        },
        at=at,
    )
    return StatementWithdrawal.objects.create(
        statement=statement, tariff=tariff, ends_at=ends_at, reason=reason, entry=entry, withdrawn_by=by,
        withdrawn_at=at,
    )  # fmt: skip


def _end_tariffs(
    node: Node, statement: CostStatement, ends_at: datetime, *, reason: str, by: User, at: datetime
) -> Tariff | None:
    """No tariff outlasts the statement; where another follows, what was not derived from this one stays."""
    if CostStatement.objects.filter(node=node, effective__startswith__gte=ends_at).exists():
        announced = Q(statement=statement, effective__startswith__gte=ends_at)
        return _end_at(node, ends_at, announced, reason=reason, by=by, at=at)
    return _end_at(node, ends_at, reason=reason, by=by, at=at)


def _end_at(
    node: Node, ends_at: datetime, only: Q | None = None, *, reason: str, by: User, at: datetime
) -> Tariff | None:
    """End the tariff in force then, and call off what is announced for later."""
    beyond = Tariff.objects.filter(
        Q(effective__upper_inf=True) | Q(effective__endswith__gt=ends_at), only or Q(), node=node
    ).select_related("node")
    ended = None
    for tariff in beyond.order_by("-effective"):
        if tariff.effective_from >= ends_at:
            end_before_it_begins(tariff, reason=reason, by=by, at=at, goes_on=False)
            telling.price_called_off(tariff, reason=reason, by=by, at=at)
        else:
            tariff.effective = between(tariff.effective_from, ends_at)
            tariff.save(update_fields=["effective"])
            ended = tariff
    return ended


def _call_off(
    node: Node, statement: CostStatement, *, reason: str, by: User, at: datetime
) -> StatementWithdrawal:
    """An announced statement, and the prices announced with it; what they would have ended goes on."""
    begins = statement.effective_from
    standing = Tariff.objects.filter(statement=statement, called_off_from=None).select_related("node")
    for tariff in standing.order_by("-effective"):
        end_before_it_begins(tariff, reason=reason, by=by, at=at)
        telling.price_called_off(tariff, reason=reason, by=by, at=at)
    before = vacate(statement, goes_on=True)
    if (last := priced_until(node.pk)) is not None:
        _end_at(node, max(last, at), reason=reason, by=by, at=at)
    entry = ledger.append(
        kind="statement_called_off",
        body={
            "statement": statement.uid, "node": node.uid, "number": statement.number,
            "effective_from": begins, "continues": before.uid if before else None, "reason": reason,
        },
        at=at,
    )  # fmt: skip
    made = StatementWithdrawal.objects.create(
        statement=statement, tariff=None, ends_at=begins, reason=reason, entry=entry, withdrawn_by=by,
        withdrawn_at=at,
    )  # fmt: skip
    hold_to_cap(node=node, since=begins, by=by, at=at)
    return made


def _require_not_over(statement: CostStatement, ends_at: datetime, at: datetime) -> None:
    until = statement.effective_until
    if until is not None and (hasattr(statement, "withdrawal") or until <= max(ends_at, at)):
        raise WithdrawalRefused(
            _("Statement %(number)d has an end already: %(until)s.")
            % {"number": statement.number, "until": formats.moment_with_year(until)},
            until=until,
        )


def _require_possible(statement: CostStatement, ends_at: datetime, at: datetime) -> None:
    if ends_at < at:
        raise WithdrawalRefused(_("It can end now at the earliest, not in the past."), field="ends_at")
    require_soon(ends_at, at=at, refused=WithdrawalRefused, field="ends_at")
    if ends_at <= statement.effective_from:
        raise WithdrawalRefused(
            _("Statement %(number)d takes effect on %(start)s; it can end after that.")
            % {"number": statement.number, "start": formats.moment_with_year(statement.effective_from)},
            field="ends_at",
            since=statement.effective_from,
        )
