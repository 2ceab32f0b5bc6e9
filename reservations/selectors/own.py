"""All that concerns one person, in one query: projects, grants, slots, organisations, what waits for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from accounts.models import User
from common.prepared import prepared
from pricing.domain.grants import Period

# Written by hand: who signs in begins here, and each part alone would be a query.
_OWN = """
WITH mine AS (
    SELECT project.*, membership.role
      FROM accounts_projectmembership membership
      JOIN accounts_project project ON project.id = membership.project_id
     WHERE membership.user_id = %(user)s
), slot AS (
    SELECT reservation.id, reservation.uid, mine.name AS project, reservation.quoted_price,
           lower(reservation.during) AS starts, upper(reservation.during) AS ends,
           reservation.booked_by_id = %(user)s AS is_own,
           reservation.booked_by_id = %(user)s OR mine.role = 'lead' AS may_run
      FROM reservations_reservation reservation
      JOIN mine ON mine.id = reservation.project_id
     WHERE reservation.state = 'booked' AND reservation.settled_at IS NULL
       AND upper(reservation.during) > %(at)s
     ORDER BY lower(reservation.during), reservation.id
     LIMIT %(slots)s
)
SELECT
    (SELECT json_agg(json_build_object(
                'id', id, 'slug', slug, 'name', name, 'summary', summary,
                'project_class', project_class, 'role', role, 'is_personal', personal_to_id IS NOT NULL,
                'suspended', suspended_at IS NOT NULL, 'expires_at', expires_at
            ) ORDER BY personal_to_id IS NULL, name, id) FROM mine),
    (SELECT json_agg(json_build_object(
                'id', paid.id, 'project', paid.project_id, 'name', paid.name, 'funder', funder.name,
                'lower', lower(paid.valid), 'upper', upper(paid.valid), 'amount', paid.amount::text,
                'left', (paid.amount - paid.encumbered - paid.used - paid.returned)::text,
                'hours', paid.hours::text,
                'hours_used', paid.hours_used::text, 'hours_booked', paid.hours_encumbered::text,
                'month', paid.allowance_month
            ) ORDER BY upper(paid.valid), paid.id)
       FROM pricing_grant paid
       JOIN mine ON mine.id = paid.project_id
       JOIN accounts_organisation funder ON funder.id = paid.funder_id
      WHERE paid.valid && tstzrange(%(at)s, %(until)s)),
    (SELECT json_agg(json_build_object(
                'uid', slot.uid, 'project', slot.project, 'start', slot.starts, 'end', slot.ends,
                'is_own', slot.is_own, 'may_run', slot.may_run, 'price', slot.quoted_price::text,
                'devices', (SELECT json_agg(json_build_array(model, number) ORDER BY model)
                              FROM (SELECT device.model, count(*) AS number
                                      FROM reservations_reserveddevice reserved
                                      JOIN nodes_device device ON device.id = reserved.device_id
                                     WHERE reserved.reservation_id = slot.id GROUP BY device.model) AS kind),
                'node', (SELECT min(node.name)
                           FROM reservations_reserveddevice reserved
                           JOIN nodes_device device ON device.id = reserved.device_id
                           JOIN nodes_node node ON node.id = device.node_id
                          WHERE reserved.reservation_id = slot.id),
                'jobs', (SELECT count(*) FROM reservations_run run WHERE run.reservation_id = slot.id
                            AND run.state IN ('queued', 'leased', 'running')),
                'is_running', EXISTS (SELECT FROM reservations_run run
                          WHERE run.reservation_id = slot.id AND run.state = 'running')
            ) ORDER BY slot.starts, slot.id) FROM slot),
    (SELECT json_agg(json_build_object(
                'slug', organisation.slug, 'name', organisation.name, 'kind', organisation.kind,
                'role', membership.role, 'is_verified', organisation.verified_at IS NOT NULL,
                'is_declined', organisation.declined_at IS NOT NULL
            ) ORDER BY organisation.name)
       FROM accounts_organisationmembership membership
       JOIN accounts_organisation organisation ON organisation.id = membership.organisation_id
      WHERE membership.user_id = %(user)s),
    (SELECT json_agg(json_build_object(
                'uid', invitation.uid, 'group', coalesce(project.name, organisation.name),
                'role', invitation.role,
                'by', coalesce(nullif(inviter.name, ''), inviter.email),
                'sent_at', invitation.created_at, 'expires_at', invitation.expires_at
            ) ORDER BY invitation.created_at DESC)
       FROM account_emailaddress address
       JOIN accounts_invitation invitation ON lower(invitation.email) = lower(address.email)
       JOIN accounts_user inviter ON inviter.id = invitation.invited_by_id
       LEFT JOIN accounts_project project ON project.id = invitation.project_id
       LEFT JOIN accounts_organisation organisation ON organisation.id = invitation.organisation_id
      WHERE address.user_id = %(user)s AND address.verified AND invitation.accepted_at IS NULL
        AND invitation.revoked_at IS NULL AND invitation.expires_at > %(at)s),
    EXISTS (SELECT FROM reservations_reservation WHERE booked_by_id = %(user)s),
    (SELECT count(*) FROM accounts_notice WHERE user_id = %(user)s AND read_at IS NULL),
    (SELECT json_agg(json_build_object('kind', kind, 'params', params, 'at', created_at) ORDER BY id DESC)
       FROM (SELECT id, kind, params, created_at FROM accounts_notice
              WHERE user_id = %(user)s AND read_at IS NULL ORDER BY id DESC LIMIT %(notices)s) AS newest),
    CASE WHEN %(is_steward)s THEN
        (SELECT count(*) FROM reservations_application WHERE state = 'submitted') END,
    CASE WHEN %(is_steward)s THEN
        (SELECT count(*) FROM accounts_organisation WHERE verified_at IS NULL AND declined_at IS NULL) END
"""
_SLOTS = 6
_NOTICES = 3


@dataclass(frozen=True)
class OwnProject:
    id: int
    slug: str
    name: str
    summary: str
    project_class: str
    role: str
    is_personal: bool
    is_suspended: bool
    expires_at: datetime | None


@dataclass(frozen=True)
class OwnGrant:
    """Valid at some time until then; pricing.domain.grants.cover reads it as funds."""

    id: int
    project_id: int
    name: str
    funder: str
    valid: Period
    amount: Decimal
    left: Decimal
    hours: Decimal | None
    hours_used: Decimal
    hours_booked: Decimal
    allowance_month: date | None

    @property
    def hours_left(self) -> Decimal | None:
        return None if self.hours is None else self.hours - self.hours_used - self.hours_booked


@dataclass(frozen=True)
class OwnSlot:
    url: str
    devices: tuple[tuple[str, int], ...]
    node: str
    project: str
    start: datetime
    end: datetime
    price: Decimal
    is_own: bool  # else another member booked it
    may_run: bool  # who booked it, and the project's leads
    jobs: int  # that are not over
    is_running: bool


@dataclass(frozen=True)
class OwnOrganisation:
    slug: str
    name: str
    kind: str
    role: str
    is_verified: bool
    is_declined: bool


@dataclass(frozen=True)
class Invited:
    url: str
    group: str
    role: str
    by: str
    sent_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Untold:
    """A notice that was not read yet, in facts."""

    kind: str
    params: dict[str, Any]
    at: datetime


@dataclass(frozen=True)
class Queues:
    """What waits for a steward."""

    applications: int
    organisations: int


@dataclass(frozen=True)
class Own:
    projects: tuple[OwnProject, ...]  # the personal one first
    grants: tuple[OwnGrant, ...]  # the earliest expiry first
    slots: tuple[OwnSlot, ...]  # not over, soonest first
    organisations: tuple[OwnOrganisation, ...]
    invitations: tuple[Invited, ...]
    has_booked: bool  # ever
    unread: int
    newest: tuple[Untold, ...]
    queues: Queues | None  # None for who is no steward


def own(*, user: User, at: datetime, until: datetime) -> Own:
    """`until`: how far ahead grants are of interest."""
    values: dict[str, Any] = {
        "user": user.pk, "at": at, "until": until, "is_steward": user.is_steward, "slots": _SLOTS,
        "notices": _NOTICES,
    }  # fmt: skip
    with prepared() as cursor:
        cursor.execute(_OWN, values)
        row = cursor.fetchone()
    projects, grants, slots, organisations, invitations, has_booked, unread, newest, *queues = row
    return Own(
        projects=tuple(_project(row) for row in projects or ()),
        grants=tuple(_grant(row) for row in grants or ()),
        slots=tuple(_slot(row) for row in slots or ()),
        organisations=tuple(OwnOrganisation(**row) for row in organisations or ()),
        invitations=tuple(_invited(row) for row in invitations or ()),
        has_booked=has_booked,
        unread=unread,
        newest=tuple(Untold(row["kind"], row["params"], _moment(row["at"])) for row in newest or ()),
        queues=Queues(*queues) if user.is_steward else None,
    )


def _project(row: dict[str, Any]) -> OwnProject:
    return OwnProject(
        id=row["id"], slug=row["slug"], name=row["name"], summary=row["summary"],
        project_class=row["project_class"], role=row["role"], is_personal=row["is_personal"],
        is_suspended=row["suspended"], expires_at=row["expires_at"] and _moment(row["expires_at"]),
    )  # fmt: skip


def _grant(row: dict[str, Any]) -> OwnGrant:
    lower, upper = (row[name] and _moment(row[name]) for name in ("lower", "upper"))
    return OwnGrant(
        id=row["id"], project_id=row["project"], name=row["name"], funder=row["funder"],
        valid=Period(lower, upper), amount=Decimal(row["amount"]), left=Decimal(row["left"]),
        hours=None if row["hours"] is None else Decimal(row["hours"]),
        hours_used=Decimal(row["hours_used"]), hours_booked=Decimal(row["hours_booked"]),
        allowance_month=None if row["month"] is None else date.fromisoformat(row["month"]),
    )  # fmt: skip


def _slot(row: dict[str, Any]) -> OwnSlot:
    return OwnSlot(
        url=f"/reservations/{row['uid']}/", devices=tuple((model, count) for model, count in row["devices"]),
        node=row["node"], project=row["project"], start=_moment(row["start"]), end=_moment(row["end"]),
        price=Decimal(row["price"]), is_own=row["is_own"], may_run=row["may_run"], jobs=row["jobs"],
        is_running=row["is_running"],
    )  # fmt: skip


def _invited(row: dict[str, Any]) -> Invited:
    sent_at, expires_at = _moment(row["sent_at"]), _moment(row["expires_at"])
    return Invited(f"/invitations/{row['uid']}/", row["group"], row["role"], row["by"], sent_at, expires_at)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
