"""An owner's own pages: which nodes there are, what each has published, and what it still needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import TypeVar

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import Organisation, OrganisationMembership, User
from common import formats
from common.ranges import between
from nodes.models import Hold, Node
from pricing import wording
from pricing.domain.cost import price_of
from pricing.models import CostStatement, StatementDraft, Tariff
from pricing.selectors.caps import Bound, bound, cost_of_statement

Row = TypeVar("Row", CostStatement, Tariff)


@dataclass(frozen=True)
class Period:
    """A published row and whether it is in force: statements and tariffs alike."""

    row: CostStatement | Tariff
    at: datetime

    @property
    def is_in_force(self) -> bool:
        return self.at in self.row.effective

    @property
    def is_announced(self) -> bool:
        return self.row.effective_from > self.at

    @property
    def is_open(self) -> bool:
        """Until further notice: only such a row can be corrected into another or ended."""
        return self.row.effective_until is None

    @property
    def state(self) -> str:
        if self.is_in_force:
            return _("In force")
        return _("Announced") if self.is_announced else _("Over")

    @property
    def tone(self) -> str:
        return "good" if self.is_in_force else "info" if self.is_announced else ""


@dataclass(frozen=True)
class Need:
    """What is missing, and where it is done."""

    text: str
    url: str
    action: str


@dataclass(frozen=True)
class NodeRow:
    """A node of the owner's with what is in force."""

    node: Node
    is_lead: bool
    statement: CostStatement | None
    announced: CostStatement | None
    tariff: Tariff | None  # in force
    announced_tariff: Tariff | None
    draft: StatementDraft | None

    @cached_property
    def needs(self) -> list[Need]:
        """In the order in which they are done."""
        slug = self.node.slug
        if self.statement is None and self.announced is None and self.draft is None:
            text = _("No cost statement is in force: nobody can book this node.")
            return [Need(text, f"/nodes/{slug}/statements/", _("Begin a statement"))]
        if self.draft is not None:
            text = _("A draft is open, saved last on %(when)s by %(name)s.") % {
                "when": formats.moment_with_year(self.draft.saved_at), "name": self.draft.saved_by.name,
            }  # fmt: skip
            return [Need(text, f"/nodes/{slug}/statements/draft/", _("Go on with it"))]
        priced = {one.statement_id for one in (self.tariff, self.announced_tariff) if one is not None}
        if not priced:
            text = _("The statement has no price yet: nobody can book this node.")
            return [Need(text, f"/nodes/{slug}/tariffs/new/", _("Set the price"))]
        if self.tariff is None and self.announced_tariff is not None:
            begins = formats.moment_with_year(self.announced_tariff.effective_from)
            text = _(
                "The price is announced and not in force yet: nobody can book this node before %(when)s."
            ) % {"when": begins}
            return [Need(text, f"/nodes/{slug}/statements/", _("Cost statements"))]
        if (self.statement or self.announced).pk not in priced:  # type: ignore[union-attr]
            text = _("The price still follows from an older statement.")
            return [Need(text, f"/nodes/{slug}/tariffs/new/", _("Set the price"))]
        return []


@dataclass(frozen=True)
class OwnerGroup:
    """An organisation of the reader's with its nodes."""

    organisation: Organisation
    is_lead: bool
    rows: list[NodeRow]


@dataclass(frozen=True)
class OwnerPage:
    groups: list[OwnerGroup]

    @property
    def has_nodes(self) -> bool:
        return any(group.rows for group in self.groups)


def owner_page(*, user: User, at: datetime) -> OwnerPage:
    """Four queries, however many nodes there are."""
    memberships = list(
        OrganisationMembership.objects.filter(user=user, organisation__kind=Organisation.Kind.OWNER)
        .select_related("organisation")
        .order_by("organisation__name")
    )
    nodes = list(
        Node.objects.filter(owner__in=[one.organisation_id for one in memberships])
        .select_related("site", "statement_draft__saved_by")
        .order_by("name")
    )
    published = Q(effective__contains=at) | Q(effective__startswith__gt=at)
    statements = _by_node(CostStatement.objects.filter(published, node__in=nodes).order_by("effective"))
    tariffs = _by_node(Tariff.objects.filter(published, node__in=nodes).order_by("effective"))
    groups = []
    for one in memberships:
        is_lead = one.role == OrganisationMembership.Role.LEAD
        mine = [node for node in nodes if node.owner_id == one.organisation_id]
        rows = [_row(node, is_lead, statements, tariffs, at) for node in mine]
        groups.append(OwnerGroup(one.organisation, is_lead, rows))
    return OwnerPage(groups)


def _by_node(rows: Iterable[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row.node_id, []).append(row)
    return found


def _row(
    node: Node,
    is_lead: bool,
    statements: Mapping[int, list[CostStatement]],
    tariffs: Mapping[int, list[Tariff]],
    at: datetime,
) -> NodeRow:
    mine, prices = statements.get(node.pk, []), tariffs.get(node.pk, [])
    return NodeRow(
        node=node,
        is_lead=is_lead,
        statement=next((row for row in mine if at in row.effective), None),
        announced=next((row for row in mine if row.effective_from > at), None),
        tariff=next((row for row in prices if at in row.effective), None),
        announced_tariff=next((row for row in prices if row.effective_from > at), None),
        draft=getattr(node, "statement_draft", None),
    )


@dataclass(frozen=True)
class StatementsPage:
    """All statements and tariffs of a node, newest first, for its owner."""

    node: Node
    is_lead: bool
    statements: list[Period]
    tariffs: list[Period]
    draft: StatementDraft | None

    @property
    def newest(self) -> CostStatement | None:
        row = self.statements[0].row if self.statements else None
        return row if isinstance(row, CostStatement) else None


def statements_page(*, node: Node, is_lead: bool, at: datetime) -> StatementsPage:
    related = ("entry", "corrects", "published_by")
    statements = CostStatement.objects.filter(node=node).select_related(*related, "withdrawal")
    tariffs = Tariff.objects.filter(node=node).select_related(*related, "statement")
    return StatementsPage(
        node=node,
        is_lead=is_lead,
        statements=[Period(row, at) for row in statements.order_by("-number")],
        tariffs=[Period(row, at) for row in tariffs.order_by("-number")],
        draft=StatementDraft.objects.filter(node=node).select_related("saved_by", "node").first(),
    )


@dataclass(frozen=True)
class WithdrawalPage:
    """What ending a statement means, told before it is done."""

    statement: CostStatement
    tariff: Tariff | None
    slots: int  # booked from then on

    @property
    def node(self) -> Node:
        return self.statement.node


def withdrawal_page(*, statement: CostStatement, at: datetime) -> WithdrawalPage:
    holds = Hold.objects.filter(
        device__node=statement.node, kind=Hold.Kind.RESERVATION, during__overlap=between(at, None)
    )
    return WithdrawalPage(
        statement=statement,
        tariff=Tariff.objects.filter(node=statement.node, effective__contains=at).first(),
        slots=holds.values("reference").distinct().count(),
    )


@dataclass(frozen=True)
class TariffPage:
    """Setting a price: the statements it can follow from, the one in force and what is asked now."""

    node: Node
    statement: CostStatement | None  # in force, or announced where none is
    tariff: Tariff | None
    at: datetime
    derived: Decimal | None  # the price that follows from the statement alone
    bound: Bound | None  # that price held against the cap

    @property
    def proposed(self) -> Decimal | None:
        """What follows, or the cap where that is lower."""
        return min(self.derived, self.bound.limit) if self.derived is not None and self.bound else None

    @property
    def how(self) -> str:
        return wording.how(self.bound.check) if self.bound else ""

    @property
    def begins(self) -> datetime:
        """When a price can take effect at the earliest."""
        return max(self.at, self.statement.effective_from) if self.statement else self.at


def tariff_page(*, node: Node, at: datetime) -> TariffPage:
    published = Q(effective__contains=at) | Q(effective__startswith__gt=at)
    statements = CostStatement.objects.filter(published, node=node).select_related(
        "node__site", "node__owner"
    )
    statement = statements.order_by("effective").first()
    tariff = Tariff.objects.filter(node=node, effective__contains=at).first()
    if statement is None:
        return TariffPage(node, None, tariff, at, None, None)
    cost = cost_of_statement(statement)
    derived = price_of(cost=cost).price
    held = bound(derived, statement=statement, cost=cost, at=max(at, statement.effective_from))
    return TariffPage(node, statement, tariff, at, derived, held)
