"""What grants and lines have given, counted again from the rows that say why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from django.db import transaction
from django.db.models import F, Sum
from django.utils.translation import gettext as _

from common import formats
from pricing.domain.declared import ZERO
from pricing.domain.grants import Part, settle_hours
from pricing.models import Charge, Encumbrance, FundingLine, Grant
from pricing.services.charges import device_hours_of


@dataclass
class _Given:
    """Of one grant: what is set aside, what was charged, and the device-hours of both."""

    encumbered: Decimal = ZERO
    used: Decimal = ZERO
    hours_encumbered: Decimal = ZERO
    hours_used: Decimal = ZERO

    @classmethod
    def stored(cls, grant: Grant) -> _Given:
        return cls(grant.encumbered, grant.used, grant.hours_encumbered, grant.hours_used)


def differences() -> list[str]:
    """Every grant and line whose numbers are not what its rows come to, in words."""
    counted = _counted()
    grants = Grant.objects.select_related("project").order_by("pk")
    return [
        *(text for grant in grants for text in _differing(grant, counted[grant.pk])),
        *(text for line in FundingLine.objects.order_by("pk") for text in _differing_line(line)),
    ]


@transaction.atomic
def recount() -> None:
    """Set every grant and line to what its rows come to. Lines are locked before grants, as everywhere."""
    lines = list(FundingLine.objects.select_for_update(no_key=True).order_by("pk"))
    grants = list(Grant.objects.select_for_update(no_key=True).order_by("pk"))
    counted = _counted()
    for grant in grants:
        if counted[grant.pk] != _Given.stored(grant):
            Grant.objects.filter(pk=grant.pk).update(**vars(counted[grant.pk]))
    for line in lines:
        if line.committed != (committed := _committed(line)):
            FundingLine.objects.filter(pk=line.pk).update(committed=committed)


def _counted() -> dict[int, _Given]:
    """By grant, those that nothing was taken out of as well."""
    found: dict[int, _Given] = defaultdict(_Given)
    ends = {grant.pk: (grant.valid.upper, grant.valid.lower, grant.pk) for grant in Grant.objects.all()}
    hours = _hours_charged()
    everyone = Encumbrance.objects.order_by("reference", "pk")
    for reference, of_slot in groupby(everyone.iterator(), key=lambda one: one.reference):
        settled = []
        for one in of_slot:
            if one.settled_at is not None:
                settled.append(one)
                continue
            found[one.grant_id].encumbered += one.amount
            found[one.grant_id].hours_encumbered += one.hours
        pool = [Part(one.grant_id, one.amount, one.hours) for one in settled]
        pool.sort(key=lambda part: ends[part.grant_id])
        for grant, used in settle_hours(pool, hours.get(reference, ZERO)).items():
            found[grant].hours_used += used
    for grant, amount in _paid():
        found[grant].used += amount
    return found


def _hours_charged() -> Mapping[str, Decimal]:
    """Device-hours of each slot that was charged."""
    hours: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for reference, item, quantity in Charge.objects.values_list("reference", "item", "quantity").iterator():
        hours[reference] += device_hours_of(item, quantity)
    return hours


def _paid() -> Iterator[tuple[int, Decimal]]:
    """What each row of money took out of which grant, or gave back to it."""
    ids = {str(uid): pk for pk, uid in Grant.objects.values_list("pk", "uid")}
    for grant, amount, detail in Charge.objects.values_list("grant", "amount", "detail").iterator():
        if "paid_by" in detail:
            for part in detail["paid_by"]:
                yield ids[part["grant"]], Decimal(part["amount"])
        elif grant is not None:
            yield grant, amount


def _committed(line: FundingLine) -> Decimal:
    given: Decimal | None = line.grants.aggregate(given=Sum(F("amount") - F("returned")))["given"]
    return given or ZERO


def _differing(grant: Grant, counted: _Given) -> Iterator[str]:
    stored, said = _Given.stored(grant), {"grant": grant.name, "project": grant.project}
    if (stored.encumbered, stored.used) != (counted.encumbered, counted.used):
        yield _(
            "The grant “%(grant)s” of %(project)s says %(set_aside)s set aside and %(used)s used; its rows "
            "come to %(rows_set_aside)s and %(rows_used)s."
        ) % (
            said
            | {
                "set_aside": formats.money(stored.encumbered, 6),
                "used": formats.money(stored.used, 6),
                "rows_set_aside": formats.money(counted.encumbered, 6),
                "rows_used": formats.money(counted.used, 6),
            }
        )
    if (stored.hours_encumbered, stored.hours_used) != (counted.hours_encumbered, counted.hours_used):
        yield _(
            "The grant “%(grant)s” of %(project)s says %(set_aside)s device-hours set aside and %(used)s "
            "used; its rows come to %(rows_set_aside)s and %(rows_used)s."
        ) % (
            said
            | {
                "set_aside": formats.number(stored.hours_encumbered, 8),
                "used": formats.number(stored.hours_used, 8),
                "rows_set_aside": formats.number(counted.hours_encumbered, 8),
                "rows_used": formats.number(counted.hours_used, 8),
            }
        )


def _differing_line(line: FundingLine) -> Iterator[str]:
    if line.committed != (committed := _committed(line)):
        yield _("The line “%(line)s” says %(stored)s given; its grants come to %(counted)s.") % {
            "line": line, "stored": formats.money(line.committed, 6), "counted": formats.money(committed, 6),
        }  # fmt: skip
