"""Costs that an owner's nodes share: published once, corrected by a successor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from accounts.services import members
from common import formats
from common.lines import is_one_line
from common.ranges import between
from ledger import services as ledger
from nodes.models import Node
from pricing import files
from pricing.domain.exact import plain, rounded
from pricing.domain.pools import MoreThanAll, Shared, share_out
from pricing.errors import PoolRefused
from pricing.models import CostPool, Evidence, PoolShare, PoolStatement
from pricing.services.evidence import attach_to_pool
from pricing.services.periods import make_room, refusing_overlaps, require_order, require_soon

LARGEST = Decimal(10) ** 9  # EUR a year, and of a key
MOST_NODES = 500
_GRAIN = Decimal("0.0001")  # of a key


@dataclass(frozen=True)
class Wanted:
    """What an owner declares of a pool. `bases` are of the key, by the node's slug."""

    name: str
    kind: str
    amount_year: Decimal
    worked_out: str
    key: str
    bases: Mapping[str, Decimal]
    effective_from: datetime
    effective_until: datetime | None = None
    whole: Decimal | None = None  # None: the nodes' bases are all of it


@transaction.atomic
def publish_pool(
    *, organisation: Organisation, wanted: Wanted, evidence: Sequence[Evidence], by: User, at: datetime,
    corrects: PoolStatement | None = None, reason: str = "",
) -> PoolStatement:  # fmt: skip
    """Split the cost by its key, publish that and enter it in the ledger.

    One that corrects another is the next of the same pool; what was in force until further notice ends
    where it begins.
    """
    members.require_lead(of=organisation, by=by)
    if organisation.verified_at is None:
        raise PoolRefused(
            _("%(name)s is not verified yet: a steward looks at it first.") % {"name": organisation}
        )
    nodes = _nodes(organisation, wanted)
    _require_true(wanted, nodes)
    require_soon(wanted.effective_from, at=at, refused=PoolRefused)
    require_order(wanted.effective_from, wanted.effective_until, PoolRefused)
    pool = _pool(organisation, corrects, reason, at)
    shared = _shared(wanted, nodes)
    rows = PoolStatement.objects.filter(pool=pool)
    make_room(rows, effective_from=wanted.effective_from, effective_until=wanted.effective_until, at=at)
    statement = _statement(pool, wanted, shared)
    statement.number = (rows.aggregate(last=Max("number"))["last"] or 0) + 1
    statement.corrects, statement.reason = corrects, reason.strip()
    statement.published_by, statement.published_at = by, at
    shares = [
        PoolShare(
            statement=statement, node=node, base=wanted.bases[node.slug], share=part.share,
            amount_year=part.amount_year,
        )
        for node, part in zip(nodes, shared.parts, strict=True)
    ]  # fmt: skip
    statement.digest = files.digest(files.pool_body(statement, shares))
    with refusing_overlaps(wanted.effective_from, wanted.effective_until):
        statement.entry = ledger.append(kind="cost_pool", body=_entry(statement, shares), at=at)
        statement.save()
        PoolShare.objects.bulk_create(shares)
    for one in sorted(evidence, key=lambda one: one.pk):  # in the order in which all lock them
        attach_to_pool(statement=statement, evidence=one, by=by, at=at)
    return statement


def _pool(organisation: Organisation, corrects: PoolStatement | None, reason: str, at: datetime) -> CostPool:
    """The pool to publish for, locked: two who correct at once would take the same number."""
    if corrects is None:
        return CostPool.objects.create(organisation=organisation, created_at=at)
    require_own(organisation, corrects)
    pool = CostPool.objects.select_for_update(no_key=True).get(pk=corrects.pool_id)
    newest = pool.statements.order_by("-number").first()
    if newest is not None and newest.pk != corrects.pk:
        raise PoolRefused(
            _("Statement %(newest)s of this pool is newer: correct that one.") % {"newest": newest.number},
            field="corrects",
        )
    if not reason.strip():
        raise _refused({"reason": _("A correction says why.")})
    if len(reason.strip()) > 500 or not is_one_line(reason.strip()):
        raise _refused({"reason": _("Write the reason on one line, with 500 characters at most.")})
    return pool


def require_own(organisation: Organisation, statement: PoolStatement) -> None:
    if statement.pool.organisation_id != organisation.pk:
        raise PoolRefused(_("The statement to correct belongs to another organisation."), field="corrects")


def _nodes(organisation: Organisation, wanted: Wanted) -> list[Node]:
    """In the order of their names, whatever the order they were written in."""
    return list(
        Node.objects.filter(owner=organisation, slug__in=wanted.bases)
        .exclude(state=Node.State.WITHDRAWN)
        .order_by("name", "pk")
    )


def _require_true(wanted: Wanted, nodes: Sequence[Node]) -> None:
    if faults := dict(_faults(wanted, nodes)):
        raise _refused(faults)


def _faults(wanted: Wanted, nodes: Sequence[Node]) -> Iterator[tuple[str, str]]:
    if not wanted.name.strip() or len(wanted.name) > 80 or not is_one_line(wanted.name):
        yield "name", _("Give it a name on one line, with 80 characters at most.")
    if wanted.kind not in PoolStatement.Kind.values:
        yield "kind", _("Say which component of a node’s cost it is.")
    if not wanted.amount_year.is_finite() or not 0 < wanted.amount_year <= LARGEST:
        yield (
            "amount_year",
            _("The cost must be above zero, and at most %(most)s EUR a year.")
            % {"most": formats.number(LARGEST)},
        )
    if not wanted.worked_out.strip() or len(wanted.worked_out) > 2000:
        yield "worked_out", _("Say where the amount comes from, in 2,000 characters at most.")
    if wanted.key not in PoolStatement.Key.values:
        yield "key", _("Say by which key it is split.")
    yield from _faults_of_bases(wanted, nodes)


def _faults_of_bases(wanted: Wanted, nodes: Sequence[Node]) -> Iterator[tuple[str, str]]:
    if not wanted.bases:
        yield "bases", _("No node has a part: give at least one a base above zero.")
    if len(wanted.bases) > MOST_NODES:
        yield "bases", _("A pool is split over %(most)s nodes at most.") % {"most": MOST_NODES}
    if foreign := sorted(set(wanted.bases) - {node.slug for node in nodes}):
        yield "bases", _("Not nodes of this owner: %(nodes)s.") % {"nodes": ", ".join(foreign[:5])}
    numbers = [*wanted.bases.values(), *([] if wanted.whole is None else [wanted.whole])]
    if any(not one.is_finite() or not 0 < one <= LARGEST for one in numbers):
        yield (
            "bases",
            _("Every base, and the whole, is above zero and at most %(most)s.")
            % {"most": formats.number(LARGEST)},
        )
    elif any(one != one.quantize(_GRAIN) for one in numbers):
        yield "bases", _("A base has four decimals at most.")


def _shared(wanted: Wanted, nodes: Sequence[Node]) -> Shared:
    bases = [wanted.bases[node.slug] for node in nodes]
    whole = sum(bases, Decimal(0)) if wanted.whole is None else wanted.whole
    try:
        return share_out(rounded(wanted.amount_year), whole=whole, bases=bases)
    except MoreThanAll as exc:
        sentence = _(
            "The nodes come to %(share)s: %(given)s of %(whole)s. A pool gives out no more than all of it: "
            "raise the whole, or lower a node’s base."
        ) % {
            "share": formats.percent(exc.share),
            "given": formats.number(exc.given.normalize()),
            "whole": formats.number(exc.whole.normalize()),
        }
        raise _refused({"whole": sentence}) from exc


def _refused(faults: Mapping[str, str]) -> PoolRefused:
    """All faults in one refusal: the first as the message, every one under its field."""
    first = next(iter(faults))
    return PoolRefused(faults[first], field=first, faults=dict(faults))


def _statement(pool: CostPool, wanted: Wanted, shared: Shared) -> PoolStatement:
    return PoolStatement(
        pool=pool,
        name=wanted.name.strip(),
        kind=wanted.kind,
        amount_year=rounded(wanted.amount_year),
        worked_out=wanted.worked_out.strip(),
        key=wanted.key,
        whole=sum(wanted.bases.values(), Decimal(0)) if wanted.whole is None else wanted.whole,
        node_count=len(wanted.bases),
        unassigned_share=shared.unassigned.share,
        unassigned_year=shared.unassigned.amount_year,
        effective=between(wanted.effective_from, wanted.effective_until),
    )


def _entry(statement: PoolStatement, shares: Sequence[PoolShare]) -> dict[str, object]:
    return {
        "pool": statement.pool.uid,
        "statement": statement.uid,
        "organisation": statement.pool.organisation.uid,
        "number": statement.number,
        "effective_from": statement.effective_from,
        "effective_until": statement.effective_until,
        "name": statement.name,
        "component": str(statement.kind),
        "amount_year": statement.amount_year,
        "key": str(statement.key),
        "whole": statement.whole,
        "shares": {str(one.node.uid): plain(one.share) for one in shares},
        "unassigned_share": statement.unassigned_share,
        "digest": statement.digest,
        "corrects": statement.corrects.uid if statement.corrects else None,
        "reason": statement.reason or None,
    }
