"""The pricing policy and its exceptions as everybody and stewards read them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import OrganisationMembership, User
from common import formats
from common.api.shapes import moment
from common.ranges import bounds
from nodes.models import Node
from pricing import files, wording
from pricing.domain.exact import plain
from pricing.models import CostStatement, PriceException, PricingPolicy, Tariff
from pricing.models.policies import PriceExceptionQuerySet
from pricing.selectors.caps import Bound, bound
from pricing.selectors.open_data import text

IN_FORCE, TO_COME, OVER = "in_force", "to_come", "over"
_SHOWN_OVER = 50
_FOUND = 20


# --- the policy --------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Article:
    """One number as a person reads it, and the member of the JSON that it comes from."""

    name: str
    text: str
    member: str


@dataclass(frozen=True)
class VersionRow:
    policy: PricingPolicy
    state: str

    @property
    def entry(self) -> int | None:
        index: int | None = self.policy.entry.index
        return index


@dataclass(frozen=True)
class PolicyPage:
    at: datetime
    current: VersionRow | None
    articles: tuple[Article, ...]
    versions: tuple[VersionRow, ...]  # newest first

    @property
    def announced(self) -> tuple[VersionRow, ...]:
        return tuple(row for row in self.versions if row.state == TO_COME)


def policy_page(*, at: datetime) -> PolicyPage:
    """One query."""
    versions = tuple(version_row(row, at) for row in PricingPolicy.objects.select_related("entry"))
    current = next((row for row in versions if row.state == IN_FORCE), None)
    return PolicyPage(at, current, _articles(current.policy) if current else (), versions)


def version_row(policy: PricingPolicy, at: datetime) -> VersionRow:
    return VersionRow(policy, _state(policy.effective_from, policy.effective_until, at))


def _articles(policy: PricingPolicy) -> tuple[Article, ...]:
    rules = policy.rules
    return (
        Article(
            _("Private nodes"),
            _("A price may lie at most %(cap)s %% above the chargeable cost of an hour.")
            % {"cap": wording.percent_of(rules.private_cap)},
            "private_cap",
        ),
        Article(
            _("Nodes of public bodies"),
            _("A price may lie at most %(cap)s %% above it: public money is not lent out for a profit.")
            % {"cap": wording.percent_of(rules.public_cap)}
            if rules.public_cap
            else _("A price recovers the chargeable cost of an hour and nothing more."),
            "public_cap",
        ),
        Article(
            _("Hours that are not used"),
            _(
                "Where a node is used less than %(floor)s %% of its available hours, the cap counts the cost"
                " of an hour as if it were used that much: idling earns nothing."
            )
            % {"floor": wording.percent_of(rules.utilisation_floor)},
            "utilisation_floor",
        ),
        Article(
            _("What was recovered too much or too little"),
            _("It is passed on, one to one, in the price of the next %(months)s months.")
            % {"months": formats.number(rules.window_months)},
            "window_months",
        ),
    )


def policy_json(row: VersionRow) -> dict[str, Any]:
    policy = row.policy
    return {
        **files.pricing_policy_body(policy),
        "effective_until": moment(policy.effective_until),
        "state": row.state,
        "sha256": policy.digest,
        "ledger_entry": row.entry,
    }


def policies_json(page: PolicyPage) -> dict[str, Any]:
    return {
        "at": moment(page.at),
        "in_force": page.current.policy.version if page.current else None,
        "count": len(page.versions),
        "policies": [policy_json(row) for row in page.versions],
    }


def policies_csv(page: PolicyPage) -> list[list[str]]:
    return _table(_POLICY_COLUMNS, [policy_json(row) for row in page.versions])


_POLICY_COLUMNS = (
    "policy", "effective_from", "effective_until", "state", "private_cap", "public_cap", "utilisation_floor",
    "window_months", "reason", "published_at", "sha256", "ledger_entry",
)  # fmt: skip


# --- exceptions --------------------------------------------------------------------------------------
@dataclass(frozen=True)
class ExceptionRow:
    exception: PriceException
    begins: datetime
    ends: datetime  # as granted, or when it was ended
    state: str
    entry: int | None  # its index in the ledger, once it has one
    end_entry: int | None

    @property
    def is_node_public(self) -> bool:
        """One that never was listed is nobody else's business, nor is its name."""
        return self.exception.node.state != Node.State.DRAFT

    @property
    def node(self) -> Node:
        return self.exception.node

    @property
    def is_over(self) -> bool:
        return self.state == OVER


@dataclass(frozen=True)
class ExceptionsPage:
    current: tuple[ExceptionRow, ...]  # in force or to come, the newest first
    over: tuple[ExceptionRow, ...]
    has_more: bool  # of those that are over


def every() -> PriceExceptionQuerySet:
    return PriceException.objects.select_related(
        "node__owner", "entry", "end_entry", "granted_by", "ended_by"
    )


def of_state(state: str, at: datetime) -> PriceExceptionQuerySet:
    found = every()
    return {
        IN_FORCE: found.in_force(at),
        TO_COME: found.filter(in_force__startswith__gt=at),
        # An empty range has no ends: it was ended before it began.
        OVER: found.filter(Q(in_force__isempty=True) | Q(in_force__endswith__lte=at)),
    }[state]


def exceptions_page(*, at: datetime) -> ExceptionsPage:
    """Two queries."""
    over = rows(of_state(OVER, at)[: _SHOWN_OVER + 1], at)
    return ExceptionsPage(rows(every().not_over(at), at), over[:_SHOWN_OVER], len(over) > _SHOWN_OVER)


def rows(found: Iterable[PriceException], at: datetime) -> tuple[ExceptionRow, ...]:
    return tuple(row_of(one, at) for one in found)


def row_of(exception: PriceException, at: datetime) -> ExceptionRow:
    begins, granted_until = bounds(exception.effective)
    ends = exception.ended_at or granted_until
    return ExceptionRow(
        exception=exception,
        begins=begins,
        ends=ends,
        state=_state(begins, ends, at),
        entry=exception.entry.index,
        end_entry=exception.end_entry.index if exception.end_entry else None,
    )


def _state(begins: datetime, ends: datetime | None, at: datetime) -> str:
    if ends is not None and ends <= at:
        return OVER
    return TO_COME if at < begins else IN_FORCE


def exception_json(row: ExceptionRow) -> dict[str, Any]:
    exception = row.exception
    return {
        "exception": str(exception.uid),
        "to": "cap",
        # The uid is what the ledger has.
        "node": exception.node.slug if row.is_node_public else str(exception.node.uid),
        "highest_price": plain(exception.highest_price),
        "effective_from": moment(row.begins),
        "effective_until": moment(bounds(exception.effective)[1]),
        "state": row.state,
        "reason": exception.reason,
        "granted_at": moment(exception.granted_at),
        "ledger_entry": row.entry,
        "ended_at": moment(exception.ended_at),
        "end_reason": exception.end_reason,
        "end_ledger_entry": row.end_entry,
    }


def exceptions_json(found: Iterable[ExceptionRow], *, at: datetime) -> dict[str, Any]:
    lines = [exception_json(row) for row in found]
    return {"at": moment(at), "count": len(lines), "exceptions": lines}


def exceptions_csv(found: Iterable[ExceptionRow]) -> list[list[str]]:
    return _table(_EXCEPTION_COLUMNS, [exception_json(row) for row in found])


_EXCEPTION_COLUMNS = (
    "exception", "to", "node", "highest_price", "effective_from", "effective_until", "state", "reason",
    "granted_at", "ledger_entry", "ended_at", "end_reason", "end_ledger_entry",
)  # fmt: skip


def _table(columns: tuple[str, ...], lines: list[dict[str, Any]]) -> list[list[str]]:
    """The columns are the members of the JSON."""
    cells = [[text("" if line[name] is None else str(line[name])) for name in columns] for line in lines]
    return [list(columns), *cells]


# --- granting one ------------------------------------------------------------------------------------
@dataclass(frozen=True)
class GrantPage:
    """A node's exceptions, and what it asks and may ask now."""

    node: Node
    is_own: bool  # the steward belongs to its owner
    bound: Bound | None  # None: no statement is in force
    tariff: Tariff | None
    current: tuple[ExceptionRow, ...]
    over: tuple[ExceptionRow, ...]

    @property
    def how(self) -> str:
        return wording.how(self.bound.check) if self.bound else ""


def grant_page(*, node: Node, reader: User, at: datetime) -> GrantPage:
    every_row = rows(every().filter(node=node), at)
    statement = _statement_in_force(node, at)
    tariff = Tariff.objects.filter(node=node, effective__contains=at).first()
    price = tariff.price if tariff else Decimal(0)
    return GrantPage(
        node=node,
        is_own=OrganisationMembership.objects.filter(organisation=node.owner_id, user=reader).exists(),
        bound=bound(price, statement=statement, at=at) if statement else None,
        tariff=tariff,
        current=tuple(row for row in every_row if not row.is_over),
        over=tuple(row for row in every_row if row.is_over),
    )


def nodes_named(asked: str) -> list[Node]:
    """For stewards: nodes whose name or address holds these letters."""
    if not asked:
        return []
    found = Node.objects.filter(Q(name__icontains=asked) | Q(slug__icontains=asked))
    return list(found.select_related("owner").order_by("name", "pk")[:_FOUND])


def _statement_in_force(node: Node, at: datetime) -> CostStatement | None:
    found = CostStatement.objects.filter(node=node, effective__contains=at)
    return found.select_related("node__owner", "node__site").first()
