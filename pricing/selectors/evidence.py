"""Evidence as pages and calls show it: all of it is named, and each reader may open some of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from common.evidence.wording import KIND_NAMES
from ledger.models import Entry
from nodes.models import Node
from pricing.models import (
    CostStatement,
    Evidence,
    PoolEvidence,
    PoolStatement,
    StatementEvidence,
)
from pricing.wording.evidence import part_name

Reader = User | AnonymousUser


@dataclass(frozen=True)
class EvidenceRow:
    """A file behind something published."""

    pk: int
    evidence: Evidence
    part: str  # as the statement names it; empty: all of it
    of: str  # the same in words
    kind: str  # PDF
    may_read: bool
    attached_at: datetime
    entry: Entry

    @property
    def is_redacted(self) -> bool:
        return self.evidence.redacted_at is not None


@dataclass(frozen=True)
class Place:
    """Where a file is attached."""

    name: str
    url: str
    part: str
    attached_at: datetime
    entry: Entry


@dataclass(frozen=True)
class OwnRow:
    """A file of an organisation's, with how many places have it."""

    evidence: Evidence
    kind: str
    places: int
    drafts: int


@dataclass(frozen=True)
class Choice:
    """Something published that a file can be put behind."""

    value: str
    label: str


@dataclass(frozen=True)
class Entered:
    entry: Entry | None


@dataclass(frozen=True)
class EvidencePage:
    evidence: Evidence
    kind: str
    may_read: bool
    places: tuple[Place, ...]
    is_lead: bool
    may_redact: bool
    wider: tuple[Choice, ...]  # who else could be shown it
    attachable: tuple[Choice, ...]

    @property
    def is_redacted(self) -> bool:
        return self.evidence.redacted_at is not None

    @property
    def redaction(self) -> Entered:
        return Entered(self.evidence.redaction_entry)

    @property
    def may_discard(self) -> bool:
        return self.is_lead and not self.places and not self.is_redacted


def evidence_of_statement(statement: CostStatement, reader: Reader) -> tuple[EvidenceRow, ...]:
    rows = statement.evidence.select_related("evidence", "entry")
    return tuple(_rows(rows, reader, statement))


def evidence_of_pool(statement: PoolStatement, reader: Reader) -> tuple[EvidenceRow, ...]:
    return tuple(_rows(statement.evidence.select_related("evidence", "entry"), reader, None))


def evidence_choices(organisation: Organisation) -> QuerySet[Evidence]:
    """What can be attached to something of this owner's."""
    return organisation.evidence_files.filter(redacted_at=None)


def own_evidence(organisation: Organisation) -> tuple[OwnRow, ...]:
    """Newest first. Four queries, however many there are."""
    every = list(organisation.evidence_files.all())
    places = _counts(StatementEvidence.objects.filter(evidence__in=every))
    of_pools = _counts(PoolEvidence.objects.filter(evidence__in=every))
    drafts = _counts(Evidence.pool_drafts.through.objects.filter(evidence__in=every))
    return tuple(
        OwnRow(
            evidence=one,
            kind=kind_name(one),
            places=places.get(one.pk, 0) + of_pools.get(one.pk, 0),
            drafts=drafts.get(one.pk, 0),
        )
        for one in every
    )


def evidence_page(evidence: Evidence, reader: Reader) -> EvidencePage:
    is_lead = is_led_by(evidence.organisation, reader)
    is_redacted = evidence.redacted_at is not None
    is_steward = reader.is_authenticated and reader.is_steward
    places = places_of(evidence, reader)
    return EvidencePage(
        evidence=evidence,
        kind=kind_name(evidence),
        may_read=not is_redacted and Evidence.objects.of(reader).filter(pk=evidence.pk).exists(),
        places=places,
        is_lead=is_lead,
        may_redact=(is_lead or is_steward) and not is_redacted,
        wider=_wider(evidence) if is_lead and not is_redacted else (),
        attachable=tuple(attachable(evidence.organisation)) if is_lead and not is_redacted else (),
    )


def is_led_by(organisation: Organisation, reader: Reader) -> bool:
    return Organisation.objects.led_by(reader).filter(pk=organisation.pk).exists()


def places_of(evidence: Evidence, reader: Reader) -> tuple[Place, ...]:
    of_nodes = list(evidence.of_statements.select_related("statement__node", "entry"))
    of_pools = evidence.of_pools.select_related("statement__pool", "entry")
    told = statements_told_to(reader).filter(pk__in=[one.statement_id for one in of_nodes])
    known = set(told.values_list("pk", flat=True))
    return (
        *(_place_of(one) if one.statement_id in known else _place_unsaid(one) for one in of_nodes),
        *(
            Place(
                name=one.statement.name,
                url=one.statement.pool.get_absolute_url(),
                part=_("Cost pool"),
                attached_at=one.attached_at,
                entry=one.entry,
            )
            for one in of_pools
        ),
    )


def _place_of(attached: StatementEvidence) -> Place:
    node = attached.statement.node
    return Place(
        name=node.name,
        url=node.get_absolute_url() if _is_listed(node) else "",  # else it has no page for others
        part=part_name(attached.part, attached.statement.declared),
        attached_at=attached.attached_at,
        entry=attached.entry,
    )


def _place_unsaid(attached: StatementEvidence) -> Place:
    return Place(
        name=_("A node that is not listed"),
        url="",
        part=_("Part of its statement") if attached.part else part_name("", {}),
        attached_at=attached.attached_at,
        entry=attached.entry,
    )


def statements_told_to(reader: Reader) -> QuerySet[CostStatement]:
    """Those of nodes that are listed or were; of one that never was its owner's members and stewards know."""
    public = ~Q(node__state=Node.State.DRAFT)
    if not reader.is_authenticated or reader.only_project_id is not None:
        return CostStatement.objects.filter(public)
    if reader.is_steward:
        return CostStatement.objects.all()
    return CostStatement.objects.filter(public | Q(node__in=Node.objects.of(reader)))


def attachable(owner: Organisation) -> Iterable[Choice]:
    """The newest statement of each node and each pool, and their parts."""
    statements = CostStatement.objects.filter(node__owner=owner).select_related("node")
    newest = statements.order_by("node__name", "node_id", "-number").distinct("node__name", "node_id")
    for statement in newest.prefetch_related("components"):
        for part in ("", *(one.kind for one in statement.components.all())):
            label = f"{statement.node.name}, {part_name(part, statement.declared)}"
            yield Choice(f"statement:{statement.uid}:{part}", label)
    pools = PoolStatement.objects.filter(pool__organisation=owner)
    for pool in pools.order_by("pool_id", "-number").distinct("pool_id"):
        yield Choice(f"pool:{pool.uid}:", pool.name)


def published_statement(owner: Organisation, uid: str) -> CostStatement | None:
    return CostStatement.objects.filter(node__owner=owner, uid=uid).first() if _is_uid(uid) else None


def published_pool_statement(owner: Organisation, uid: str) -> PoolStatement | None:
    return PoolStatement.objects.filter(pool__organisation=owner, uid=uid).first() if _is_uid(uid) else None


def _is_uid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def kind_name(evidence: Evidence) -> str:
    return str(KIND_NAMES[evidence.kind])


def _rows(
    rows: Iterable[StatementEvidence | PoolEvidence], reader: Reader, statement: CostStatement | None
) -> Iterable[EvidenceRow]:
    listed = list(rows)
    open_to_reader = readable([one.evidence for one in listed], reader)
    for one in listed:
        part = one.part if isinstance(one, StatementEvidence) else ""
        yield EvidenceRow(
            pk=one.pk,
            evidence=one.evidence,
            part=part,
            of=part_name(part, statement.declared) if statement else "",
            kind=kind_name(one.evidence),
            may_read=one.evidence.pk in open_to_reader,
            attached_at=one.attached_at,
            entry=one.entry,
        )


def readable(every: Sequence[Evidence], reader: Reader) -> set[int]:
    """The keys of those whose file the reader may have: one query and the reader's own."""
    if not every:
        return set()
    asked = Q(pk__in=[one.pk for one in every], redacted_at=None)
    return set(Evidence.objects.of(reader).filter(asked).values_list("pk", flat=True))


def _counts(rows: QuerySet[Any]) -> dict[int, int]:
    counted: dict[int, int] = {}
    for pk in rows.values_list("evidence_id", flat=True):
        counted[pk] = counted.get(pk, 0) + 1
    return counted


def _wider(evidence: Evidence) -> tuple[Choice, ...]:
    order = list(Evidence.Visibility)
    after = order[order.index(Evidence.Visibility(evidence.visibility)) + 1 :]
    return tuple(Choice(str(one), str(one.label)) for one in after)


def _is_listed(node: Node) -> bool:
    return node.state in Node.ON_SITE


def evidence_told_to(reader: Reader) -> QuerySet[Evidence]:
    return Evidence.objects.told_to(reader).select_related("organisation", "redaction_entry")
