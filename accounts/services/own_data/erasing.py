"""Deleting an account: what stands in the way, what goes, what stays, and doing it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.errors import ErasureRefused
from accounts.models import User
from accounts.services.own_data.parts import Stop, from_above, from_below


@dataclass(frozen=True)
class Plan:
    """What deleting would do, said before it is done."""

    stops: list[Stop]
    goes: list[str]
    stays: list[str]


def plan(*, user: User, at: datetime) -> Plan:
    parts = from_below()
    return Plan(
        stops=[stop for part in parts for stop in part.stops(user, at)],
        goes=[sentence for part in parts for sentence in part.goes(user)],
        stays=[sentence for part in parts for sentence in part.stays(user)],
    )


@transaction.atomic
def erase(*, user: User, at: datetime) -> None:
    """Forget who this person was. A second time changes nothing.

    All locks are taken before anything is looked at: what would stand in the way cannot come up meanwhile.
    """
    for part in from_above():
        part.lock(user)
    person = User.objects.get(pk=user.pk)
    if person.erased_at is not None:
        return
    stops = [stop for part in from_below() for stop in part.stops(person, at)]
    if stops:
        raise ErasureRefused(stops[0].message, stops=[stop.message for stop in stops])
    for part in from_above():
        part.erase(person, at)
