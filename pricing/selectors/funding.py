"""What a funder sets aside and gives: its lines, its grants, what an amount means in device-hours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum
from django.utils.translation import gettext as _

from accounts.models import Organisation, Project
from common import formats
from common.ranges import bounds
from pricing.domain.funding import hours_for
from pricing.models import FundingLine, Grant
from pricing.selectors.prices import PriceFilter, prices

ZERO = Decimal(0)
_SHOWN = 100  # grants on one page, newest first
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class LineRow:
    uid: UUID
    name: str
    purpose: str
    first_day: datetime
    last_day: datetime
    classes: str  # for whom
    amount: Decimal
    committed: Decimal
    left: Decimal
    grants: int
    state: str
    tone: str
    is_open: bool
    allowance: str  # empty where it does not pay the universal allowance


@dataclass(frozen=True)
class HoursRow:
    given: Decimal
    taken: Decimal  # used and booked
    left: Decimal


@dataclass(frozen=True)
class GrantRow:
    uid: UUID
    project: str
    name: str
    purpose: str
    line: str
    first_day: datetime
    last_day: datetime
    amount: Decimal
    taken: Decimal  # used and booked
    returned: Decimal  # to the line, its time being over
    left: Decimal
    hours: HoursRow | None  # None: EUR only


@dataclass(frozen=True)
class AllowanceRow:
    """All universal allowances of one month together."""

    month: date
    projects: int
    hours: Decimal
    hours_taken: Decimal
    amount: Decimal
    taken: Decimal
    returned: Decimal


@dataclass(frozen=True)
class FundingPage:
    organisation: Organisation
    lines: tuple[LineRow, ...]
    grants: tuple[GrantRow, ...]
    has_more: bool  # older grants than those shown
    allowances: tuple[AllowanceRow, ...]
    may_give: bool  # a line is open and has something left


@dataclass(frozen=True)
class Buys:
    """What an amount buys of one device, at today's price on the cheapest node that has it."""

    device: str
    price: Decimal  # EUR per device-hour, with the fee
    hours: Decimal


def open_lines(*, funder: Organisation, at: datetime) -> QuerySet[FundingLine]:
    """Those that still give grants: neither closed nor over, nor kept for the universal allowance."""
    lines = FundingLine.objects.filter(funder=funder, closed_at=None, allowance_hours=None)
    return lines.filter(valid__endswith__gt=at).order_by("name")


def line_of(*, funder: Organisation, uid: UUID) -> FundingLine:
    """Raises FundingLine.DoesNotExist for another funder's."""
    return FundingLine.objects.select_related("funder").get(funder=funder, uid=uid)


def funding_page(*, organisation: Organisation, at: datetime) -> FundingPage:
    """Three queries, however many lines and grants there are."""
    lines = tuple(_lines(organisation, at))
    given = Grant.objects.filter(funder=organisation, allowance_month=None).select_related("project", "line")
    grants = list(given.order_by("-id")[: _SHOWN + 1])
    return FundingPage(
        organisation=organisation,
        lines=lines,
        grants=tuple(_grant(one) for one in grants[:_SHOWN]),
        has_more=len(grants) > _SHOWN,
        allowances=tuple(allowances_given(Q(funder=organisation))),
        may_give=any(line.is_open and line.left > 0 and not line.allowance for line in lines),
    )


def allowances_given(which: Q) -> Iterator[AllowanceRow]:
    """Universal allowances by month, newest first. One query."""
    months = Grant.objects.filter(which, allowance_month__isnull=False).values("allowance_month")
    sums = months.annotate(
        projects=Count("id"), hours_given=Sum("hours"), given=Sum("amount"),
        hours_taken=Sum("hours_used") + Sum("hours_encumbered"), taken=Sum("used") + Sum("encumbered"),
        back=Sum("returned"),
    )  # fmt: skip
    for row in sums.order_by("-allowance_month")[:13]:
        month = row["allowance_month"]
        assert month is not None  # filtered above
        yield AllowanceRow(
            month=month,
            projects=row["projects"],
            hours=row["hours_given"] or ZERO,
            hours_taken=row["hours_taken"] or ZERO,
            amount=row["given"],
            taken=row["taken"],
            returned=row["back"],
        )


def what_it_buys(*, amount: Decimal, hours: Decimal | None, at: datetime) -> tuple[Buys, ...]:
    """For each device, dearest first; never more than the device-hours that are given."""
    cheapest: dict[str, tuple[Decimal, str]] = {}
    for row in prices(wanted=PriceFilter(), at=at).rows:
        if row.model_key not in cheapest or row.to_pay < cheapest[row.model_key][0]:
            cheapest[row.model_key] = row.to_pay, f"{row.device} {formats.memory(row.memory_bytes)}"
    buys = []
    for price, device in sorted(cheapest.values(), reverse=True):
        enough = hours_for(amount, price=price)
        most = [one for one in (enough, hours) if one is not None]
        if most:
            buys.append(Buys(device, price, min(most)))
    return tuple(buys)


def for_whom(classes: list[str]) -> str:
    if not classes:
        return _("All projects")
    return ", ".join(str(Project.Class(one).label) for one in classes)


def _lines(organisation: Organisation, at: datetime) -> Iterator[LineRow]:
    rows = FundingLine.objects.filter(funder=organisation)
    for line in rows.annotate(given=Count("grants")).order_by("closed_at", "-valid", "name"):
        first, until = bounds(line.valid)
        state, tone = _state(line, first, until, at)
        yield LineRow(
            uid=line.uid,
            name=line.name,
            purpose=line.purpose,
            first_day=first,
            last_day=until - _DAY,
            classes=for_whom(line.classes),
            amount=line.amount,
            committed=line.committed,
            left=line.left,
            grants=line.given,
            state=state,
            tone=tone,
            is_open=line.closed_at is None and at < until,
            allowance=_allowance(line),
        )


def _state(line: FundingLine, first: datetime, until: datetime, at: datetime) -> tuple[str, str]:
    if line.closed_at is not None:
        return _("Closed"), ""
    if at >= until:
        return _("Over"), ""
    if at < first:
        return _("To come"), "info"
    return (_("Gives"), "good") if line.left > 0 else (_("Used up"), "warn")


def _allowance(line: FundingLine) -> str:
    if line.allowance_hours is None or line.allowance_amount is None:
        return ""
    return _("Universal allowance: %(hours)s a month for each, %(amount)s at most.") % {
        "hours": formats.device_hours(line.allowance_hours.normalize()),
        "amount": formats.money(line.allowance_amount),
    }


def _grant(grant: Grant) -> GrantRow:
    first, until = bounds(grant.valid)
    return GrantRow(
        uid=grant.uid,
        project=grant.project.name,
        name=grant.name,
        purpose=grant.purpose,
        line=grant.line.name if grant.line else "",
        first_day=first,
        last_day=until - _DAY,
        amount=grant.amount,
        taken=grant.used + grant.encumbered,
        returned=grant.returned,
        left=grant.left,
        hours=_hours(grant),
    )


def _hours(grant: Grant) -> HoursRow | None:
    if grant.hours is None or grant.hours_left is None:
        return None
    return HoursRow(grant.hours, grant.hours - grant.hours_left, grant.hours_left)
