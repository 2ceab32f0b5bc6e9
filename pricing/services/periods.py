"""Room on the time line: how a published row follows the one before it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _
from psycopg.errors import ExclusionViolation

from common import formats
from common.ranges import between
from pricing.errors import PeriodTaken, PricingError

# What is announced further ahead is a slip of the pen, and nothing published can be taken back.
FURTHEST = timedelta(days=366)


def require_soon(
    moment: datetime,
    *,
    at: datetime,
    refused: type[PricingError],
    field: str = "effective_from",
    furthest: timedelta = FURTHEST,
) -> None:
    """Nothing begins or ends so far ahead that no other could follow it in anybody's time."""
    latest = at + furthest
    if moment > latest:
        raise refused(
            _("This is more than %(days)d days ahead; choose %(latest)s at the latest.")
            % {"days": furthest.days, "latest": formats.moment_with_year(latest)},
            field=field,
            limit=furthest.days,
            latest=latest,
        )


def require_order(
    effective_from: datetime, effective_until: datetime | None, refused: type[PricingError]
) -> None:
    if effective_until is not None and effective_until <= effective_from:
        raise refused(_("The end lies before the beginning."), field="effective_until")


def require_end(
    effective_from: datetime, effective_until: datetime | None, *, at: datetime, refused: type[PricingError]
) -> None:
    """An end lies after the beginning, and no farther from it, or from now, than a beginning may."""
    require_order(effective_from, effective_until, refused)
    latest = max(at, effective_from) + FURTHEST
    if effective_until is not None and effective_until > latest:
        raise refused(
            _("The end is more than %(days)d days ahead; choose %(latest)s at the latest, or no end.")
            % {"days": FURTHEST.days, "latest": formats.moment_with_year(latest)},
            field="effective_until",
            limit=FURTHEST.days,
            latest=latest,
        )


def make_room(
    rows: models.QuerySet[Any],
    *,
    effective_from: datetime,
    effective_until: datetime | None,
    at: datetime,
    sooner: bool = False,
) -> None:
    """End the row that is in force until further notice where the new one begins.

    Anything else that overlaps stands, and so does the past: what people were told then was true.
    `sooner`: what has an end of its own gives way, too.
    """
    taken = rows.filter(effective__overlap=between(effective_from, effective_until)).order_by("effective")
    for row in taken:
        start, end = row.effective.lower, row.effective.upper
        if start >= effective_from or (end is not None and (not sooner or effective_from < at)):
            raise _taken(start, end)
        if effective_from < at:
            raise PeriodTaken(
                _("What is in force since %(start)s can end now at the earliest, not in the past.")
                % {"start": formats.moment_with_year(start)},
                field="effective_from",
                since=start,
            )
        rows.filter(pk=row.pk).update(effective=between(start, effective_from))


@contextmanager
def refusing_overlaps(effective_from: datetime, effective_until: datetime | None) -> Iterator[None]:
    """The database's last word, for those who came between our look and our write."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as exc:
        if isinstance(exc.__cause__, ExclusionViolation):
            raise _taken(effective_from, effective_until) from exc
        raise


def _taken(start: datetime, end: datetime | None) -> PeriodTaken:
    if end is None:
        sentence = _(
            "Another one takes effect on %(start)s and has no end; begin after it, or end before it."
        )
    else:
        sentence = _("Another one is published for %(start)s to %(end)s; choose a time outside it.")
    return PeriodTaken(
        sentence % {"start": formats.moment_with_year(start), "end": formats.moment_with_year(end)},
        field="effective_from",
        since=start,
        until=end,
    )
