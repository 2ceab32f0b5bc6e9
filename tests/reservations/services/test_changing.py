"""Moving a slot before it begins, and extending it at its end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from accounts.models import Notice, ProjectMembership, User
from common import clock
from common.ranges import bounds
from nodes.models import Device, Hold, HoldEvent
from pricing.models import Charge, Encumbrance, Grant
from reservations.domain import slots as time
from reservations.errors import CancelRefused, ChangeRefused, NotAKeeper, NotAMember, Refused
from reservations.management.commands.replay_decisions import difference_of
from reservations.models import Decision, Reservation, Run, SharedCell, SlotChange, Vertex
from reservations.services import booking, changing, dispatch, settle
from tests.races import at_once, split
from tests.reservations.services.test_dispatch import lease_of
from tests.reservations.services.test_runs import queue
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node, make_rules

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def uids(devices: Sequence[Device]) -> list[UUID]:
    return [device.uid for device in devices]


def move(reservation: Reservation, by: User, **changes: Any) -> Reservation:
    """To the same devices and length, an hour later, unless said otherwise."""
    start, end = bounds(reservation.during)
    fields = {
        "devices": [*reservation.devices.values_list("device__uid", flat=True)],
        "start": start + HOUR, "end": end + HOUR, "at": clock.now(),
    } | changes  # fmt: skip
    return changing.move(reservation=reservation, by=by, **fields)


def state_of(lab: Lab) -> tuple[Any, ...]:
    """Everything that a refusal must leave as it was."""
    return (
        sorted(Hold.objects.values_list("uid", "during", "reference")),
        sorted(HoldEvent.objects.values_list("pk", flat=True)),
        sorted(Encumbrance.objects.values_list("pk", "amount", "settled_at")),
        sorted(Grant.objects.values_list("pk", "encumbered", "used")),
        Vertex.objects.get(pk=lab.vertex.pk).committed,
        sorted(Reservation.objects.values_list("pk", "state", "cancelled_at", "during")),
        sorted(Run.objects.values_list("pk", "reservation", "state")),
    )


# --- moving -------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_slot_is_moved_whole_and_its_own_time_counts_as_free() -> None:
    lab, node = make_lab(), make_open_node()
    devices = list(node.devices.all())
    old = lab.book(devices[:2], in_days(3))
    start, end = bounds(old.during)
    queued = queue(old, lab.member)
    new = move(old, lab.member, devices=uids(devices[:3]))  # an hour later, so that they overlap
    old.refresh_from_db()
    assert (old.state, old.settled_at is None) == (Reservation.State.CANCELLED, False)
    assert (new.descendant_of, new.change, new.booked_by) == (old, "moved", lab.member)
    assert bounds(new.during) == (start + HOUR, end + HOUR)
    assert Hold.objects.count() == 3
    assert Encumbrance.objects.get(settled_at=None).reference == new.reference
    assert Grant.objects.get().encumbered == new.quoted_price
    weight = new.devices.first().weight  # type: ignore[union-attr]
    assert Vertex.objects.get(pk=lab.vertex.pk).committed == 6 * weight
    queued.refresh_from_db()
    assert (queued.reservation, queued.state) == (new, Run.State.QUEUED)
    assert [change.kind for change in old.changes.all()] == ["moved"]
    assert not Notice.objects.exists()  # whoever did it knows
    decision = new.decision
    decision.refresh_from_db()
    assert difference_of(decision) == ""


@pytest.mark.django_db
def test_a_move_that_is_refused_changes_nothing_and_stores_why() -> None:
    lab, other, node = make_lab(), make_lab(), make_open_node(devices=2)
    devices = list(node.devices.all())
    mine, start = lab.book(devices[:1], in_days(3)), in_days(3)
    other.book(devices, start + 4 * HOUR)
    queue(mine, lab.member)
    before = state_of(lab)
    bad: list[dict[str, Any]] = [
        {"start": start + 4 * HOUR, "end": start + 6 * HOUR},  # taken
        {"start": start - 5 * DAY, "end": start - 5 * DAY + 2 * HOUR},  # in the past
        {"start": start + 40 * DAY, "end": start + 40 * DAY + HOUR},  # beyond the horizon
        {"start": start, "end": start},  # to nothing
        {"start": start, "end": start - HOUR},
        {"start": start, "end": start + 8 * DAY},  # too long
    ]
    for wanted in bad:
        with pytest.raises(Refused, match="Nothing has changed") as refusal:
            move(mine, lab.member, **wanted)
        assert state_of(lab) == before
        stored: Decision = refusal.value.decision
        assert (stored.outcome, stored.asked_by) == ("refused", lab.member)
        assert difference_of(stored) == ""
    with pytest.raises(ChangeRefused, match="That is the slot that you have"):
        move(mine, lab.member, start=start, end=start + 2 * HOUR)
    answer = changing.preview_move(
        reservation=mine, devices=uids(devices[:1]), start=start + HOUR, end=start + 3 * HOUR, by=lab.member,
        at=clock.now(),
    )  # fmt: skip
    assert answer.is_granted
    assert state_of(lab) == before


@pytest.mark.django_db
def test_alternatives_to_a_refused_move_say_that_they_are_moves() -> None:
    lab, other, node = make_lab(), make_lab(), make_open_node(devices=2)
    devices = list(node.devices.all())
    slot = lab.book(devices[:1], in_days(3))
    end = bounds(slot.during)[1]
    other.book(devices[:1], end + HOUR)
    with pytest.raises(Refused) as refusal:
        move(slot, lab.member, start=end, end=end + 2 * HOUR)
    offers = refusal.value.details["alternatives"]
    assert {(one["change"], one["of"]) for one in offers} == {("moved", str(slot.uid))}
    other.book(devices[:1], end + 3 * HOUR)
    with pytest.raises(Refused) as refusal:  # an extension leads to slots of their own
        changing.extend(reservation=slot, end=end + 2 * HOUR, by=lab.member, at=clock.now())
    assert not [one for one in refusal.value.details["alternatives"] if "of" in one]


@pytest.mark.django_db
def test_a_preview_of_a_move_leaves_no_row_behind() -> None:
    make_rules()
    lab, node = make_lab(project_class="commercial"), make_open_node()
    slot = lab.book([node.devices.first()], in_days(3))
    start, before = bounds(slot.during)[0], SharedCell.objects.count()
    for weeks in (1, 2, 3):
        changing.preview_move(
            reservation=slot, devices=[node.devices.get(index=1).uid], start=start + weeks * 7 * DAY,
            end=start + weeks * 7 * DAY + HOUR, by=lab.member, at=clock.now(),
        )  # fmt: skip
    assert SharedCell.objects.count() == before


@pytest.mark.django_db
def test_the_level_of_a_previewed_move_begins_with_the_one_that_is_seen_now() -> None:
    lab, other, node = make_lab(), make_lab(), make_open_node()
    devices, at = list(node.devices.all()), clock.now()
    other.book(devices[2:3], in_days(2))
    slot = lab.book(devices[:2], in_days(3), hours=4)
    start, end = bounds(slot.during)

    def level() -> Decimal | None:
        asked = {"devices": uids(devices[3:]), "start": start + DAY, "end": end + DAY}
        return booking.preview(project=lab.project, asked_by=lab.member, at=at, **asked).level.before

    seen, fields = level(), {"devices": uids(devices[:1]), "start": start, "end": end - HOUR, "at": at}
    told = changing.preview_move(reservation=slot, by=lab.member, **fields).level
    assert told.before == seen
    moved = move(slot, lab.member, **fields)
    assert told.after == level()
    # The engine's own answer, which is stored, begins with the slot given up.
    before = Decimal(moved.decision.quote["level"]["before"] or "Infinity")
    assert before > Decimal(moved.decision.quote["level"]["after"]) == told.after


@pytest.mark.django_db
def test_only_a_slot_that_has_not_begun_is_moved_by_who_holds_it_or_leads() -> None:
    lab, node = make_lab(), make_open_node()
    lead, colleague, stranger = lab.join("lead"), lab.join(), make_lab().member
    slot = lab.book([node.devices.first()], in_days(3))
    start, _end = bounds(slot.during)
    for by, error in ((colleague, NotAKeeper), (stranger, NotAMember)):
        with pytest.raises(error):
            move(slot, by)
    for at in (start, start + HOUR, start + DAY):
        with pytest.raises(CancelRefused):
            move(slot, lead, at=at)
    moved = move(slot, lead)
    assert (moved.booked_by, moved.decision.asked_by) == (lab.member, lead)
    (notice,) = Notice.objects.all()
    assert (notice.user, notice.kind, notice.url) == (lab.member, "slot_changed", moved.get_absolute_url())
    with pytest.raises(CancelRefused, match="cancelled already"):
        move(slot, lead)
    again = move(moved, lab.member)
    assert again.descendant_of == moved


@pytest.mark.django_db
def test_a_late_move_pays_what_nobody_else_takes_and_kept_hours_once() -> None:
    lab, other, node = make_lab(), make_lab(), make_open_node(devices=1)
    (device,) = node.devices.all()
    now = clock.now()
    start = time.mark_after(now + 20 * HOUR)
    old = lab.book([device], start, hours=4, at=now)
    new = move(old, lab.member, start=start + 2 * HOUR, end=start + 6 * HOUR)
    old.refresh_from_db()
    assert old.settled_at is None
    assert Grant.objects.get(project=lab.project).encumbered == old.quoted_price + new.quoted_price
    other.book([device], start, hours=1)
    settle.settle_ended(at=start + 6 * HOUR)
    price = old.quoted_price / 4

    def charged(reservation: Reservation) -> Decimal:
        rows = Charge.objects.filter(reference=reservation.reference)
        return sum((row.amount for row in rows), Decimal(0)).quantize(Decimal("0.0001"))

    # Of four hours: one taken by somebody else, one by nobody, two kept by the moved slot.
    assert charged(old) == price.quantize(Decimal("0.0001"))
    assert charged(new) == (4 * price).quantize(Decimal("0.0001"))


@pytest.mark.django_db
def test_moving_late_and_cancelling_freely_afterwards_pays_as_cancelling_does() -> None:
    lab, node = make_lab(), make_open_node()
    now = clock.now()
    old = lab.book([node.devices.first()], time.mark_after(now + 20 * HOUR), at=now)
    new = move(old, lab.member, start=in_days(9), end=in_days(9) + 2 * HOUR)
    booking.cancel(reservation=new, by=lab.member, at=clock.now())
    settle.settle_ended(at=bounds(old.during)[1])
    assert sum(row.amount for row in Charge.objects.all()) == old.quoted_price


@pytest.mark.django_db
def test_jobs_go_with_the_slot_as_far_as_their_nodes_do() -> None:
    lab, here, there = make_lab(), make_open_node(), make_open_node()
    now = clock.now()
    start = time.mark_after(now + HOUR)
    old = lab.book([here.devices.first(), there.devices.first()], start, at=now)
    staged, left = queue(old, lab.member, node=here), queue(old, lab.member, node=there)
    assert dispatch.dispatch_due(at=start - timedelta(minutes=4)) == 2
    at = start - timedelta(minutes=3)
    new = move(old, lab.member, devices=uids([here.devices.first()]), at=at)
    (again,) = new.runs.all()
    assert (again.script, again.state, again.node) == (staged.script, Run.State.QUEUED, here)
    assert lease_of(staged).end_reason == lease_of(left).end_reason == "stopped"


@pytest.mark.django_db(transaction=True)
def test_two_who_move_onto_one_slot_at_once_do_not_both_get_it() -> None:
    node = make_open_node(devices=3)
    wanted, *devices = node.devices.all()
    start = in_days(4)
    labs = [make_lab(), make_lab()]
    mine = [lab.book([device], start) for lab, device in zip(labs, devices, strict=True)]
    moves = [
        lambda slot=slot, lab=lab: move(slot, lab.member, devices=[wanted.uid], start=start, end=start + HOUR)
        for slot, lab in zip(mine, labs, strict=True)
    ]
    made, refused = split(at_once(*moves, meeting_at=HoldEvent))
    assert (len(made), len(refused)) == (1, 1)
    assert isinstance(refused[0], Refused)
    assert Reservation.objects.filter(state="booked").count() == 2
    assert Hold.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_who_exchange_their_devices_at_once_do_not_wait_for_each_other() -> None:
    node = make_open_node(devices=2)
    labs = [make_lab(), make_lab()]
    devices, start = list(node.devices.all()), in_days(4)
    slots = [lab.book([device], start) for lab, device in zip(labs, devices, strict=True)]
    moves = [
        lambda slot=slot, lab=lab, to=to: move(slot, lab.member, devices=[to.uid], start=start)
        for slot, lab, to in zip(slots, labs, reversed(devices), strict=True)
    ]
    made, refused = split(at_once(*moves, meeting_at=HoldEvent))
    assert made == []  # each still holds what the other wants
    assert {type(one) for one in refused} == {Refused}
    assert Reservation.objects.filter(state="booked").count() == 2


@pytest.mark.django_db(transaction=True)
def test_one_slot_moved_twice_at_once_is_moved_once() -> None:
    lab, node = make_lab(), make_open_node()
    slot = lab.book([node.devices.first()], in_days(4))
    made, refused = split(at_once(*[lambda: move(slot, lab.member)] * 4))
    assert len(made) == 1
    assert {type(one) for one in refused} == {CancelRefused}
    assert Grant.objects.get().encumbered == made[0].quoted_price


@pytest.mark.django_db(transaction=True)
def test_a_slot_moved_and_cancelled_at_once_is_given_up_once() -> None:
    lab, node = make_lab(), make_open_node()
    slot = lab.book([node.devices.first()], in_days(4))
    answers = at_once(
        lambda: move(slot, lab.member),
        lambda: booking.cancel(reservation=slot, by=lab.member, at=clock.now()),
    )
    _made, refused = split(answers)
    assert [type(one) for one in refused] == [CancelRefused]
    live = Reservation.objects.filter(state="booked").count()
    assert Hold.objects.count() == live
    assert HoldEvent.objects.filter(reference=slot.reference, event="cancelled").count() == 1


# --- extending ----------------------------------------------------------------------
@pytest.mark.django_db
def test_an_extension_is_decided_on_its_own_hours_and_keeps_the_price_of_the_others() -> None:
    lab, node = make_lab(), make_open_node()
    slot = lab.book([node.devices.first()], None)
    start, end = bounds(slot.during)
    before = slot.quoted_price
    first, second = queue(slot, lab.member), queue(slot, lab.member)
    longer = changing.extend(reservation=slot, end=end + HOUR, by=lab.member, at=start + HOUR)
    slot.refresh_from_db()
    assert (slot.state, slot.quoted_price, bounds(slot.during)[1]) == ("booked", before, end)
    assert (longer.descendant_of, longer.change) == (slot, "extended")
    assert bounds(longer.during) == (end, end + HOUR)
    assert [one.device_id for one in longer.devices.all()] == [one.device_id for one in slot.devices.all()]
    with pytest.raises(ChangeRefused, match="extend the one that follows"):
        changing.extend(reservation=slot, end=end + 2 * HOUR, by=lab.member, at=start + HOUR)
    # What waits at the end goes on in the added hours, and not before.
    assert dispatch.dispatch_due(at=end - timedelta(minutes=10)) == 1
    second.refresh_from_db()
    assert second.reservation == slot
    dispatch.dispatch_due(at=end)
    second.refresh_from_db()
    assert (second.reservation, second.number, first.pk != second.pk) == (longer, 1, True)
    assert lease_of(second).ends_at == end + HOUR
    assert [change.kind for change in SlotChange.objects.all()] == ["extended"]


@pytest.mark.django_db
def test_an_extension_over_somebodys_hold_is_refused_and_leaves_all_as_it_was() -> None:
    lab, other, node = make_lab(), make_lab(), make_open_node(devices=1)
    slot = lab.book([node.devices.first()], in_days(2))
    end = bounds(slot.during)[1]
    other.book([node.devices.first()], end + HOUR)
    before = state_of(lab)
    with pytest.raises(Refused) as refusal:
        changing.extend(reservation=slot, end=end + 2 * HOUR, by=lab.member, at=clock.now())
    assert {rule.code for rule in refusal.value.answer.refusing} == {"free"}
    assert state_of(lab) == before
    with pytest.raises(Refused):
        changing.extend(reservation=slot, end=end, by=lab.member, at=clock.now())
    with pytest.raises(ChangeRefused, match="over"):
        changing.extend(reservation=slot, end=end + HOUR, by=lab.member, at=end)
    with pytest.raises(NotAKeeper):
        changing.extend(reservation=slot, end=end + HOUR, by=lab.join(), at=clock.now())


@pytest.mark.django_db
def test_a_moved_slot_takes_its_extension_along_where_they_still_touch() -> None:
    lab, node = make_lab(), make_open_node()
    slot = lab.book([node.devices.first()], in_days(3), hours=2)
    start, end = bounds(slot.during)
    longer = changing.extend(reservation=slot, end=end + HOUR, by=lab.member, at=clock.now())
    moved = move(slot, lab.member, start=start + HOUR, end=end)
    longer.refresh_from_db()
    assert longer.descendant_of == moved
    with pytest.raises(ChangeRefused, match="extend the one that follows"):
        changing.extend(reservation=moved, end=end + 2 * HOUR, by=lab.member, at=clock.now())
    waiting = queue(moved, lab.member)
    assert Run.objects.filter(changing.goes_on(clock.now()), pk=waiting.pk).exists()
    away = move(moved, lab.member, start=start, end=end - HOUR)
    assert not Run.objects.filter(changing.goes_on(clock.now()), reservation=away).exists()


@pytest.mark.django_db
def test_a_preview_of_an_extension_asks_as_whoever_holds_the_slot() -> None:
    lab, node = make_lab(), make_open_node()
    lead = lab.join("lead")
    ProjectMembership.objects.filter(user=lab.member).update(monthly_cap=Decimal(2))
    slot = lab.book([node.devices.first()], in_days(2))
    end = bounds(slot.during)[1]
    fields: dict[str, Any] = {"reservation": slot, "end": end + HOUR, "by": lead, "at": clock.now()}
    told = changing.preview_extension(**fields)
    with pytest.raises(Refused) as refusal:
        changing.extend(**fields)
    assert [rule.code for rule in told.refusing] == ["member_cap"]
    assert [rule.code for rule in refusal.value.answer.refusing] == ["member_cap"]
    with pytest.raises(NotAMember):
        changing.preview_extension(**fields | {"by": make_lab().member})


@pytest.mark.django_db(transaction=True)
def test_one_slot_extended_twice_at_once_goes_on_in_one() -> None:
    lab, node = make_lab(), make_open_node()
    slot = lab.book([node.devices.first()], in_days(2))
    end = bounds(slot.during)[1]
    extensions = [
        lambda hours=hours: changing.extend(
            reservation=slot, end=end + hours * HOUR, by=lab.member, at=clock.now()
        )
        for hours in (1, 2, 3)
    ]
    made, refused = split(at_once(*extensions))
    assert len(made) == 1
    assert {type(one) for one in refused} == {ChangeRefused}
