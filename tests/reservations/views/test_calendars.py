"""Slots as calendar files: whose, what they say, how often they ask the database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from common import clock
from common.ranges import between, bounds
from reservations.models import Reservation
from reservations.services import booking, releasing
from tests.reservations.services.worlds import in_days, make_lab, make_open_node
from tests.reservations.views.cast import make_cast
from tests.reservations.views.test_changing import begun, signed_in

pytestmark = pytest.mark.django_db


def lines_of(user: User | None, address: str) -> list[str]:
    answer = signed_in(user, "get", address)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.headers["Content-Disposition"].endswith('.ics"')
    return answer.content.replace(b"\r\n ", b"").decode().split("\r\n")


def test_a_slot_is_an_event_for_the_members_of_its_project() -> None:
    cast = make_cast(name="Protein, shapes")
    slot = cast.book()
    address = f"/reservations/{slot.uid}.ics"
    assert cast.statuses("get", address) == {
        "stranger": 302, "outsider": 404, "member": 200, "lead": 200, "steward": 404,
    }  # fmt: skip
    lines = lines_of(cast.member, address)
    start, end = bounds(slot.during)
    host = settings.SITE_ORIGIN.split("//")[1]
    for line in (
        "X-WR-CALNAME:Protein\\, shapes", f"UID:{slot.uid}@{host}", "STATUS:CONFIRMED", "SEQUENCE:0",
        f"DTSTART:{start:%Y%m%dT%H%M%SZ}",
        f"DTEND:{end:%Y%m%dT%H%M%SZ}", f"URL:{settings.SITE_ORIGIN}/reservations/{slot.uid}/",
    ):  # fmt: skip
        assert line in lines
    assert lines_of(cast.member, address) == lines  # later, too
    booking.cancel(reservation=slot, by=cast.member, at=clock.now())
    cancelled = lines_of(cast.member, address)
    assert {"STATUS:CANCELLED", "SEQUENCE:1"} <= {*cancelled}


def test_a_slot_released_early_ends_then() -> None:
    lab = make_lab()
    slot = begun(lab)
    at = clock.now()
    released = releasing.release(reservation=slot, by=lab.member, when="now", at=at)
    assert released.released_at is not None
    lines = lines_of(lab.member, f"/reservations/{slot.uid}.ics")
    assert f"DTEND:{released.released_at:%Y%m%dT%H%M%SZ}" in lines
    assert "STATUS:CONFIRMED" in lines


def test_ones_own_slots_of_all_projects_are_one_calendar() -> None:
    """Not those of other members, nor of projects that one has left, nor what is long over."""
    lab, node = make_lab(), make_open_node()
    colleague, _lead = lab.join(), lab.join("lead")
    devices = list(node.devices.all())
    mine = [lab.book([devices[0]], in_days(day)) for day in (1, 2)]
    theirs = lab.book([devices[1]], in_days(1), asked_by=colleague)
    old = lab.book([devices[2]], in_days(1))
    ago = clock.now() - timedelta(days=40)
    Reservation.objects.filter(pk=old.pk).update(during=between(ago, ago + timedelta(hours=1)))

    def uids(user: User) -> list[str]:
        return [line[4:40] for line in lines_of(user, "/slots.ics") if line.startswith("UID:")]

    assert uids(lab.member) == [str(one.uid) for one in mine]
    assert uids(colleague) == [str(theirs.uid)]
    assert signed_in(None, "get", "/slots.ics").status_code == 302
    lab.project.memberships.filter(user=colleague).delete()
    assert uids(colleague) == []


def test_however_many_slots_there_are_it_asks_as_often() -> None:
    lab, node = make_lab(), make_open_node()
    devices = list(node.devices.all())

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            lines_of(lab.member, "/slots.ics")
        return len(queries)

    lab.book([devices[0]], in_days(1))
    before = asked()
    for day in (2, 3, 4):
        lab.book(devices[:2], in_days(day))
    assert asked() == before
