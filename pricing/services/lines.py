"""Funding lines: what a funder sets aside for grants of one purpose."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from psycopg.errors import ExclusionViolation

from accounts.models import Organisation, Project, User
from common.lines import is_one_line
from common.ranges import between
from pricing.domain.cost import rounded
from pricing.domain.declared import LARGEST
from pricing.errors import LineRefused
from pricing.models import FundingLine

MOST_ALLOWANCE_HOURS = Decimal(744)  # a device around the clock in the longest month


def create_line(
    *,
    funder: Organisation,
    name: str,
    purpose: str,
    valid_from: datetime,
    valid_until: datetime,
    amount: Decimal,
    by: User,
    at: datetime,
    classes: Sequence[str] = (),
    allowance_hours: Decimal | None = None,
    allowance_amount: Decimal | None = None,
) -> FundingLine:
    """Set money aside for grants; with `allowance_hours` it pays the universal allowance."""
    require_funder(funder)
    _require_words(name, purpose)
    if valid_until <= valid_from or valid_until <= at:
        raise LineRefused(_("The end lies before the beginning, or in the past."), field="valid_until")
    _require_amount(amount, "amount")
    _require_classes(classes)
    _require_allowance(amount, allowance_hours, allowance_amount)
    values: dict[str, Any] = {
        "name": name, "purpose": purpose, "valid": between(valid_from, valid_until),
        "amount": rounded(amount), "classes": sorted(set(classes)), "allowance_hours": allowance_hours,
        "allowance_amount": None if allowance_amount is None else rounded(allowance_amount),
    }  # fmt: skip
    try:
        with transaction.atomic():
            return FundingLine.objects.create(funder=funder, created_by=by, created_at=at, **values)
    except IntegrityError as exc:
        if isinstance(exc.__cause__, ExclusionViolation):
            raise LineRefused(
                _("Another line pays the universal allowance in that time. Close it, or begin after it."),
                field="valid_from",
            ) from exc
        raise LineRefused(
            _("%(funder)s has a line “%(name)s” already.") % {"funder": funder, "name": name}, field="name"
        ) from exc


@transaction.atomic
def close_line(*, line: FundingLine, at: datetime) -> FundingLine:
    """Give nothing more from this line. What it gave stays given; closing again changes nothing."""
    line = lock_line(line)
    if line.closed_at is None:
        line.closed_at = at
        line.save(update_fields=["closed_at"])
    return line


def lock_line(line: FundingLine) -> FundingLine:
    """The line, locked until the end of the transaction: two grants at once wait in turn."""
    return FundingLine.objects.select_for_update(of=("self",)).select_related("funder").get(pk=line.pk)


def require_funder(funder: Organisation) -> None:
    if funder.kind != Organisation.Kind.FUNDER:
        raise LineRefused(_("%(name)s is not a funder.") % {"name": funder}, field="funder")
    if funder.verified_at is None:
        raise LineRefused(
            _("%(name)s is not a verified funder: a steward looks at it first.") % {"name": funder},
            field="funder",
        )


def _require_words(name: str, purpose: str) -> None:
    for field, text in (("name", name), ("purpose", purpose)):
        if not text.strip():
            raise LineRefused(_("Say it in a few words."), field=field)
        if not is_one_line(text):
            raise LineRefused(
                _("Write it on one line, without line breaks or control characters."), field=field
            )


def _require_amount(amount: Decimal, field: str) -> None:
    if not amount.is_finite() or not 0 < amount <= LARGEST:
        raise LineRefused(_("The amount must be above zero."), field=field)


def _require_classes(classes: Sequence[str]) -> None:
    if unknown := set(classes) - set(Project.Class.values):
        raise LineRefused(
            _("There is no class %(classes)s.") % {"classes": ", ".join(sorted(unknown))}, field="classes"
        )


def _require_allowance(amount: Decimal, hours: Decimal | None, ceiling: Decimal | None) -> None:
    if hours is None and ceiling is None:
        return
    if hours is None or ceiling is None:
        raise LineRefused(
            _("An allowance has device-hours a month and EUR a month at most: give both or none."),
            field="allowance_hours" if hours is None else "allowance_amount",
        )
    if not hours.is_finite() or not 0 < hours <= MOST_ALLOWANCE_HOURS:
        raise LineRefused(
            _("An allowance is above zero and at most %(most)s device-hours a month.")
            % {"most": MOST_ALLOWANCE_HOURS},
            field="allowance_hours",
        )
    _require_amount(ceiling, "allowance_amount")
    if ceiling > amount:
        raise LineRefused(
            _("The line has less than one allowance of one month costs."), field="allowance_amount"
        )
