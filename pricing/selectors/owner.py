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
from nodes.selectors import is_recent, last_seen
from pricing import wording
from pricing.domain.cost import price_of
from pricing.models import CostStatement, StatementDraft, Tariff
from pricing.selectors.caps import Bound, bound, carried_on, cost_of_statement
from pricing.selectors.going_on import going_on
from pricing.selectors.statement_state import review_since, state_of

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
        return not self.row.is_called_off and self.row.effective_from > self.at

    @property
    def is_over(self) -> bool:
        return not (self.is_in_force or self.is_announced)

    @property
    def is_open(self) -> bool:
        """Until further notice."""
        return self.row.effective_until is None

    @property
    def review_since(self) -> datetime | None:
        """A statement in force whose twelve months are over."""
        if not self.is_in_force or not isinstance(self.row, CostStatement):
            return None
        since = review_since(self.row)
        return since if since <= self.at else None

    @property
    def state(self) -> str:
        if self.is_in_force:
            return _("In force")
        if self.row.is_called_off:
            return _("Called off")
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
    review_since: datetime | None  # of the statement in force; the year that it counts is over
    has_agent: bool
    agent_seen: datetime | None  # when its agent called last
    at: datetime

    @cached_property
    def needs(self) -> list[Need]:
        """What is missing for people to book it, then for their jobs to run."""
        if self.node.state == Node.State.WITHDRAWN:
            return []
        if self.node.state == Node.State.DRAFT:
            text = _("A draft: its devices are not known yet, and nobody else sees it.")
            return [Need(text, f"/nodes/{self.node.slug}/operate/", _("Go on listing it"))]
        return [*self._needs_of_price(), *self._needs_of_agent()]

    def _needs_of_agent(self) -> list[Need]:
        """A node that nothing answers for can be booked, and runs nothing."""
        if is_recent(self.agent_seen, self.at):
            return []
        url = f"/nodes/{self.node.slug}/agent/"
        if not self.has_agent:
            return [Need(_("No agent is connected: no job can run here."), url, _("Connect its agent"))]
        if self.agent_seen is None:
            text = _("Its agent has not called yet: no job can run here.")
        else:
            text = _("Its agent has been silent since %(when)s: no job starts here.") % {
                "when": formats.moment_with_year(self.agent_seen)
            }
        return [Need(text, url, _("Its agent"))]

    def _needs_of_price(self) -> list[Need]:
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
        if self.review_since is not None:
            text = _("The year that the statement counts is over since %(when)s: publish a new one.") % {
                "when": formats.moment_with_year(self.review_since)
            }
            return [Need(text, f"/nodes/{slug}/statements/", _("Cost statements"))]
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
    """Five queries, however many nodes there are."""
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
    found = CostStatement.objects.filter(published, node__in=nodes).select_related("withdrawal")
    statements = _by_node(found.order_by("effective"))
    tariffs = _by_node(Tariff.objects.filter(published, node__in=nodes).order_by("effective"))
    seen = last_seen(nodes)
    groups = []
    for one in memberships:
        is_lead = one.role == OrganisationMembership.Role.LEAD
        mine = [node for node in nodes if node.owner_id == one.organisation_id]
        rows = [_row(node, is_lead, statements, tariffs, seen, at) for node in mine]
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
    seen: Mapping[int, datetime | None],
    at: datetime,
) -> NodeRow:
    mine, prices = statements.get(node.pk, []), tariffs.get(node.pk, [])
    return NodeRow(
        node=node,
        is_lead=is_lead,
        review_since=state_of(node, mine, at=at).review_since,
        statement=next((row for row in mine if at in row.effective), None),
        announced=next((row for row in mine if row.effective_from > at), None),
        tariff=next((row for row in prices if at in row.effective), None),
        announced_tariff=next((row for row in prices if row.effective_from > at), None),
        draft=getattr(node, "statement_draft", None),
        has_agent=node.pk in seen,
        agent_seen=seen.get(node.pk),
        at=at,
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
    statements = CostStatement.objects.filter(node=node).select_related(*related, "withdrawal", "node__site")
    tariffs = Tariff.objects.filter(node=node).select_related(*related, "statement", "call_off")
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
    announced: list[Tariff]  # called off with it
    before: CostStatement | None  # goes on in the place of one that is announced
    is_followed: bool  # by another that is announced: what does not follow from this one stays
    slots: int  # booked from then on
    at: datetime

    @property
    def is_announced(self) -> bool:
        return not self.statement.is_called_off and self.statement.effective_from > self.at

    @property
    def node(self) -> Node:
        return self.statement.node


def withdrawal_page(*, statement: CostStatement, at: datetime) -> WithdrawalPage:
    holds = Hold.objects.filter(
        device__node=statement.node, kind=Hold.Kind.RESERVATION, during__overlap=between(at, None)
    )
    is_announced = statement.effective_from > at and not statement.is_called_off
    found = going_on(statement) if is_announced else None
    return WithdrawalPage(
        statement=statement,
        tariff=Tariff.objects.filter(node=statement.node, effective__contains=at).first(),
        announced=list(
            Tariff.objects.filter(statement=statement, effective__startswith__gt=at).order_by("effective")
        ),
        before=found.row if found else None,
        is_followed=CostStatement.objects.filter(node=statement.node, effective__startswith__gt=at)
        .exclude(pk=statement.pk)
        .exists(),
        slots=holds.values("reference").distinct().count(),
        at=at,
    )


@dataclass(frozen=True)
class CallOffPage:
    """What calling off a price means."""

    tariff: Tariff
    before: Tariff | None  # goes on in its place
    at: datetime

    @property
    def is_announced(self) -> bool:
        return not self.tariff.is_called_off and self.tariff.effective_from > self.at


def call_off_page(*, tariff: Tariff, at: datetime) -> CallOffPage:
    found = going_on(tariff) if tariff.effective_from > at and not tariff.is_called_off else None
    return CallOffPage(tariff, found.row if found else None, at)


@dataclass(frozen=True)
class Basis:
    """A statement that a price can follow from, and what it allows on a day."""

    statement: CostStatement
    begins: datetime  # when a price that follows from it can take effect at the earliest
    derived: Decimal  # the price that follows from the statement alone
    bound: Bound  # that price held against the cap

    @property
    def proposed(self) -> Decimal:
        """What follows, or the cap where that is lower."""
        return min(self.derived, self.bound.limit)

    @property
    def how(self) -> str:
        return wording.how(self.bound.check)


@dataclass(frozen=True)
class TariffPage:
    """Setting a price: what it follows from on the day asked for, and later; what is asked now."""

    node: Node
    basis: Basis | None  # of the day asked for, or of the first statement after it
    later: list[Basis]  # of statements that are announced for after that
    tariff: Tariff | None  # in force
    announced: list[Tariff]
    at: datetime

    @property
    def begins(self) -> datetime:
        return self.basis.begins if self.basis else self.at

    @property
    def proposed(self) -> Decimal | None:
        return self.basis.proposed if self.basis else None


def tariff_page(*, node: Node, at: datetime, since: datetime | None = None) -> TariffPage:
    """`since`: from when the price shall hold. Ages and caps are those of that day."""
    since = max(at, since or at)
    statements = CostStatement.objects.filter(
        Q(effective__contains=since) | Q(effective__startswith__gt=since), node=node
    ).select_related("node__site", "node__owner")
    bases = [_basis(row, max(since, row.effective_from)) for row in statements.order_by("effective")[:3]]
    prices = Tariff.objects.filter(
        Q(effective__contains=at) | Q(effective__startswith__gt=at), node=node
    ).order_by("effective")
    rows = list(prices)
    return TariffPage(
        node=node,
        basis=bases[0] if bases else None,
        later=bases[1:],
        tariff=next((row for row in rows if at in row.effective), None),
        announced=[row for row in rows if row.effective_from > at],
        at=at,
    )


def _basis(statement: CostStatement, begins: datetime) -> Basis:
    cost, carried = cost_of_statement(statement), carried_on(statement.node, begins)
    derived = price_of(cost=cost, over_recovered=carried).price
    held = bound(derived, statement=statement, cost=cost, over_recovered=carried, at=begins)
    return Basis(statement, begins, derived, held)
