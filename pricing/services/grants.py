"""Money given to projects: what is given, set aside for a reservation, and given back.

What was used is booked by pricing.services.charges.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts.models import Organisation, Project, ProjectMembership, User
from accounts.services.notices import notify
from common import formats
from common.lines import is_one_line
from common.prepared import prepared
from common.ranges import between, bounds
from pricing.domain.cost import rounded
from pricing.domain.declared import LARGEST, ZERO
from pricing.domain.grants import HOURS_GRAIN, Cover
from pricing.errors import GrantExhausted, GrantRefused, LineExhausted
from pricing.models import Encumbrance, FundingLine, Grant
from pricing.services.lines import lock_line


@transaction.atomic
def create_grant(
    *,
    project: Project,
    funder: Organisation,
    name: str,
    purpose: str,
    valid_from: datetime,
    valid_until: datetime,
    amount: Decimal,
    at: datetime,
    hours: Decimal | None = None,
    line: FundingLine | None = None,
    by: User | None = None,
) -> Grant:
    """Give a project money for hours in a period; with `hours`, for so many device-hours at most.

    Out of a line the grant stays within what the line has left, its dates and its classes.
    """
    _require_sound(funder, name, purpose, amount, hours)
    if valid_until <= valid_from:
        raise GrantRefused(_("The end lies before the beginning."), field="valid_until")
    amount = rounded(amount)
    if line is not None:
        line = lock_line(line)
        _require_fit(line, funder, project, valid_from, valid_until, at)
        _commit(line, amount)
    grant = Grant.objects.create(
        project=project,
        funder=funder,
        line=line,
        name=name,
        purpose=purpose,
        valid=between(valid_from, valid_until),
        amount=amount,
        hours=None if hours is None else hours.quantize(HOURS_GRAIN),
        created_by=by,
        created_at=at,
    )
    if by is not None:
        _tell(grant, by, at)
    return grant


def _tell(grant: Grant, by: User, at: datetime) -> None:
    """The project's leads, but for who gave it."""
    leads = User.objects.filter(
        project_memberships__project=grant.project, project_memberships__role=ProjectMembership.Role.LEAD
    )
    notify(
        users=[lead for lead in leads if lead != by],
        kind="grant_received",
        params={
            "project": grant.project.name, "grant": grant.name, "funder": grant.funder.name,
            "amount_eur": grant.amount, "amount_hours": grant.hours and grant.hours.normalize(),
        },
        url=grant.project.get_absolute_url(), dedupe=f"grant:{grant.uid}", at=at,
    )  # fmt: skip


def _require_sound(
    funder: Organisation, name: str, purpose: str, amount: Decimal, hours: Decimal | None
) -> None:
    """What holds of every grant, whatever pays it."""
    if funder.kind != Organisation.Kind.FUNDER or funder.verified_at is None:
        raise GrantRefused(_("%(name)s is not a verified funder.") % {"name": funder}, field="funder")
    for field, text in (("name", name), ("purpose", purpose)):
        if not is_one_line(text):
            raise GrantRefused(
                _("Write it on one line, without line breaks or control characters."), field=field
            )
    if not amount.is_finite() or not 0 < amount <= LARGEST:
        raise GrantRefused(_("The amount must be above zero."), field="amount")
    if hours is not None and (not hours.is_finite() or not HOURS_GRAIN <= hours <= LARGEST):
        raise GrantRefused(_("Device-hours must be above zero."), field="hours")


def _require_fit(
    line: FundingLine,
    funder: Organisation,
    project: Project,
    valid_from: datetime,
    valid_until: datetime,
    at: datetime,
) -> None:
    """The conditions of the line, read under its lock."""
    if line.funder_id != funder.pk:
        raise GrantRefused(_("%(name)s has no such line.") % {"name": funder}, field="line")
    if line.closed_at is not None:
        raise GrantRefused(_("The line “%(line)s” is closed.") % {"line": line}, field="line")
    if valid_until <= at:
        raise GrantRefused(_("The end lies in the past."), field="valid_until")
    first, last = bounds(line.valid)
    if valid_from < first or last < valid_until:
        raise GrantRefused(
            _("The line “%(line)s” pays from %(start)s to %(end)s: a grant lies within that time.")
            % {"line": line, "start": formats.long_day(first), "end": formats.long_day(last)},
            field="valid_from" if valid_from < first else "valid_until",
        )
    _require_class(line, project, at)
    if not project.may_book_at(at):
        raise GrantRefused(
            _("%(project)s is suspended or over, and could not use it.") % {"project": project},
            field="project",
        )


def _require_class(line: FundingLine, project: Project, at: datetime) -> None:
    if not line.classes:
        return
    expires_at = project.class_expires_at
    names = ", ".join(str(Project.Class(one).label) for one in line.classes)
    said = {"line": line, "project": project, "classes": names, "class": project.get_project_class_display()}
    if project.project_class not in line.classes:
        message = _("The line “%(line)s” is for: %(classes)s. %(project)s is of the class %(class)s.")
        raise GrantRefused(message % said, field="project")
    if expires_at is not None and expires_at <= at:
        message = _("The class of %(project)s (%(class)s) has expired: it asks a steward for it anew.")
        raise GrantRefused(message % said, field="project")


def _commit(line: FundingLine, amount: Decimal) -> None:
    if amount > line.left:
        raise LineExhausted(
            _("The line “%(line)s” has %(left)s left of %(whole)s; this grant needs %(amount)s.")
            % {
                "line": line, "left": formats.money(line.left), "whole": formats.money(line.amount),
                "amount": formats.money(amount),
            },
            field="amount", left=line.left, needed=amount, short=amount - line.left,
        )  # fmt: skip
    FundingLine.objects.filter(pk=line.pk).update(committed=F("committed") + amount)


# Both run in every booking; as statements of their own they cost a third of what querysets do.
_FIELDS = [field.attname for field in Grant._meta.concrete_fields]
_LOCK = f"""
SELECT {", ".join(_FIELDS)} FROM pricing_grant WHERE project_id = %s ORDER BY id FOR NO KEY UPDATE
"""  # noqa: S608

# All parts or none, in one statement: a refusal leaves the transaction as it was.
_SET_ASIDE = """
WITH part AS (
    SELECT * FROM unnest(%(grants)s::bigint[], %(amounts)s::numeric[], %(hours)s::numeric[])
        AS part (grant_id, amount, hours)
), fits AS (
    SELECT count(*) = (SELECT count(*) FROM part) AS all_parts
      FROM part JOIN pricing_grant ON pricing_grant.id = part.grant_id
     WHERE pricing_grant.encumbered + pricing_grant.used + pricing_grant.returned + part.amount
           <= pricing_grant.amount
       AND (pricing_grant.hours IS NULL OR
            pricing_grant.hours_encumbered + pricing_grant.hours_used + part.hours <= pricing_grant.hours)
), raised AS (
    UPDATE pricing_grant
       SET encumbered = encumbered + part.amount, hours_encumbered = hours_encumbered + part.hours
      FROM part, fits
     WHERE pricing_grant.id = part.grant_id AND fits.all_parts
)
INSERT INTO pricing_encumbrance (grant_id, reference, amount, hours)
SELECT part.grant_id, %(reference)s, part.amount, part.hours FROM part, fits WHERE fits.all_parts
RETURNING id, grant_id, amount, hours
"""


def lock_grants(*, project_id: int) -> list[Grant]:
    """The project's grants, locked until the end of the transaction. Two who ask at once wait in turn."""
    with prepared() as cursor:
        cursor.execute(_LOCK, [project_id])
        return [Grant.from_db("default", _FIELDS, row) for row in cursor.fetchall()]


def encumber(*, grants: Sequence[Grant], cover: Cover, reference: str) -> list[Encumbrance]:
    """Set aside what the cover says, for this reference. Lock the grants before working out the cover."""
    if not cover.is_full:
        raise _exhausted(cover.short, cover.short_hours if _count_hours(grants) else ZERO)
    parts = cover.parts
    values: dict[str, Any] = {
        "grants": [part.grant_id for part in parts], "amounts": [part.amount for part in parts],
        "hours": [part.hours for part in parts], "reference": reference,
    }  # fmt: skip
    with prepared() as cursor:
        cursor.execute(_SET_ASIDE, values)
        made = cursor.fetchall()
    if len(made) < len(parts):
        raise _exhausted(*_missing(cover))
    by_id = {grant.id: grant for grant in grants}
    for part in parts:
        by_id[part.grant_id].encumbered += part.amount
        by_id[part.grant_id].hours_encumbered += part.hours
    return [
        Encumbrance(id=id, grant_id=grant, reference=reference, amount=amount, hours=hours)
        for id, grant, amount, hours in made
    ]


@transaction.atomic
def release_encumbrance(*, reference: str, at: datetime) -> None:
    """Give back everything still set aside for this reference."""
    for encumbrance in lock_encumbrances(reference=reference):
        settle_encumbrance(encumbrance, used=ZERO, hours_used=ZERO, at=at)


def lock_encumbrances(*, reference: str) -> list[Encumbrance]:
    """What is still set aside for this reference, earliest-expiring grant first; grants locked."""
    open_ones = Encumbrance.objects.filter(reference=reference, settled_at=None)
    list(
        Grant.objects.select_for_update(no_key=True)
        .filter(pk__in=open_ones.values("grant"))
        .order_by("id")
        .values_list("id")
    )
    found = open_ones.select_for_update(of=("self",)).select_related("grant").order_by("id")
    return sorted(found, key=lambda item: (item.grant.valid.upper, item.grant.valid.lower, item.grant_id))


def settle_encumbrance(encumbrance: Encumbrance, *, used: Decimal, hours_used: Decimal, at: datetime) -> None:
    """Book what was used, give the rest back. The grant is locked by the caller."""
    Grant.objects.filter(pk=encumbrance.grant_id).update(
        encumbered=F("encumbered") - encumbrance.amount,
        used=F("used") + used,
        hours_encumbered=F("hours_encumbered") - encumbrance.hours,
        hours_used=F("hours_used") + hours_used,
    )
    encumbrance.settled_at = at
    encumbrance.save(update_fields=["settled_at"])


def _missing(cover: Cover) -> tuple[Decimal, Decimal]:
    """How much the promised parts exceed what is left now: somebody was quicker, without our lock."""
    left = {grant.id: grant for grant in Grant.objects.filter(pk__in=[p.grant_id for p in cover.parts])}
    money, hours = ZERO, ZERO
    for part in cover.parts:
        grant = left[part.grant_id]
        money += max(part.amount - grant.left, ZERO)
        if grant.hours_left is not None:
            hours += max(part.hours - grant.hours_left, ZERO)
    return money, hours


def _count_hours(grants: Sequence[Grant]) -> bool:
    return any(grant.hours is not None for grant in grants)


def _exhausted(short: Decimal, short_hours: Decimal) -> GrantExhausted:
    if not short_hours:
        message = _("Your grants are %(amount)s short of the price of this slot.")
        return GrantExhausted(message % {"amount": formats.money(short)}, short=short)
    message = _("Your grants are %(amount)s and %(hours)s short of this slot.")
    said = {"amount": formats.money(short), "hours": formats.device_hours(short_hours.normalize(), 2)}
    return GrantExhausted(message % said, short=short, short_hours=short_hours)
