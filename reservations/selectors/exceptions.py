"""Exceptions to the policy as everybody, a project's members and stewards read them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import IntegerField, OuterRef, Q, QuerySet, Subquery, TextField
from django.db.models.functions import Cast, JSONObject

from accounts.models import Project, User
from accounts.selectors import public_name
from common.ranges import bounds
from reservations import wording
from reservations.domain import easing
from reservations.domain.policy import Policy as Rules
from reservations.models import PolicyException
from reservations.models.exceptions import PolicyExceptionQuerySet
from reservations.selectors.policies import in_force
from reservations.selectors.standing import class_at

IN_FORCE, TO_COME, OVER = "in_force", "to_come", "over"
_SHOWN_OVER = 50
_FOUND = 20


@dataclass(frozen=True)
class ExceptionRow:
    """One exception, with its project as it appears to others."""

    exception: PolicyException
    project: Project  # of whose name strangers read `holder` alone
    holder: str
    name: str  # of the number
    policy_value: str
    value: str
    begins: datetime
    ends: datetime  # as granted; `exception.ended_at` where it was ended early
    state: str
    entry: int | None  # its index in the ledger, once it has one
    end_entry: int | None

    @property
    def is_over(self) -> bool:
        return self.state == OVER


@dataclass(frozen=True)
class ExceptionsPage:
    at: datetime
    current: tuple[ExceptionRow, ...]  # in force or to come, the newest first
    over: tuple[ExceptionRow, ...]
    has_more: bool  # of those that are over


def every() -> PolicyExceptionQuerySet:
    return PolicyException.objects.select_related(
        "project", "policy", "entry", "end_entry", "granted_by", "ended_by"
    )


def of_state(state: str, at: datetime) -> PolicyExceptionQuerySet:
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
    return ExceptionsPage(at, rows(every().not_over(at), at), over[:_SHOWN_OVER], len(over) > _SHOWN_OVER)


def rows(found: Iterable[PolicyException], at: datetime) -> tuple[ExceptionRow, ...]:
    return tuple(row_of(one, at) for one in found)


def row_of(exception: PolicyException, at: datetime) -> ExceptionRow:
    begins, granted_until = bounds(exception.effective)
    return ExceptionRow(
        exception=exception,
        project=exception.project,
        # As on the day it was granted: with the pseudonyms of each month in turn, one row would tell
        # which of them belong together.
        holder=public_name(exception.project, exception.granted_at),
        name=wording.number_name(exception.number),
        policy_value=wording.value_said(exception.number, Fraction(exception.policy_value)),
        value=wording.value_said(exception.number, Fraction(exception.value)),
        begins=begins,
        ends=granted_until,
        state=_state(begins, exception.ended_at or granted_until, at),
        entry=exception.entry.index,
        end_entry=exception.end_entry.index if exception.end_entry else None,
    )


def _state(begins: datetime, ends: datetime, at: datetime) -> str:
    if ends <= at:
        return OVER
    return TO_COME if at < begins else IN_FORCE


# --- on a project's page -----------------------------------------------------------------------------
@dataclass(frozen=True)
class OwnException:
    """What a project's members read of an exception that is in force or to come."""

    name: str  # of the number
    policy_value: str
    value: str
    reason: str
    url: str
    begins: datetime
    ends: datetime


def with_exceptions(projects: QuerySet[Project]) -> QuerySet[Project]:
    """Each with those that nobody ended, as `of_project` reads them: in the same query."""
    granted = PolicyException.objects.filter(project=OuterRef("pk"), ended_at=None).order_by("pk")
    line = JSONObject(
        uid="uid", number="number", policy_value="policy_value", value="value", reason="reason",
        begins="effective__startswith", ends="effective__endswith",
    )  # fmt: skip
    return projects.annotate(granted=ArraySubquery(granted.values(line=Cast(line, TextField()))))


def of_project(project: Project, *, at: datetime) -> tuple[OwnException, ...]:
    """Of one out of `with_exceptions`. No query."""
    lines: list[str] = project.granted  # type: ignore[attr-defined]  # annotated above
    found = (_own(json.loads(line)) for line in lines)
    return tuple(one for one in found if one.ends > at)


def _own(line: dict[str, str]) -> OwnException:
    begins, ends = (datetime.fromisoformat(line[name]).astimezone(UTC) for name in ("begins", "ends"))
    return OwnException(
        name=wording.number_name(line["number"]),
        policy_value=wording.value_said(line["number"], Fraction(line["policy_value"])),
        value=wording.value_said(line["number"], Fraction(line["value"])),
        reason=line["reason"],
        url=wording.exception_url(line["uid"]),
        begins=begins,
        ends=ends,
    )


# --- granting one ------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Bound:
    """A number that can be eased: what the policy says, and the loosest that an exception can be."""

    name: str
    means: str
    policy_value: str
    most: str


@dataclass(frozen=True)
class GrantPage:
    project: Project
    is_own: bool
    bounds: tuple[Bound, ...]
    current: tuple[ExceptionRow, ...]
    over: tuple[ExceptionRow, ...]


def grant_page(*, project: Project, reader: User, at: datetime) -> GrantPage:
    """Three queries."""
    every_row = rows(every().filter(project=project), at)
    easings = [
        easing.Easing(str(row.exception.uid), row.exception.number, Fraction(row.exception.value), row.ends)
        for row in every_row
        if row.state == IN_FORCE
    ]
    code, _until = class_at(at, project.project_class, project.class_expires_at)
    present = easing.eased(in_force(at)[1].for_class(code), easings)
    return GrantPage(
        project=project,
        is_own=project.memberships.filter(user=reader).exists(),
        bounds=tuple(_bound(number, present) for number in easing.NUMBERS),
        current=tuple(row for row in every_row if not row.is_over),
        over=tuple(row for row in every_row if row.is_over),
    )


def _bound(number: str, present: Rules) -> Bound:
    return Bound(
        name=wording.number_name(number),
        means=wording.number_means(number),
        policy_value=wording.value_entered(number, easing.of(present, number)),
        most=wording.value_entered(number, easing.most(present, number)),
    )


def projects_named(asked: str) -> list[Project]:
    """For stewards: projects whose name or address holds these letters."""
    if not asked:
        return []
    found = Project.objects.filter(Q(name__icontains=asked) | Q(slug__icontains=asked))
    return list(found.order_by("name", "pk")[:_FOUND])


# --- how far a project may book ----------------------------------------------------------------------
def with_horizon(projects: QuerySet[Project], *, at: datetime) -> QuerySet[Project]:
    """Each with `eased_days`, the horizon that an exception gives it, or None: in the same query."""
    farther = PolicyException.objects.in_force(at).filter(
        project=OuterRef("pk"), number=PolicyException.Number.HORIZON_DAYS
    )
    return projects.annotate(eased_days=Subquery(farther.values(days=Cast("value", IntegerField()))[:1]))


def horizon_of(projects: Iterable[Project | None], *, rules: Rules) -> timedelta:
    """The farthest of these `with_horizon`, each by its class and exception; of none the policy's."""
    return max((_horizon(project, rules) for project in projects), default=rules.horizon)


def _horizon(project: Project | None, rules: Rules) -> timedelta:
    if project is None:
        return rules.horizon
    eased = timedelta(days=getattr(project, "eased_days", None) or 0)
    return max(rules.for_class(project.project_class).horizon, eased)
