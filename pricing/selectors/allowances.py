"""The universal allowance as people read it: why somebody has none left, and what it came to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Q

from accounts.models import Project
from pricing.domain.funding import first_of_month, month_bounds, next_month
from pricing.models import FundingLine, Grant
from pricing.selectors.funding import AllowanceRow, allowances_given

# Codes that decisions store: reservations.wording has the sentences.
USED, EXHAUSTED, NO_LINE = "used", "exhausted", "no_line"
_BY_CLASS = (Project.Class.STUDENT, Project.Class.CITIZEN)


@dataclass(frozen=True)
class AllowancePage:
    """What everybody may read of it. `line` is None while nobody pays it."""

    funder: str
    funder_url: str
    hours: Decimal  # device-hours a month for each
    ceiling: Decimal  # EUR a month for each, at most
    month: AllowanceRow | None  # this one; None where nobody has any yet
    without: int  # entitled, and the line has nothing left for them


def entitled(at: datetime) -> Q:
    """Which projects get one: everybody's own, and those of students and citizens while their class holds.

    The same as pricing.services.allowances counts.
    """
    person = Q(personal_to__is_active=True, personal_to__erased_at=None)
    in_class = Q(project_class__in=_BY_CLASS) & (Q(class_expires_at=None) | Q(class_expires_at__gt=at))
    may_book = Q(suspended_at=None) & (Q(expires_at=None) | Q(expires_at__gt=at))
    return (person | in_class) & may_book


def why_short(*, project_id: int, grants: Iterable[Grant], start: datetime, at: datetime) -> str | None:
    """Why the universal allowance does not pay a slot that begins then; None for who is not entitled."""
    month = first_of_month(start)
    if month > next_month(first_of_month(at)):
        return None
    if any(grant.allowance_month == month for grant in grants):
        return USED
    since, _until = month_bounds(month)
    line = FundingLine.objects.filter(allowance_hours__isnull=False, closed_at=None)
    has_line = line.filter(valid__contains=max(since, at)).exists()
    if not Project.objects.filter(entitled(max(since, at)), pk=project_id).exists():
        return None
    return EXHAUSTED if has_line else NO_LINE


def allowance_page(*, at: datetime) -> AllowancePage | None:
    """This month's, for everybody to read: three queries. None while no line pays it."""
    lines = FundingLine.objects.filter(allowance_hours__isnull=False, closed_at=None, valid__contains=at)
    line = lines.select_related("funder").first()
    if line is None or line.allowance_hours is None or line.allowance_amount is None:
        return None
    month = first_of_month(at)
    return AllowancePage(
        funder=line.funder.name,
        funder_url=line.funder.get_absolute_url(),
        hours=line.allowance_hours,
        ceiling=line.allowance_amount,
        month=next(iter(allowances_given(Q(allowance_month=month))), None),
        without=_without(line, month, at),
    )


def _without(line: FundingLine, month: date, at: datetime) -> int:
    """Entitled projects that have none this month: between two sweeps some just joined, so only an
    exhausted line counts."""
    if line.allowance_amount is None or line.left >= line.allowance_amount:
        return 0
    projects = Project.objects.filter(entitled(at))
    if line.classes:
        projects = projects.filter(project_class__in=line.classes)
    given = Grant.objects.filter(allowance_month=month).values("project")
    return projects.exclude(pk__in=given).count()
