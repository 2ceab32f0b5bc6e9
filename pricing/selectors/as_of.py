"""Published rows as they stood at a moment: what everybody reads who answers `?as_of=`.

The rule is pricing.domain.as_of. Asked as of now it gives what is in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db.models import Q
from django.utils.dateparse import parse_datetime

from common.ranges import between
from nodes.models import Node
from pricing.domain import as_of
from pricing.domain.as_of import Cut
from pricing.models import (
    CostStatement,
    PoolShare,
    PoolStatement,
    PriceException,
    PricingPolicy,
    SiteFee,
    StatementWithdrawal,
    Tariff,
)

Record = TypeVar("Record", CostStatement, Tariff, SiteFee, PricingPolicy, PoolStatement)


def answering(at: datetime, *, prefix: str = "") -> Q:
    """Of statements, tariffs, fees, pricing policies and pools: in force then, and published by then.

    `prefix` is the way to them from another table, such as `statement__` from a pool's shares.
    """
    return Q(**{f"{prefix}effective__contains": at, f"{prefix}published_at__lte": at})


def exceptions_answering(at: datetime) -> Q:
    return Q(in_force__contains=at, granted_at__lte=at)


@dataclass(frozen=True)
class Stood:
    """What answered for a node at a moment."""

    at: datetime
    statement: CostStatement | None
    tariff: Tariff | None
    fee: SiteFee | None
    policy: PricingPolicy | None
    exception: PriceException | None
    shares: tuple[PoolShare, ...]  # of cost pools


def stood(node: Node, *, at: datetime) -> Stood:
    """Six queries."""
    then = answering(at)
    exceptions = PriceException.objects.filter(exceptions_answering(at), node=node)
    shares = PoolShare.objects.filter(answering(at, prefix="statement__"), node=node)
    return Stood(
        at=at,
        statement=CostStatement.objects.filter(then, node=node).select_related("entry").first(),
        tariff=Tariff.objects.filter(then, node=node).select_related("entry").first(),
        fee=SiteFee.objects.filter(then).select_related("entry").first(),
        policy=PricingPolicy.objects.filter(then).select_related("entry").first(),
        exception=exceptions.select_related("entry").first(),
        shares=tuple(shares.select_related("statement__pool").order_by("statement__name", "pk")),
    )


def known(
    rows: Sequence[Record],
    *,
    at: datetime,
    cuts: Mapping[int, Sequence[Cut]] | None = None,
    called_off: Mapping[int, datetime] | None = None,
) -> list[Record]:
    """Those published by then, in their order, each with the end that was known then.

    `rows` are all of one node, or of the site, with their entries; `cuts` are the ends that somebody set,
    `called_off` is when what was announced was taken back. The rows are changed in memory, for showing;
    nobody saves them.
    """
    seen = {row.pk: row for row in rows}
    dated = (_dated(row, (cuts or {}).get(row.pk, ()), called_off or {}) for row in rows)
    then = as_of.known(dated, at=at)
    for one in then:
        row = seen[one.key]
        if one.is_called_off(at):
            continue  # its time is empty, and it says what it was to be
        if one.called_off_at is not None:
            setattr(row, "called_off_from", None)  # noqa: B010 -- only rows that are announced have it
        row.effective = between(one.begins, one.ends)
    return [seen[one.key] for one in then]


def called_off_statements(withdrawals: Iterable[StatementWithdrawal]) -> dict[int, datetime]:
    return {one.statement_id: one.withdrawn_at for one in withdrawals if one.statement.is_called_off}


def called_off_tariffs(tariffs: Iterable[Tariff]) -> dict[int, datetime]:
    """With their `call_off`; a price that stood on a statement that was called off went with it."""
    return {row.pk: row.call_off.called_off_at for row in tariffs if hasattr(row, "call_off")}


def cuts_of_statements(withdrawals: Iterable[StatementWithdrawal]) -> dict[int, list[Cut]]:
    return {one.statement_id: [Cut(one.withdrawn_at, one.ends_at)] for one in withdrawals}


def cuts_of_tariffs(
    withdrawals: Iterable[StatementWithdrawal], tariffs: Iterable[Tariff]
) -> dict[int, list[Cut]]:
    """By a withdrawal of the statement, and by a steward who ended the exception behind the price.

    A withdrawal that ended a price lets no price of before go on: not the one it names, nor one that goes on
    where that is called off.
    """
    cuts: dict[int, list[Cut]] = {}
    ends = [one for one in withdrawals if one.tariff_id is not None]
    for tariff in tariffs:
        for one in ends:
            if tariff.effective_from < one.ends_at:
                cuts.setdefault(tariff.pk, []).append(Cut(one.withdrawn_at, one.ends_at))
        ended_at = tariff.exception.ended_at if tariff.exception else None
        if ended_at is not None:
            cuts.setdefault(tariff.pk, []).append(Cut(ended_at, ended_at))
    return cuts


def _dated(row: Record, cuts: Sequence[Cut], called_off: Mapping[int, datetime]) -> as_of.Row:
    gone_from: datetime | None = getattr(row, "called_off_from", None)
    return as_of.Row(
        key=row.pk,
        published_at=row.published_at,
        begins=row.effective_from,
        ends=row.effective_until,
        first_ends=_first_end(row),
        cuts=tuple(cuts),
        # Where nothing tells when, it counts as announced until it would have begun.
        called_off_at=called_off.get(row.pk, gone_from) if gone_from else None,
    )


def _first_end(row: Record) -> datetime | None:
    """The end that the row was published with: the ledger keeps what was said then."""
    if row.effective_until is None:
        return None  # nothing is ever made to last longer
    until = row.entry.fact["body"].get("effective_until")
    return parse_datetime(until) if until else None
