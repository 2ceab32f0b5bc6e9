"""Where a project stands: its path in the share tree, usage, capacity and what it holds. One query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from accounts.models import Project
from common.prepared import prepared
from reservations.domain.asking import MemberCap, MonthHeld, ProjectState, WeekHeld
from reservations.domain.easing import Easing
from reservations.domain.policy import Policy
from reservations.domain.room import Standing, Step
from reservations.domain.slots import Week

# Written by hand: every booking asks it, and each part alone would be a query.
#
# `near`: everybody who competes with a vertex of the project's path, by the account they compete in;
# children of an account that uses its parent's shares compete one account higher (Fair Tree).
#
# `of_account`: what thousands of projects add up to, read in one pass; `rolled`: what every account of the
# tree does, along the paths. An account is active where a project somewhere below it is, and the asking
# project counts as active itself. Of a step the project itself and the root are in no account that rolls up.
#
# `late`: from when on hours need room, which an exception of the project may put off. Read here and not with
# the policy, before the lock: an exception may have been granted or ended while somebody waited for it.
#
# `by_month` is read only where whoever asks has a cap: the device-hours of their slots, by the month in
# which each begins. Of one released early they are those until then.
_STANDING = """
WITH RECURSIVE me AS (
    SELECT id, path, decayed_usage, committed FROM reservations_vertex WHERE project_id = %(project)s
), near AS (
    SELECT child.id, child.project_id, child.shares, child.name, child.parent_id AS account,
           child.project_id IS NOT NULL
               AND (child.last_active_at >= %(active_since)s OR child.committed > 0) AS is_active
      FROM reservations_vertex child
      JOIN reservations_vertex account ON account.id = child.parent_id
     CROSS JOIN me
     WHERE account.parent_id IS NULL OR (account.id = ANY(me.path) AND account.shares IS NOT NULL)
    UNION ALL
    SELECT child.id, child.project_id, child.shares, child.name, near.account,
           child.project_id IS NOT NULL
               AND (child.last_active_at >= %(active_since)s OR child.committed > 0)
      FROM reservations_vertex child
      JOIN near ON near.id = child.parent_id
     WHERE near.shares IS NULL AND near.project_id IS NULL
), of_account AS (
    SELECT parent_id, sum(decayed_usage) AS stored, sum(committed) AS committed,
           bool_or(last_active_at >= %(active_since)s OR committed > 0) AS is_active
      FROM reservations_vertex WHERE project_id IS NOT NULL GROUP BY parent_id
), rolled AS (
    SELECT above.id, sum(of_account.stored) AS stored, sum(of_account.committed) AS committed,
           bool_or(of_account.is_active) AS is_active
      FROM of_account JOIN reservations_vertex account ON account.id = of_account.parent_id
     CROSS JOIN LATERAL unnest(account.path) AS above (id)
     GROUP BY above.id
), everybody AS (
    SELECT sum(stored) AS stored, sum(committed) AS committed FROM of_account
), step AS (
    SELECT near.account, min(array_position(me.path, near.id)) AS position,
           min(near.id) FILTER (WHERE near.id = ANY(me.path)) AS id,
           min(near.name) FILTER (WHERE near.id = ANY(me.path)) AS name,
           min(near.shares) FILTER (WHERE near.id = ANY(me.path)) AS shares,
           COALESCE(sum(near.shares), 0) AS of_all,
           COALESCE(sum(near.shares) FILTER (
               WHERE near.id = ANY(me.path) OR near.is_active
                  OR near.id IN (SELECT id FROM rolled WHERE is_active)
           ), 0) AS of_active
      FROM near CROSS JOIN me
     WHERE near.shares IS NOT NULL OR near.project_id IS NOT NULL
     GROUP BY near.account
), exception AS MATERIALIZED (
    SELECT uid, number, value, upper(in_force) AS until
      FROM reservations_policyexception
     WHERE project_id = %(project)s AND in_force @> %(at)s::timestamptz
), late AS (
    SELECT greatest(%(late)s, %(at)s::timestamptz + interval '1 hour' * max(
               CASE WHEN number = 'exempt_hours' THEN value::integer END)) AS late
      FROM exception
), held AS (
    SELECT device.model_key, reserved.weight,
           greatest(lower(hold.during), late.late) AS begins, upper(hold.during) AS ends
      FROM reservations_reservation reservation
     CROSS JOIN late
      JOIN reservations_reserveddevice reserved ON reserved.reservation_id = reservation.id
      JOIN nodes_hold hold ON hold.uid = reserved.hold_uid
      JOIN nodes_device device ON device.id = hold.device_id
     WHERE reservation.project_id = %(project)s AND reservation.settled_at IS NULL
       AND upper(hold.during) > late.late
), weekly AS (
    SELECT model_key, week,
           sum(extract(epoch FROM least(ends, week + interval '7 days') - greatest(begins, week))) AS seconds
      FROM held
     CROSS JOIN LATERAL generate_series(
               date_trunc('week', begins, 'UTC'), ends - interval '1 microsecond', interval '7 days') AS week
     WHERE model_key = ANY(%(models)s)
     GROUP BY model_key, week
), by_month AS (
    SELECT to_char(lower(during) AT TIME ZONE 'UTC', 'YYYY-MM') AS month,
           sum(extract(epoch FROM
                   CASE WHEN state = 'released' THEN least(upper(during), released_at) ELSE upper(during) END
                   - lower(during))
               * (SELECT count(*) FROM reservations_reserveddevice WHERE reservation_id = reservation.id)
           ) AS seconds
      FROM reservations_reservation reservation
     WHERE project_id = %(project)s AND booked_by_id = %(asked_by)s::bigint AND state <> 'cancelled'
       AND lower(during) >= %(this_month)s
     GROUP BY month
)
SELECT me.decayed_usage, me.committed,
       everybody.stored, everybody.committed,
       capacity.cost_weighted_hours, capacity.horizon_hours, capacity.at,
       (SELECT COALESCE(sum(weight * extract(epoch FROM ends - begins)), 0) FROM held),
       (SELECT json_agg(json_build_array(
                   name, shares, of_all, of_active,
                   COALESCE(own.stored, me.decayed_usage)::text, COALESCE(own.committed, me.committed)::text,
                   COALESCE(account.stored, everybody.stored)::text,
                   COALESCE(account.committed, everybody.committed)::text
               ) ORDER BY position)
          FROM step
          LEFT JOIN rolled own ON own.id = step.id
          LEFT JOIN rolled account ON account.id = step.account
         WHERE position IS NOT NULL),
       (SELECT json_agg(json_build_array(model_key, week, seconds::text) ORDER BY model_key, week)
          FROM weekly),
       project.suspended_at IS NOT NULL, project.expires_at, member.id IS NOT NULL, member.monthly_cap,
       CASE WHEN member.monthly_cap IS NOT NULL THEN
            (SELECT json_agg(json_build_array(month, seconds::text) ORDER BY month) FROM by_month) END,
       (SELECT json_agg(json_build_array(uid, number, value, until) ORDER BY number) FROM exception),
       project.project_class, project.class_expires_at,
       (SELECT half_life_hours FROM reservations_usagebasis),
       EXISTS (SELECT FROM reservations_noshow WHERE person_id = %(asked_by)s::bigint AND verdict)
  FROM me
  JOIN accounts_project project ON project.id = %(project)s
  LEFT JOIN accounts_projectmembership member
    ON member.project_id = %(project)s AND member.user_id = %(asked_by)s::bigint
 CROSS JOIN everybody
  LEFT JOIN LATERAL (SELECT * FROM reservations_capacity ORDER BY at DESC LIMIT 1) capacity ON TRUE
"""


@dataclass(frozen=True)
class Position:
    """A project's standing, and what it holds of each device model, week by week."""

    standing: Standing
    held: dict[str, tuple[WeekHeld, ...]]
    measured_at: datetime | None  # when capacity was
    project: ProjectState
    is_member: bool  # whoever asks
    cap: MemberCap | None
    exceptions: tuple[Easing, ...]  # to the policy, in force for the project
    half_life_hours: int | None  # that usage was counted with; None: as the policy in force says
    has_no_shows: bool  # whoever asks, however long ago


def position_of(
    *,
    project_id: int,
    policy: Policy,
    at: datetime,
    model_keys: Sequence[str] = (),
    asked_by_id: int | None = None,
    start: datetime | None = None,
) -> Position | None:
    """None where the project has no place in the share tree. `start`: of the slot that is asked for."""
    first = min(at, start or at).astimezone(UTC)
    values: dict[str, Any] = {
        "project": project_id, "at": at, "active_since": at - policy.active, "late": at + policy.exempt,
        "models": list(model_keys), "asked_by": asked_by_id,
        "this_month": first.replace(day=1, hour=0, minute=0, second=0, microsecond=0),
    }  # fmt: skip
    with prepared() as cursor:
        cursor.execute(_STANDING, values)
        row = cursor.fetchone()
    return _position(at, *row) if row else None


def _position(
    at: datetime, stored: Decimal, committed: Decimal, stored_by_all: Decimal, committed_by_all: Decimal,
    capacity: Decimal | None, capacity_hours: Decimal | None, measured_at: datetime | None,
    held_seconds: Decimal, steps: list[list[Any]], weekly: list[list[str]] | None,
    is_suspended: bool, expires_at: datetime | None, is_member: bool, cap: Decimal | None,
    by_month: list[list[str]] | None, exceptions: list[list[str]] | None,
    project_class: str, class_until: datetime | None, half_life_hours: int | None,
    has_no_shows: bool,
) -> Position:  # fmt: skip
    held: dict[str, tuple[WeekHeld, ...]] = {}
    for model, week, seconds in weekly or []:
        label = str(Week.of(datetime.fromisoformat(week)))
        held[model] = (*held.get(model, ()), WeekHeld(label, Fraction(seconds) / 3600))
    standing = Standing(
        path=tuple(Step(*step[:4], *map(Decimal, step[4:])) for step in steps),
        stored=stored, committed=committed,
        stored_by_all=stored_by_all, committed_by_all=committed_by_all,
        capacity=capacity or Decimal(0), capacity_hours=capacity_hours or Decimal(0),
        held=Fraction(held_seconds) / 3600,
    )  # fmt: skip
    booked = tuple(MonthHeld(month, Fraction(seconds) / 3600) for month, seconds in by_month or [])
    return Position(
        standing, held, measured_at,
        ProjectState(is_suspended, expires_at, *class_at(at, project_class, class_until)), is_member,
        None if cap is None else MemberCap(cap, booked),
        tuple(
            Easing(uid, number, Fraction(value), datetime.fromisoformat(until).astimezone(UTC))
            for uid, number, value, until in exceptions or []
        ),
        half_life_hours, has_no_shows,
    )  # fmt: skip


def numbers_of(project: Project, *, policy: Policy, at: datetime) -> Policy:
    """The policy as it is for the project's class at a moment, before any exception."""
    return policy.for_class(class_at(at, project.project_class, project.class_expires_at)[0])


def class_at(at: datetime, project_class: str, until: datetime | None) -> tuple[str, datetime | None]:
    """A class that has ended is none, though the sweep that says so has not come by yet."""
    if until is not None and until <= at:
        return Project.Class.INDEPENDENT.value, None
    return project_class, until
