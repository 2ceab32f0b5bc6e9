"""The universal allowance: device-hours every month for personal, student and citizen projects.

One line at a time pays it (the database keeps that); how much is on the line. A project has one
allowance a month, which the unique constraint `one_allowance_a_month` proves; both services say so
with ON CONFLICT, so that they may run at once and again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction

from accounts.models import Project
from common.prepared import prepared
from pricing.domain.funding import first_of_month, month_bounds, next_month
from pricing.models import Grant

# First, and by itself: what runs next then reads what those before it committed.
_LOCK = """
SELECT id FROM pricing_fundingline
 WHERE allowance_hours IS NOT NULL AND closed_at IS NULL
   AND valid @> %(from)s::timestamptz
   FOR UPDATE
"""

# All in one statement, however many projects there are. Those that had to go without are counted too.
_GIVE = """
WITH line AS (
    SELECT *, amount - committed AS left_over,
           least(upper(valid), %(until)s::timestamptz) AS until,
           greatest(lower(valid), %(since)s::timestamptz) AS since
      FROM pricing_fundingline
     WHERE allowance_hours IS NOT NULL AND closed_at IS NULL
       AND valid @> %(from)s::timestamptz
), eligible AS (
    SELECT project.id AS project_id, row_number() OVER (ORDER BY project.id) AS place
      FROM accounts_project project
      LEFT JOIN accounts_user person ON person.id = project.personal_to_id
      LEFT JOIN line ON true
     WHERE (%(project)s::bigint IS NULL OR project.id = %(project)s)
       AND (person.is_active AND person.erased_at IS NULL
            OR project.project_class IN ('student', 'citizen')
               AND (project.class_expires_at IS NULL OR project.class_expires_at > %(from)s))
       AND (line.classes IS NULL OR line.classes = '{}' OR project.project_class = ANY(line.classes))
       AND project.suspended_at IS NULL
       AND (project.expires_at IS NULL OR project.expires_at > %(from)s)
       AND NOT EXISTS (SELECT FROM pricing_grant
                        WHERE project_id = project.id AND allowance_month = %(month)s)
), given AS (
    INSERT INTO pricing_grant
           (uid, project_id, funder_id, line_id, name, purpose, valid, amount, encumbered, used, hours,
            allowance_month, created_at)
    SELECT gen_random_uuid(), eligible.project_id, line.funder_id, line.id,
           left(line.name, 70) || %(suffix)s, line.purpose, tstzrange(line.since, line.until),
           line.allowance_amount, 0, 0, line.allowance_hours, %(month)s, %(at)s
      FROM eligible JOIN line ON eligible.place * line.allowance_amount <= line.left_over
    ON CONFLICT (project_id, allowance_month) WHERE allowance_month IS NOT NULL DO NOTHING
    RETURNING amount
), committed AS (
    UPDATE pricing_fundingline
       SET committed = pricing_fundingline.committed + (SELECT coalesce(sum(amount), 0) FROM given)
      FROM line WHERE pricing_fundingline.id = line.id
)
SELECT (SELECT count(*) FROM given), (SELECT count(*) FROM eligible), EXISTS (SELECT FROM line)
"""


@dataclass(frozen=True)
class Renewal:
    """What one turn gave for a month, and how many it had nothing for."""

    month: date
    given: int
    without: int
    has_line: bool  # a line pays the allowance in that month


@transaction.atomic
def give(*, project: Project, month: date, at: datetime) -> Grant | None:
    """The project's allowance for a month, given now or before.

    None where it is not entitled to one, no line pays it, or the line has not enough left.
    """
    _give(month=month.replace(day=1), project=project, at=at)
    return Grant.objects.filter(project=project, allowance_month=month.replace(day=1)).first()


def renew(*, at: datetime) -> list[Renewal]:
    """Everybody's allowance for this month and, as bookings reach 28 days ahead, for the next."""
    this = first_of_month(at)
    renewals = []
    for month in (this, next_month(this)):
        with transaction.atomic():
            renewals.append(_give(month=month, project=None, at=at))
    return renewals


def _give(*, month: date, project: Project | None, at: datetime) -> Renewal:
    since, until = month_bounds(month)
    values: dict[str, Any] = {
        "since": since, "until": until, "from": max(since, at), "month": month, "at": at,
        "project": None if project is None else project.pk, "suffix": f" {month:%Y-%m}",
    }  # fmt: skip
    with prepared() as cursor:
        cursor.execute(_LOCK, values)
        cursor.execute(_GIVE, values)
        given, eligible, has_line = cursor.fetchone()
    return Renewal(month, given, eligible - given, has_line)
