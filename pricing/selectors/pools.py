"""Costs that nodes share: a pool's page, an owner's list of them, and a node's parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import Organisation
from common import formats
from ledger.domain import jcs
from nodes.models import Node
from pricing import files
from pricing.domain.declared import Kind, PoolKey, PoolPart
from pricing.domain.exact import plain
from pricing.models import CostPool, PoolDraft, PoolShare, PoolStatement
from pricing.selectors.evidence import EvidenceRow, Reader, evidence_of_pool


@dataclass(frozen=True)
class ShareRow:
    """A listed node's part. What is not listed has no name here, and its parts are one row."""

    node: Node | None
    label: str
    base: Decimal
    share: Decimal
    amount_year: Decimal

    @property
    def plain_base(self) -> str:
        return plain(self.base)


@dataclass(frozen=True)
class StatementRow:
    """A statement of the pool in its history."""

    statement: PoolStatement
    state: str
    tone: str
    changes: tuple[str, ...]  # against the one before


@dataclass(frozen=True)
class PoolPage:
    pool: CostPool
    at: datetime
    statements: tuple[PoolStatement, ...]  # newest first
    evidence: tuple[EvidenceRow, ...]  # of the one shown

    @cached_property
    def shown(self) -> PoolStatement:
        """The one in force, else the newest."""
        return next((row for row in self.statements if self.at in row.effective), self.statements[0])

    @property
    def is_in_force(self) -> bool:
        return self.at in self.shown.effective

    @property
    def whole(self) -> str:
        return plain(self.shown.whole)

    @cached_property
    def shares(self) -> tuple[ShareRow, ...]:
        return tuple(share_rows(list(self.shown.shares.all())))

    @property
    def unassigned(self) -> ShareRow:
        shown = self.shown
        base = shown.whole - sum((one.base for one in shown.shares.all()), Decimal(0))
        return ShareRow(None, _("To none of them"), base, shown.unassigned_share, shown.unassigned_year)

    @cached_property
    def history(self) -> tuple[StatementRow, ...]:
        older = [*self.statements, None]
        return tuple(
            StatementRow(one, *_state(one, self.at), _changes(one, before))
            for one, before in pairwise(older)
            if one is not None
        )


@dataclass(frozen=True)
class OwnPool:
    pool: CostPool
    newest: PoolStatement
    state: str
    tone: str


@dataclass(frozen=True)
class OwnPools:
    pools: tuple[OwnPool, ...]
    drafts: tuple[PoolDraft, ...]


def pool_page(*, pool: CostPool, at: datetime, reader: Reader) -> PoolPage:
    """Seven queries at most, however many statements and shares."""
    statements = tuple(statements_of(pool))
    page = PoolPage(pool=pool, at=at, statements=statements, evidence=())
    return PoolPage(pool=pool, at=at, statements=statements, evidence=evidence_of_pool(page.shown, reader))


def statements_of(pool: CostPool) -> QuerySet[PoolStatement]:
    """Newest first, each with its shares, corrections and entries."""
    rows = pool.statements.select_related("entry", "corrects", "pool__organisation")
    return rows.prefetch_related("shares__node").order_by("-number")


def published_pools() -> QuerySet[CostPool]:
    return CostPool.objects.select_related("organisation")


def own_pools(*, organisation: Organisation, at: datetime) -> OwnPools:
    """Two queries and one for the drafts."""
    newest = PoolStatement.objects.filter(pool__organisation=organisation).select_related("pool")
    newest = newest.order_by("pool_id", "-number").distinct("pool_id")
    pools = (OwnPool(one.pool, one, *_state(one, at)) for one in newest)
    return OwnPools(
        pools=tuple(sorted(pools, key=lambda one: one.newest.name)),
        drafts=tuple(organisation.pool_drafts.select_related("corrects", "saved_by", "organisation")),
    )


def pool_parts(*, node: Node, at: datetime) -> tuple[PoolPart, ...]:
    """What a statement that takes effect at that moment stores of the pools that the node has a share of."""
    shares = PoolShare.objects.filter(node=node, statement__effective__contains=at, share__gt=0)
    return tuple(
        PoolPart(
            pool=str(one.statement.pool.uid),
            statement=str(one.statement.uid),
            name=one.statement.name,
            digest=one.statement.digest,
            kind=Kind(one.statement.kind),
            key=PoolKey(one.statement.key),
            share=one.share.normalize(),
            amount_year=one.amount_year,
        )
        for one in shares.select_related("statement__pool").order_by("statement__name", "pk")
    )


def share_rows(shares: Sequence[PoolShare]) -> list[ShareRow]:
    listed = [one for one in shares if one.node.state in Node.ON_SITE]
    rows = [ShareRow(one.node, one.node.name, one.base, one.share, one.amount_year) for one in listed]
    hidden = [one for one in shares if one.node.state not in Node.ON_SITE]
    if hidden:
        rows.append(
            ShareRow(
                None,
                _("Nodes that are not listed: %(number)s") % {"number": len(hidden)},
                sum((one.base for one in hidden), Decimal(0)),
                sum((one.share for one in hidden), Decimal(0)),
                sum((one.amount_year for one in hidden), Decimal(0)),
            )
        )
    return rows


def pool_json(statements: Sequence[PoolStatement]) -> dict[str, Any]:
    """Every statement in its published form, whose digest stands in the ledger, and what changes besides."""
    newest = statements[0]
    return {
        "pool": str(newest.pool.uid),
        "organisation": newest.pool.organisation.slug,
        "statements": [
            {
                **files.pool_body(one, list(one.shares.all())),
                "effective_until": _until(one),
                "digest": one.digest,
                "entry": one.entry.index,
                "nodes": {
                    str(share.node.uid): share.node.slug
                    for share in one.shares.all()
                    if share.node.state in Node.ON_SITE
                },
            }
            for one in statements
        ],
    }


POOL_COLUMNS = (
    "statement", "number", "effective_from", "effective_until", "name", "component", "amount_year_eur", "key",
    "whole", "node", "base", "share", "amount_year_eur_of_node", "digest", "ledger_index",
)  # fmt: skip


def pool_lines(statements: Sequence[PoolStatement]) -> list[list[Any]]:
    """A line for each share, and one for what no node has."""
    lines = []
    for one in statements:
        before = [
            one.uid, one.number, jcs.moment(one.effective_from), _until(one), one.name, one.kind,
            one.amount_year, one.key, one.whole,
        ]  # fmt: skip
        after = [one.digest, one.entry.index]
        given = list(one.shares.all())
        rest = one.whole - sum((share.base for share in given), Decimal(0))
        for share in given:
            is_listed = share.node.state in Node.ON_SITE
            name = share.node.slug if is_listed else str(share.node.uid)
            lines.append([*before, name, share.base, share.share, share.amount_year, *after])
        lines.append([*before, "", rest, one.unassigned_share, one.unassigned_year, *after])
    return lines


def _until(statement: PoolStatement) -> str | None:
    until = statement.effective_until
    return None if until is None else jcs.moment(until)


def nodes_to_share(organisation: Organisation) -> QuerySet[Node]:
    return organisation.nodes.exclude(state=Node.State.WITHDRAWN).order_by("name", "pk")


def _state(statement: PoolStatement, at: datetime) -> tuple[str, str]:
    if at in statement.effective:
        return _("In force"), "good"
    return (_("To come"), "info") if statement.effective_from > at else (_("Over"), "")


def _changes(one: PoolStatement, before: PoolStatement | None) -> tuple[str, ...]:
    if before is None:
        return ()
    said = []
    if one.amount_year != before.amount_year:
        said.append(
            _("%(before)s a year became %(now)s")
            % {"before": formats.money(before.amount_year), "now": formats.money(one.amount_year)}
        )
    if one.key != before.key:
        said.append(
            _("the key “%(before)s” became “%(now)s”")
            % {"before": before.get_key_display(), "now": one.get_key_display()}
        )
    if one.whole != before.whole or _bases(one) != _bases(before):
        said.append(_("the bases changed"))
    return tuple(said)


def _bases(statement: PoolStatement) -> set[tuple[int, Decimal]]:
    return {(one.node_id, one.base) for one in statement.shares.all()}
