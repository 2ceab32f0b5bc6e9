"""What stands behind the costs of a node: the evidence of its statement, and the costs that it shares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import models
from django.db.models import Exists, OuterRef

from nodes.models import Node
from pricing.models import CostStatement, PoolShare, StatementEvidence
from pricing.selectors.as_of import answering
from pricing.selectors.evidence import EvidenceRow, Reader, evidence_of_statement


@dataclass(frozen=True)
class SharedCost:
    """The node's part of a pool that is in force."""

    name: str
    url: str
    component: str
    share: Decimal
    amount_year: Decimal


@dataclass(frozen=True)
class Behind:
    evidence: tuple[EvidenceRow, ...]
    pools: tuple[SharedCost, ...]


def saying_what_is_behind(
    statements: models.QuerySet[CostStatement], at: datetime
) -> models.QuerySet[CostStatement]:
    """With what each has, so that nothing more is read where there is nothing."""
    shares = PoolShare.objects.filter(answering(at, prefix="statement__"), node=OuterRef("node"))
    return statements.annotate(
        has_evidence=Exists(StatementEvidence.objects.filter(statement=OuterRef("pk"))),
        shares_costs=Exists(shares),
    )


def behind_the_costs(node: Node, statement: CostStatement | None, at: datetime, reader: Reader) -> Behind:
    """As it stood; a query for each that there is, and those that say what evidence the reader may have."""
    if statement is None:
        return Behind((), ())
    shares = PoolShare.objects.filter(answering(at, prefix="statement__"), node=node)
    return Behind(
        evidence=tuple(row for row in evidence_of_statement(statement, reader) if row.attached_at <= at)
        if getattr(statement, "has_evidence", True)
        else (),
        pools=()
        if not getattr(statement, "shares_costs", True)
        else tuple(
            SharedCost(
                name=one.statement.name,
                url=one.statement.pool.get_absolute_url(),
                component=one.statement.get_kind_display(),
                share=one.share,
                amount_year=one.amount_year,
            )
            for one in shares.select_related("statement__pool").order_by("statement__name", "pk")
        ),
    )
