from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from common import clock
from common.ranges import between
from ledger.models import Entry
from nodes.models import Hold, HoldEvent, Lease, Node
from nodes.services import occupancy
from pricing.models import Encumbrance, Grant
from pricing.selectors import rates
from reservations.domain.engines import CURRENT
from reservations.errors import (
    CancelRefused,
    NoPolicy,
    NoShare,
    NotAKeeper,
    NotAMember,
    Refused,
    UnknownDevice,
)
from reservations.management.commands.replay_decisions import difference_of
from reservations.models import Capacity, Decision, Reservation, Vertex
from reservations.selectors import decisions
from reservations.services import booking, capacity, dispatch, shares
from tests import factories
from tests.races import at_once, split
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node


def committed(lab: Lab) -> Decimal:
    return Vertex.objects.get(pk=lab.vertex.pk).committed


def refusing(refusal: Refused) -> set[str]:
    return {rule.code for rule in refusal.answer.refusing}


# --- booking ---
@pytest.mark.django_db
def test_a_booking_holds_devices_sets_money_aside_and_counts_at_once() -> None:
    lab, node = make_lab(), make_open_node()
    devices = list(node.devices.all()[:2])
    start = in_days(2)
    reservation = lab.book(devices, start, hours=3)

    assert reservation.state == Reservation.State.BOOKED
    holds = Hold.objects.filter(reference=reservation.reference)
    assert {hold.device_id for hold in holds} == {device.pk for device in devices}
    assert all(hold.during == between(start, start + timedelta(hours=3)) for hold in holds)
    assert {one.hold_uid for one in reservation.devices.all()} == {hold.uid for hold in holds}
    weight, to_pay = (
        reservation.devices.first().weight,
        sum(d.price + d.fee for d in reservation.devices.all()),
    )
    assert reservation.quoted_price == (3 * to_pay).quantize(Decimal("0.000001"))
    assert Encumbrance.objects.get(reference=reservation.reference).amount == reservation.quoted_price
    assert Grant.objects.get(project=lab.project).encumbered == reservation.quoted_price
    assert committed(lab) == 6 * weight


@pytest.mark.django_db
def test_the_decision_is_stored_replays_and_only_its_digest_is_public() -> None:
    lab, node = make_lab(name="Quiet project"), make_open_node()
    decision = lab.book([node.devices.first()], in_days(2)).decision
    decision.refresh_from_db()
    assert decision.outcome == "granted"
    assert difference_of(decision) == ""
    fact = Entry.objects.get(pk=decision.entry_id).fact
    assert fact["body"] == {
        "decision": str(decision.uid), "policy": 1, "engine": CURRENT,
        "outcome": "granted", "digest": decision.digest,
    }  # fmt: skip
    stored = str([decision.request, decision.snapshot, decision.rules, decision.quote])
    assert lab.member.email not in stored
    assert str(lab.member.uid) not in stored


@pytest.mark.django_db
def test_a_slot_without_a_start_starts_now() -> None:
    lab, node, now = make_lab(), make_open_node(), clock.now()
    reservation = lab.book([node.devices.first()], None, at=now)
    assert reservation.during.lower == now


@pytest.mark.django_db
def test_a_device_asked_for_twice_is_booked_once() -> None:
    lab, node = make_lab(), make_open_node()
    device = node.devices.first()
    assert lab.book([device, device], in_days(2)).devices.count() == 1


@pytest.mark.django_db
def test_a_first_job_is_queued_with_the_slot() -> None:
    lab, node = make_lab(), make_open_node()
    reservation = lab.book(
        [node.devices.first()], in_days(2), job=booking.JobSpec("echo hello", bring_back=["*.txt"])
    )
    run = reservation.runs.get()
    assert (run.script, run.bring_back, run.node_id) == ("echo hello", ["*.txt"], node.pk)


# --- refusals ---
@pytest.mark.django_db
def test_a_refusal_is_stored_for_good_and_nothing_else_is() -> None:
    lab, node = make_lab(budget="0.01"), make_open_node()
    with pytest.raises(Refused) as refusal:
        lab.book([node.devices.first()], in_days(2))
    assert refusing(refusal.value) == {"budget"}
    assert refusal.value.message == "Not booked: one rule stands in the way."
    decision = Decision.objects.get()
    assert decision == refusal.value.decision
    assert decision.outcome == "refused"
    assert decisions.answer_of(decision) == refusal.value.answer
    assert difference_of(decision) == ""
    assert not Hold.objects.exists()
    assert not Reservation.objects.exists()
    assert committed(lab) == 0


@pytest.mark.django_db(transaction=True)
def test_a_refusals_decision_survives_the_error() -> None:
    """Committed in a transaction of its own: raising inside it would take the record away."""
    lab, node = make_lab(budget="0.01"), make_open_node()
    with pytest.raises(Refused) as refusal:
        lab.book([node.devices.first()], in_days(2))
    assert Decision.objects.filter(pk=refusal.value.decision.pk).exists()
    assert Entry.objects.filter(kind="decision").count() == 1


@pytest.mark.django_db
def test_a_taken_slot_names_the_public_holder_until_when_and_what_is_free_next() -> None:
    node = make_open_node(devices=1)
    first, second = make_lab(name="Coastal flood atlas", uses_public_money=True), make_lab()
    start = in_days(2)
    first.book([node.devices.first()], start, hours=3)
    with pytest.raises(Refused) as refusal:
        second.book([node.devices.first()], start + timedelta(hours=1))
    (free,) = refusal.value.answer.refusing
    assert free.facts["holders"][0]["holder"] == "Coastal flood atlas"
    assert refusal.value.answer.nearest.start == start + timedelta(hours=3)
    said = next(rule for rule in refusal.value.details["rules"] if rule["code"] == "free")
    assert said["text"].startswith("Held by Coastal flood atlas until ")
    assert second.book([node.devices.first()], refusal.value.answer.nearest.start)


@pytest.mark.django_db
def test_a_project_without_public_money_is_named_by_a_pseudonym() -> None:
    node = make_open_node(devices=1)
    first, second = make_lab(name="Quiet project"), make_lab()
    first.book([node.devices.first()], in_days(2))
    with pytest.raises(Refused) as refusal:
        second.book([node.devices.first()], in_days(2))
    assert "Quiet project" not in str(refusal.value.decision.snapshot)
    assert refusal.value.decision.snapshot["taken"][0]["holder"].startswith("project t")


@pytest.mark.django_db
def test_maintenance_is_told_as_such() -> None:
    lab, node = make_lab(), make_open_node(devices=1)
    start = in_days(2)
    during = between(start, start + timedelta(hours=5))
    ids = [device.pk for device in node.devices.all()]
    occupancy.close_devices(device_ids=ids, during=during, kind="closure", reason="Fans", at=clock.now())
    with pytest.raises(Refused) as refusal:
        lab.book([node.devices.first()], start)
    said = next(rule for rule in refusal.value.details["rules"] if rule["code"] == "free")
    assert said["text"].startswith("Closed for maintenance until ")


@pytest.mark.django_db
def test_a_node_without_published_prices_is_not_booked() -> None:
    factories.make_policy()
    lab, node = make_lab(), factories.make_node()
    with pytest.raises(Refused) as refusal:
        lab.book([node.devices.first()], in_days(2))
    assert refusing(refusal.value) == {"price"}


@pytest.mark.django_db
def test_only_members_book() -> None:
    lab, other, node = make_lab(), make_lab(), make_open_node()
    for ask in (booking.book, booking.preview):
        with pytest.raises(NotAMember):
            ask(
                project=lab.project, devices=[node.devices.first().uid], start=in_days(2),
                end=in_days(3), asked_by=other.member, at=clock.now(),
            )  # fmt: skip
    assert not Decision.objects.exists()


@pytest.mark.django_db
def test_devices_that_nobody_may_book_do_not_exist() -> None:
    lab, node = make_lab(), make_open_node()
    draft = factories.make_node(state="draft")
    for uids in ([uuid4()], [node.devices.first().uid, draft.devices.first().uid], []):
        with pytest.raises(UnknownDevice):
            booking.book(
                project=lab.project,
                devices=uids,
                start=in_days(2),
                end=in_days(3),
                asked_by=lab.member,
                at=clock.now(),
            )


@pytest.mark.django_db
def test_without_a_policy_or_a_share_nothing_is_booked() -> None:
    member = factories.make_user()
    project = factories.make_project(member)
    node = factories.make_node()
    ask = partial(
        booking.book, project=project, devices=[node.devices.first().uid], start=None, end=in_days(1),
        asked_by=member, at=clock.now(),
    )  # fmt: skip
    with pytest.raises(NoShare):
        ask()
    factories.make_vertex(project)
    with pytest.raises(NoPolicy):
        ask()


# --- rules against the database ---
@pytest.mark.django_db
def test_what_the_project_holds_counts_against_room_and_model_week_by_week() -> None:
    lab, node = make_lab(), make_open_node(devices=2)
    devices = list(node.devices.all())
    start = in_days(8).replace(hour=22, minute=0, second=0, microsecond=0)
    monday = start + timedelta(days=(6 - start.weekday()))  # 22:00 on a Sunday
    lab.book(devices, monday, hours=4)
    snapshot = lab.book(devices[:1], monday + timedelta(hours=4), hours=1).decision.snapshot
    weights = [one.weight for one in lab.project.reservations.first().devices.all()]
    assert Fraction(snapshot["standing"]["held"]) == 8 * Fraction(weights[0])
    (model,) = snapshot["models"]
    assert [held["hours"] for held in model["held"]] == ["4", "4"]
    assert model["held"][0]["week"] < model["held"][1]["week"]


@pytest.mark.django_db
def test_hours_of_the_next_day_are_not_held_against_room() -> None:
    lab, node = make_lab(), make_open_node()
    lab.book([node.devices.first()], None, hours=4)
    snapshot = lab.book([node.devices.last()], in_days(2)).decision.snapshot
    assert snapshot["standing"]["held"] == "0"


@pytest.mark.django_db
def test_capacity_is_what_can_be_booked_less_closures() -> None:
    node, now = make_open_node(devices=2), clock.now()
    weight = node.statements.get().full_available
    assert capacity.measure(at=now).cost_weighted_hours == 2 * 672 * weight
    closed = between(now + timedelta(hours=1), now + timedelta(hours=11))
    occupancy.close_devices(
        device_ids=[node.devices.first().pk], during=closed, kind="owner", reason="Own work", at=now
    )
    assert capacity.measure(at=now).cost_weighted_hours == (2 * 672 - 10) * weight
    assert Capacity.objects.count() == 1


@pytest.mark.django_db
def test_shares_are_normalised_among_the_active_and_through_accounts_without_shares() -> None:
    node = make_open_node()
    lab, rival, idle = make_lab(shares=1), make_lab(shares=3), make_lab(shares=6)
    rival.book([node.devices.last()], in_days(3))
    root = Vertex.objects.get(parent=None)
    through = shares.create_account(parent=root, name="Uses its parent's", shares=None)
    guest_member = factories.make_user()
    guest = factories.make_project(guest_member)
    factories.make_grant(guest)
    shares.create_project_vertex(parent=through, project=guest, shares=10)
    (step,) = lab.book([node.devices.first()], in_days(2)).decision.snapshot["standing"]["path"]
    assert (step["shares"], step["of_all"], step["of_active"]) == (1, 20, 4)
    assert idle.vertex.last_active_at is None
    (step,) = booking.book(
        project=guest, devices=[node.devices.first().uid], start=in_days(4), end=in_days(4.2),
        asked_by=guest_member, at=clock.now(),
    ).decision.snapshot["standing"]["path"]  # fmt: skip
    assert (step["shares"], step["of_all"], step["of_active"]) == (10, 20, 14)


@pytest.mark.django_db
def test_a_preview_answers_like_a_booking_and_writes_nothing() -> None:
    lab, node = make_lab(), make_open_node()
    capacity.measure(at=clock.now())
    start, at = in_days(2), clock.now()
    asked = {
        "project": lab.project, "devices": [node.devices.first().uid], "start": start,
        "end": start + timedelta(hours=2), "asked_by": lab.member, "at": at,
    }  # fmt: skip
    with CaptureQueriesContext(connection) as queries:
        answer = booking.preview(**asked)
    assert not [
        query for query in queries if not query["sql"].lstrip().upper().startswith(("SELECT", "WITH"))
    ]
    assert answer == decisions.answer_of(booking.book(**asked).decision)


@pytest.mark.django_db
def test_a_booking_takes_at_most_fifteen_queries() -> None:
    lab, node = make_lab(), make_open_node(devices=8)
    capacity.measure(at=clock.now())
    start, at = in_days(2), clock.now()
    with CaptureQueriesContext(connection) as queries:
        lab.book(list(node.devices.all()), start, at=at)
    marks = ("SAVEPOINT", "RELEASE SAVEPOINT")  # what a transaction is inside a test's own
    asked = [query["sql"] for query in queries if not query["sql"].startswith(marks)]
    assert len(asked) - 1 <= 15, "\n".join(asked)  # one is the test's own list of devices


# --- at once, on committed data ---
@pytest.mark.django_db(transaction=True)
def test_eight_projects_at_once_get_one_slot_and_seven_clear_refusals() -> None:
    """Some find the devices free before the winner holds them: they decide again, or reserve nothing."""
    node = make_open_node(devices=8)
    devices, start = list(node.devices.all()), in_days(2)
    labs = [make_lab() for _ in range(8)]
    capacity.measure(at=clock.now())
    # Each names the devices in another order: the locks are taken in one.
    calls = [partial(lab.book, devices[n:] + devices[:n], start) for n, lab in enumerate(labs)]
    booked, refused = split(at_once(*calls))
    assert len(booked) == 1
    assert [type(answer) for answer in refused] == [Refused] * 7
    assert all(refusing(answer) == {"free"} for answer in refused)
    assert all(answer.answer.nearest.start == start + timedelta(hours=2) for answer in refused)
    assert Decision.objects.filter(outcome="refused").count() == 7
    assert Hold.objects.count() == 8
    assert HoldEvent.objects.count() == 8


@pytest.mark.django_db(transaction=True)
def test_two_bookings_at_once_cannot_spend_one_budget_twice() -> None:
    """Without FOR UPDATE in _LOCK and lock_grants all four are granted by the engine; then the database's
    check on the grant stops three, with an error instead of a decision."""
    node = make_open_node()
    lab = make_lab(budget=str(price_of(node) * 3))
    capacity.measure(at=clock.now())
    start = in_days(2)
    calls = [partial(lab.book, [device], start, hours=2) for device in node.devices.all()]
    booked, refused = split(at_once(*calls))
    assert len(booked) == 1
    assert [type(answer) for answer in refused] == [Refused] * 3
    assert all(refusing(answer) == {"budget"} for answer in refused)
    assert Grant.objects.get(project=lab.project).encumbered == booked[0].quoted_price


@pytest.mark.django_db(transaction=True)
def test_bookings_at_once_cannot_use_the_hours_of_a_grant_twice() -> None:
    """Without FOR UPDATE in _LOCK and lock_grants the database's check on the grant's hours stops three,
    with an error instead of a decision."""
    node = make_open_node()
    lab = make_lab(budget="1000")
    Grant.objects.update(hours=Decimal(3))
    capacity.measure(at=clock.now())
    start = in_days(2)
    calls = [partial(lab.book, [device], start, hours=2) for device in node.devices.all()]
    booked, refused = split(at_once(*calls))
    assert len(booked) == 1
    assert all(refusing(answer) == {"budget"} for answer in refused)
    short = {rule.facts["short_hours"] for answer in refused for rule in answer.answer.refusing}
    assert short == {"1.00000000"}
    grant = Grant.objects.get(project=lab.project)
    assert (grant.hours_encumbered, grant.hours_left) == (2, 1)
    # What was decided comes out the same again, and a cancelled slot gives its hours back.
    for decision in Decision.objects.select_related("policy"):
        assert difference_of(decision) == ""
    booking.cancel(reservation=booked[0], by=lab.member, at=clock.now())
    grant.refresh_from_db()
    assert (grant.hours_encumbered, grant.hours_left, grant.encumbered) == (0, 3, 0)


@pytest.mark.django_db(transaction=True)
def test_bookings_at_once_cannot_use_one_room_twice() -> None:
    """Without FOR UPDATE in _LOCK and lock_grants each sees nothing held, and two or more are granted."""
    nodes = [make_open_node(devices=1) for _ in range(4)]  # the least room is one whole node for eight hours
    make_lab(shares=100_000).book([nodes[0].devices.first()], in_days(20), hours=1)
    lab = make_lab(shares=1, budget="100000")
    capacity.measure(at=clock.now())
    calls = [partial(lab.book, [node.devices.first()], in_days(2), hours=5) for node in nodes]
    booked, refused = split(at_once(*calls))
    assert len(booked) == 1
    assert [type(answer) for answer in refused] == [Refused] * 3
    assert all(refusing(answer) == {"room"} for answer in refused)


@pytest.mark.django_db(transaction=True)
def test_bookings_at_once_cannot_take_more_than_half_a_model_in_a_week() -> None:
    """Seen to fail without FOR UPDATE in _LOCK and lock_grants."""
    lab, node = make_lab(budget="100000"), make_open_node(devices=2)
    capacity.measure(at=clock.now())
    soon = in_days(3).replace(hour=0, minute=0)
    monday = soon + timedelta(days=(7 - soon.weekday()) % 7)
    calls = [partial(lab.book, [device], monday, hours=100) for device in node.devices.all()]
    booked, refused = split(at_once(*calls))
    assert len(booked) == 1  # 200 of the week's 336 hours would be more than half
    assert [refusing(answer) for answer in refused] == [{"model_half"}]


def price_of(node: Node) -> Decimal:
    """What an hour on one device of this node costs."""
    device = node.devices.first()
    return rates(device_ids=[device.pk], at=clock.now())[device.pk].to_pay


# --- cancelling ---
@pytest.mark.django_db
def test_cancelling_a_day_ahead_is_free_and_gives_everything_back() -> None:
    lab, node = make_lab(), make_open_node()
    reservation = lab.book([node.devices.first()], in_days(2))
    start = reservation.during.lower
    cancelled = booking.cancel(reservation=reservation, by=lab.member, at=start - timedelta(hours=24))
    assert (cancelled.state, cancelled.settled_at) == ("cancelled", start - timedelta(hours=24))
    assert not Hold.objects.exists()
    assert committed(lab) == 0
    assert Grant.objects.get(project=lab.project).encumbered == 0


@pytest.mark.django_db
def test_cancelling_later_frees_the_devices_and_keeps_the_money_until_settled() -> None:
    lab, node = make_lab(), make_open_node()
    reservation = lab.book([node.devices.first()], in_days(2))
    start = reservation.during.lower
    cancelled = booking.cancel(
        reservation=reservation, by=lab.member, at=start - timedelta(hours=24) + timedelta(microseconds=1)
    )
    assert cancelled.settled_at is None
    assert not Hold.objects.exists()
    assert committed(lab) == 0
    assert Grant.objects.get(project=lab.project).encumbered == reservation.quoted_price


@pytest.mark.django_db
def test_a_slot_that_has_begun_or_is_cancelled_is_not_cancelled() -> None:
    lab, node = make_lab(), make_open_node()
    reservation = lab.book([node.devices.first()], in_days(2))
    with pytest.raises(CancelRefused):
        booking.cancel(reservation=reservation, by=lab.member, at=reservation.during.lower)
    booking.cancel(reservation=reservation, by=lab.member, at=clock.now())
    with pytest.raises(CancelRefused):
        booking.cancel(reservation=reservation, by=lab.member, at=clock.now())


@pytest.mark.django_db
def test_who_booked_it_and_the_leads_cancel_and_others_are_told_who_they_are() -> None:
    lab, other, node = make_lab(), make_lab(), make_open_node()
    colleague, lead = lab.join(), lab.join("lead")
    first, second = (lab.book([device], in_days(2)) for device in node.devices.all()[:2])
    with pytest.raises(NotAMember):
        booking.cancel(reservation=first, by=other.member, at=clock.now())
    with pytest.raises(NotAKeeper) as refused:
        booking.cancel(reservation=first, by=colleague, at=clock.now())
    assert refused.value.message.endswith(f": {lab.member.name}, {lead.name}.")
    assert Hold.objects.count() == 2
    booking.cancel(reservation=first, by=lab.member, at=clock.now())
    booking.cancel(reservation=second, by=lead, at=clock.now())
    assert not Hold.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_handed_over", [True, False])
def test_cancelling_stops_what_a_node_has_staged_in_the_same_transaction(is_handed_over: bool) -> None:
    lab, node = make_lab(), make_open_node()
    reservation = lab.book([node.devices.first()], in_days(2), job=booking.JobSpec("true"))
    at = reservation.during.lower - timedelta(minutes=3)
    assert dispatch.dispatch_due(at=at) == 1
    Lease.objects.update(handed_over_at=at if is_handed_over else None)
    with transaction.atomic():
        booking.cancel(reservation=reservation, by=lab.member, at=at)
        lease = Lease.objects.get()
        assert lease.stop_requested_at == (at if is_handed_over else None)
        assert lease.state == ("waiting" if is_handed_over else "ended")
        transaction.set_rollback(True)
    # With the cancellation goes the stop.
    assert Lease.objects.get(stop_requested_at=None).state == "waiting"


@pytest.mark.django_db(transaction=True)
def test_a_slot_cancelled_while_its_job_is_handed_over_leaves_nothing_to_run() -> None:
    """Whichever locks the reservation first: the job is stopped, or never handed over."""
    for _round in range(4):
        lab, node = make_lab(), make_open_node()
        reservation = lab.book([node.devices.first()], in_days(2), job=booking.JobSpec("true"))
        at = reservation.during.lower - timedelta(minutes=3)
        _done, refused = split(
            at_once(
                partial(booking.cancel, reservation=reservation, by=lab.member, at=at),
                partial(dispatch.dispatch_due, at=at),
            )
        )
        assert refused == []
        assert not Lease.objects.live().filter(stop_requested_at=None).exists()


@pytest.mark.django_db(transaction=True)
def test_a_slot_cancelled_twice_at_once_is_given_back_once() -> None:
    lab, node = make_lab(), make_open_node()
    reservation = lab.book([node.devices.first()], in_days(2))
    cancel = partial(booking.cancel, reservation=reservation, by=lab.member, at=clock.now())
    done, refused = split(at_once(cancel, cancel))
    assert len(done) == 1
    assert [type(answer) for answer in refused] == [CancelRefused]
    assert committed(lab) == 0


@pytest.mark.django_db(transaction=True)
def test_what_a_rolled_back_booking_did_is_undone() -> None:
    lab, node = make_lab(), make_open_node()
    with transaction.atomic():
        lab.book([node.devices.first()], in_days(2))
        transaction.set_rollback(True)
    assert committed(lab) == 0
    assert not Hold.objects.exists()
    assert isinstance(lab.book([node.devices.first()], in_days(2)).uid, UUID)
