"""Handing a slot over to another member of its project."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import Notice, ProjectMembership
from accounts.services import members
from common import clock
from common.ranges import bounds
from nodes.models import HoldEvent
from reservations.errors import ChangeRefused, NotAKeeper, Refused
from reservations.models import Reservation, SlotChange
from reservations.services import booking, handing_over
from tests import factories
from tests.races import at_once, one_after_the_other, split
from tests.reservations.services.worlds import in_days, make_lab, make_open_node

HOUR = timedelta(hours=1)


@pytest.mark.django_db
def test_a_slot_that_is_handed_over_is_never_given_up() -> None:
    lab, node = make_lab(), make_open_node()
    lead, colleague = lab.join("lead"), lab.join()
    slot = lab.book([node.devices.first()], in_days(2))
    price = slot.quoted_price
    handing_over.hand_over(reservation=slot, to=colleague, by=lead, at=clock.now())
    slot.refresh_from_db()
    assert (slot.booked_by, slot.state, slot.quoted_price) == (colleague, "booked", price)
    assert HoldEvent.objects.count() == 1
    told = {notice.user: notice.params["outcome"] for notice in Notice.objects.all()}
    assert told == {lab.member: "given", colleague: "taken"}
    change = SlotChange.objects.get()
    assert (change.by, change.held_before, change.held_after) == (lead, lab.member, colleague)
    with pytest.raises(NotAKeeper):  # it is not theirs any more
        handing_over.hand_over(reservation=slot, to=lab.member, by=lab.member, at=clock.now())
    handing_over.hand_over(reservation=slot, to=lab.member, by=colleague, at=clock.now())
    assert SlotChange.objects.count() == 2


@pytest.mark.django_db
def test_who_gets_it_is_another_member_with_room_under_their_cap() -> None:
    lab, node = make_lab(), make_open_node()
    _lead, colleague, stranger = lab.join("lead"), lab.join(), factories.make_user()
    slot = lab.book([node.devices.first()], in_days(2))
    begins, ends = bounds(slot.during)
    now = clock.now()
    for to, said in ((stranger, "not a member"), (lab.member, "holds this slot already")):
        with pytest.raises(ChangeRefused, match=said):
            handing_over.hand_over(reservation=slot, to=to, by=lab.member, at=now)
    theirs = ProjectMembership.objects.filter(user=colleague)
    theirs.update(monthly_cap=Decimal("1.99"))
    with pytest.raises(ChangeRefused, match="may hold 1.99 device-hours"):
        handing_over.hand_over(reservation=slot, to=colleague, by=lab.member, at=now)
    theirs.update(monthly_cap=Decimal(2))
    handing_over.hand_over(reservation=slot, to=colleague, by=lab.member, at=begins + HOUR)
    with pytest.raises(ChangeRefused, match="over"):
        handing_over.hand_over(reservation=slot, to=lab.member, by=colleague, at=ends)
    # It counts in their cap, as if they had booked it, and no longer in the giver's.
    with pytest.raises(Refused) as refusal:
        lab.book([node.devices.last()], begins, asked_by=colleague)
    assert {rule.code for rule in refusal.value.answer.refusing} == {"member_cap"}
    gone = lab.book([node.devices.last()], in_days(5))
    booking.cancel(reservation=gone, by=lab.member, at=clock.now())
    with pytest.raises(ChangeRefused, match="cancelled"):
        handing_over.hand_over(reservation=gone, to=colleague, by=lab.member, at=clock.now())


@pytest.mark.django_db(transaction=True)
def test_nobody_who_is_being_removed_is_handed_a_slot() -> None:
    """Removed first, it is refused; handed over first, the slot stays the project's, as all of theirs do."""
    lab, node = make_lab(), make_open_node()
    lead, colleague = lab.join("lead"), lab.join()
    slot = lab.book([node.devices.first()], in_days(2))
    at = clock.now()
    _removed, handed = one_after_the_other(
        lambda: members.remove(of=lab.project, member=colleague, by=lead, at=at),
        lambda: handing_over.hand_over(reservation=slot, to=colleague, by=lab.member, at=at),
        held_up_at=Notice,
    )
    assert isinstance(handed, ChangeRefused)
    slot.refresh_from_db()
    assert slot.booked_by == lab.member


@pytest.mark.django_db(transaction=True)
def test_a_slot_handed_over_twice_at_once_ends_with_one_holder_and_both_written_down() -> None:
    lab, node = make_lab(), make_open_node()
    lead, *colleagues = lab.join("lead"), lab.join(), lab.join()
    slot = lab.book([node.devices.first()], in_days(2))
    calls = [
        lambda to=to: handing_over.hand_over(reservation=slot, to=to, by=lead, at=clock.now())
        for to in colleagues
    ]
    _made, refused = split(at_once(*calls, meeting_at=SlotChange))
    assert refused == []
    first, second = SlotChange.objects.all()
    assert first.held_before == lab.member
    assert second.held_before == first.held_after
    assert Reservation.objects.get().booked_by == second.held_after
