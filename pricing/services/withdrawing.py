"""Ending a statement before another follows: the node cannot be booked from then on."""

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
from pricing.services.periods import require_soon


@transaction.atomic
def withdraw_statement(
    *, statement: CostStatement, ends_at: datetime, reason: str, by: User, at: datetime
) -> StatementWithdrawal:
    """End the statement that is in force, and the tariff in force with it. Slots that are booked stay.

    No tariff outlasts it: one that is announced for a later time, or has a later end, is in the way.
    What people were told in the past stands: it ends now at the earliest.
    """
    if not reason.strip():
        raise WithdrawalRefused(_("A withdrawal says why."), field="reason")
    # Publishing takes the same lock: a successor and an end would both look at an open row.
    Node.objects.select_for_update(of=("self",), no_key=True).get(pk=statement.node_id)
    statement = CostStatement.objects.select_related("node").get(pk=statement.pk)
    _require_open(statement, ends_at, at)
    tariff = _tariff_beyond(statement.node, ends_at)
    statement.effective = between(statement.effective_from, ends_at)
    statement.save(update_fields=["effective"])
    if tariff is not None:
        tariff.effective = between(tariff.effective_from, ends_at)
        tariff.save(update_fields=["effective"])
    entry = ledger.append(
        kind="statement_withdrawn",
        body={
            "statement": statement.uid,
            "node": statement.node.uid,
            "number": statement.number,
            "ends_at": ends_at,
            "tariff": tariff.uid if tariff else None,
            "reason": reason.strip(),
        },
        at=at,
    )
    return StatementWithdrawal.objects.create(
        statement=statement,
        tariff=tariff,
        ends_at=ends_at,
        reason=reason.strip(),
        entry=entry,
        withdrawn_by=by,
        withdrawn_at=at,
    )


def _tariff_beyond(node: Node, ends_at: datetime) -> Tariff | None:
    """The tariff that would outlast the statement and ends with it: without an end, or under an exception."""
    beyond = Tariff.objects.filter(
        Q(effective__upper_inf=True) | Q(effective__endswith__gt=ends_at), node=node
    ).order_by("-effective")
    last = beyond.first()
    if last is None:
        return None
    until = last.effective_until
    if last.effective_from >= ends_at:
        raise WithdrawalRefused(
            _("Tariff %(number)d takes effect on %(start)s; the statement can end after that.")
            % {"number": last.number, "start": formats.moment_with_year(last.effective_from)},
            field="ends_at",
            tariff=last.number,
            since=last.effective_from,
        )
    if until is not None and last.exception_id is None:
        raise WithdrawalRefused(
            _("Tariff %(number)d is published until %(end)s; the statement can end then at the earliest.")
            % {"number": last.number, "end": formats.moment_with_year(until)},
            field="ends_at",
            tariff=last.number,
            until=until,
        )
    return last


def _require_open(statement: CostStatement, ends_at: datetime, at: datetime) -> None:
    until = statement.effective_until
    if until is not None:
        raise WithdrawalRefused(
            _("Statement %(number)d has an end already: %(until)s.")
            % {"number": statement.number, "until": formats.moment_with_year(until)},
            until=until,
        )
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
