"""Owners close devices, stop and withdraw nodes on which people have booked: nobody pays, all are told."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import Notice, User
from common import clock
from common.ranges import between, bounds
from nodes.models import Agent, Closure, Hold, HoldEvent, Lease, Node
from nodes.services import leases, occupancy, standing
from nodes.services.rebuilding import _differences
from pricing.models import Charge, Encumbrance
from reservations.errors import ChangeRefused, NoNewBookings, Refused, ReservationError, SlotsInTheWay
from reservations.models import CountedHours, Reservation, Run, SlotWithdrawal, Vertex
from reservations.selectors.instead import instead, taken_back
from reservations.services import dispatch, runs, settle, taking_back
from tests import factories
from tests.nodes.cast import SigningAgent
from tests.races import at_once
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node
from tests.reservations.views.running import Job

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def ids(node: Node) -> list[int]:
    return [device.pk for device in node.devices.all()]


def close(node: Node, *, days: float = 2, hours: float = 3, seen: list[Reservation] | None = None) -> Closure:
    start = in_days(days)
    return taking_back.close(
        node=node, device_ids=ids(node), start=start, end=start + hours * HOUR, kind="closure",
        reason="A fan is broken.", taking_back=[one.uid for one in seen or []], by=owner_of(node),
        at=clock.now(),
    )  # fmt: skip


def owner_of(node: Node) -> User:
    user = factories.make_user()
    factories.lead(node.owner, user)
    return user


@pytest.fixture
def node() -> Node:
    return make_open_node(devices=2)


@pytest.fixture
def lab(node: Node) -> Lab:
    return make_lab()


# --- closing -------------------------------------------------------------------------------------------
def test_nobody_books_what_is_closed(node: Node, lab: Lab) -> None:
    closure = close(node)
    with pytest.raises(Refused) as refused:
        lab.book(list(node.devices.all()), in_days(2))
    assert [rule.code for rule in refused.value.answer.rules if rule.refuses] == ["free"]
    assert Hold.objects.filter(reference=closure.reference).count() == 2
    assert list(_differences()) == []


def test_an_open_closure_is_called_off_and_its_time_booked(node: Node, lab: Lab) -> None:
    closure = close(node)
    taking_back.reopen(node=node, closure=closure, at=clock.now())
    assert lab.book([node.devices.all()[0]], in_days(2)).state == "booked"
    with pytest.raises(ChangeRefused):
        taking_back.reopen(node=node, closure=closure, at=clock.now())
    assert list(_differences()) == []


def test_a_booked_slot_is_seen_before_it_is_taken_back(node: Node, lab: Lab) -> None:
    slot = lab.book([node.devices.all()[0]], in_days(2))
    with pytest.raises(SlotsInTheWay) as refused:
        close(node)
    assert refused.value.every == [slot.uid]
    assert refused.value.details["slots"][0]["reservation"] == str(slot.uid)  # type: ignore[index]
    slot.refresh_from_db()
    assert (slot.state, Closure.objects.count(), SlotWithdrawal.objects.count()) == ("booked", 0, 0)


def test_what_is_taken_back_costs_nothing_and_is_told(node: Node, lab: Lab) -> None:
    before = Vertex.objects.get(pk=lab.vertex.pk).committed
    slot = lab.book(list(node.devices.all()), in_days(2))
    close(node, seen=[slot])
    slot.refresh_from_db()
    assert (slot.state, slot.settled_at is not None) == ("cancelled", True)
    assert not Encumbrance.objects.filter(reference=slot.reference, settled_at=None).exists()
    assert not Charge.objects.filter(reference=slot.reference).exists()
    assert Vertex.objects.get(pk=lab.vertex.pk).committed == before
    events = HoldEvent.objects.filter(reference=slot.reference).order_by("id").values_list("event", flat=True)
    assert list(events) == ["granted", "granted", "withdrawn", "withdrawn"]
    counted = CountedHours.objects.filter(reference=slot.reference).values_list("seconds", flat=True)
    assert sum(counted, Decimal(0)) == 0
    told = Notice.objects.get(user=lab.member, kind="slot_taken_back")
    assert (told.url, told.params["reason"]) == (slot.get_absolute_url(), "A fan is broken.")
    assert list(_differences()) == []


def test_a_slot_on_several_nodes_is_taken_back_whole(node: Node, lab: Lab) -> None:
    other = make_open_node(devices=1)
    slot = lab.book([node.devices.all()[0], other.devices.all()[0]], in_days(2))
    close(node, seen=[slot])
    assert not Hold.objects.filter(reference=slot.reference).exists()
    assert SlotWithdrawal.objects.get(reservation=slot).node == node
    assert lab.book([other.devices.all()[0]], in_days(2)).state == "booked"


def test_only_what_lies_in_the_closure_is_taken_back(node: Node, lab: Lab) -> None:
    first, second = node.devices.all()
    inside, after = lab.book([first], in_days(2)), lab.book([second], in_days(3))
    close(node, seen=[inside, after])
    after.refresh_from_db()
    assert after.state == "booked"


def test_a_closure_that_fails_takes_nothing_back(node: Node, lab: Lab) -> None:
    """Another closure stands in the way: the slot that was to go stays."""
    first, second = node.devices.all()
    slot, start = lab.book([first], in_days(2)), in_days(2)
    taking_back.close(
        node=node, device_ids=[second.pk], start=start, end=start + HOUR, kind="owner", reason="Mine",
        by=owner_of(node), at=clock.now(),
    )  # fmt: skip
    with pytest.raises(Exception, match="taken until"):
        close(node, seen=[slot])
    slot.refresh_from_db()
    assert (slot.state, Notice.objects.filter(kind="slot_taken_back").count()) == ("booked", 0)


@pytest.mark.parametrize(
    ("start", "end", "field"),
    [
        (timedelta(days=2), timedelta(days=2), "end"),
        (timedelta(days=2), timedelta(days=400), "end"),
        (timedelta(days=500), timedelta(days=501), "start"),
    ],
)
def test_a_time_that_cannot_be_is_refused(node: Node, start: timedelta, end: timedelta, field: str) -> None:
    at = clock.now()
    with pytest.raises(ChangeRefused) as refused:
        taking_back.close(
            node=node, device_ids=ids(node), start=at + start, end=at + end, kind="owner", reason="Mine",
            by=owner_of(node), at=at,
        )  # fmt: skip
    assert refused.value.field == field


def test_devices_of_another_node_are_refused(node: Node) -> None:
    other, start = make_open_node(), in_days(2)
    with pytest.raises(ChangeRefused) as refused:
        taking_back.close(
            node=node, device_ids=[*ids(node), *ids(other)], start=start, end=start + HOUR, kind="owner",
            reason="Mine", by=owner_of(node), at=clock.now(),
        )  # fmt: skip
    assert refused.value.field == "devices"


def test_a_slot_that_runs_is_taken_back_now_or_not_at_all() -> None:
    job = Job().start()
    node, end = job.run.node, bounds(job.reservation.during)[1]
    with pytest.raises(ChangeRefused) as refused:
        taking_back.close(
            node=node, device_ids=ids(node), start=job.at + HOUR, end=end + HOUR, kind="owner", reason="Mine",
            taking_back=[job.reservation.uid], by=owner_of(node), at=job.at + timedelta(minutes=5),
        )  # fmt: skip
    assert refused.value.details["free_from"] == end


# --- stopping ------------------------------------------------------------------------------------------
def test_stopping_ends_jobs_takes_slots_back_and_keeps_people_from_booking() -> None:
    job = Job().start()
    node, at = job.run.node, job.at + timedelta(minutes=20)
    later = job.lab.book([node.devices.all()[1]], in_days(0.2), hours=1)
    far = job.lab.book([node.devices.all()[1]], in_days(5), hours=1)
    taking_back.stop(node=node, until=at + timedelta(days=1), reason="Water", by=owner_of(node), at=at)
    assert Lease.objects.get(reference=job.run.reference).stop_requested_at == at
    states = {one: Reservation.objects.get(pk=one.pk).state for one in (job.reservation, later, far)}
    assert list(states.values()) == ["released", "cancelled", "booked"]
    node.refresh_from_db()
    assert (node.state, node.drained_at) == ("drained", at)
    assert list(node.changes.values_list("kind", "reason")) == [("stopped", "Water")]
    with pytest.raises(NoNewBookings, match=node.name):
        job.lab.book([node.devices.all()[1]], in_days(8))
    assert list(_differences()) == []


def test_a_node_that_is_drained_for_another_reason_stays_drained_after_a_stop(node: Node) -> None:
    """What the site itself holds back it lists again by itself; what an owner stopped it does not."""
    Node.objects.filter(pk=node.pk).update(state="drained")
    at = clock.now()
    taking_back.stop(node=node, until=at + HOUR, reason="Water", by=owner_of(node), at=at)
    node.refresh_from_db()
    assert node.drained_at == at


def test_stopping_stops_a_check_and_opening_its_closure_does_too() -> None:
    for act in ("stop", "reopen"):
        node, at = make_open_node(devices=1), clock.now()
        closure = occupancy.close_devices(
            device_ids=ids(node), during=between(at, at + HOUR), kind="closure", reason="A check", at=at
        )
        hold = Hold.objects.get(reference=closure.reference)
        lease = leases.create_lease(
            node_id=node.pk, reference=f"check-{act}", holds=[(hold.device_id, hold.uid)], not_before=at,
            ends_at=at + HOUR, specification={}, at=at,
        )  # fmt: skip
        Lease.objects.filter(pk=lease.pk).update(handed_over_at=at)
        if act == "stop":
            taking_back.stop(node=node, until=at + HOUR, reason="Water", by=owner_of(node), at=at)
        else:
            taking_back.reopen(node=node, closure=closure, at=at)
        lease.refresh_from_db()
        assert lease.stop_requested_at == at, act


def test_a_job_of_a_later_slot_that_the_node_has_already_is_not_stopped() -> None:
    """Leases come a day ahead: a slot that stays booked keeps its job."""
    job = Job().start()
    node, at = job.run.node, job.at + timedelta(minutes=1)
    Agent.objects.filter(pk=SigningAgent(node).row.pk).update(protocol="1.1")
    later = job.lab.book([node.devices.all()[1]], in_days(0.8), hours=1)
    its_run = runs.queue_run(
        reservation=later, node=node, script="true", environment={}, bring_back=[], by=job.lab.member, at=at
    )
    dispatch.dispatch_due(at=at)
    Lease.objects.filter(reference=its_run.reference).update(handed_over_at=at)
    taking_back.stop(node=node, until=at + HOUR, reason="A fan", by=owner_of(node), at=at)
    assert Reservation.objects.get(pk=later.pk).state == "booked"
    assert Lease.objects.get(reference=its_run.reference).stop_requested_at is None
    assert Lease.objects.get(reference=job.run.reference).stop_requested_at == at


def test_the_job_that_was_cut_off_and_the_rest_cost_nothing() -> None:
    """What the holder had used without that job is paid: here nothing."""
    job = Job().start()
    node, at = job.run.node, job.at + timedelta(minutes=20)
    taking_back.stop(node=node, until=at + HOUR, reason="Water", by=owner_of(node), at=at)
    leases.end(
        **job.named, ending=leases.Ending(reason="stopped", exit_code=143), ago=0.0,  # type: ignore[arg-type]
        at=at + timedelta(seconds=5),
    )  # fmt: skip
    dispatch.reap(at=at + timedelta(seconds=6))
    over = bounds(job.reservation.during)[1]
    assert settle.settle_ended(at=over) == 1
    charges = Charge.objects.filter(reference=job.reservation.reference)
    total = sum((charge.amount for charge in charges), Decimal(0))
    first = charges.get(item="slot")
    assert (first.category, bounds(first.period)) == ("usage", (bounds(job.reservation.during)[0], at))
    # From the start of its job on; what passed before is used time.
    began = Lease.objects.get(reference=job.run.reference).started_at
    assert began is not None
    idle = began - bounds(job.reservation.during)[0]
    assert total == pytest.approx(first.unit_price * Decimal(idle / HOUR), abs=Decimal("0.001"))


def test_a_job_that_had_ended_before_is_paid() -> None:
    job = Job().start().end()
    node, at = job.run.node, job.at + timedelta(minutes=20)
    taking_back.stop(node=node, until=at + HOUR, reason="Water", by=owner_of(node), at=at)
    settle.settle_ended(at=bounds(job.reservation.during)[1])
    items = Charge.objects.filter(reference=job.reservation.reference).values_list("category", "item")
    assert ("credit", "lost") not in list(items)
    assert ("usage", "slot") in list(items)


def test_jobs_that_wait_in_a_slot_taken_back_never_run() -> None:
    job = Job().start()
    waiting = runs.queue_run(
        reservation=job.reservation, node=job.run.node, script="true", environment={}, bring_back=[],
        by=job.lab.member, at=job.at,
    )  # fmt: skip
    at = job.at + timedelta(minutes=1)
    taking_back.stop(node=job.run.node, until=at + HOUR, reason="x", by=owner_of(job.run.node), at=at)
    waiting.refresh_from_db()
    assert waiting.state == Run.State.NOT_RUN


def test_a_node_that_was_stopped_takes_bookings_again(node: Node, lab: Lab) -> None:
    at = clock.now()
    taking_back.stop(node=node, until=at + HOUR, reason="Water", by=owner_of(node), at=at)
    standing.resume(node=node, by=owner_of(node), at=clock.now())
    assert lab.book([node.devices.all()[0]], in_days(1)).state == "booked"


# --- withdrawing ---------------------------------------------------------------------------------------
def test_a_withdrawn_node_has_no_slots_left(node: Node, lab: Lab) -> None:
    slots = [lab.book([device], in_days(day)) for device in node.devices.all() for day in (1, 4)]
    owner, at = owner_of(node), clock.now()
    with pytest.raises(SlotsInTheWay):
        taking_back.withdraw_node(node=node, reason="Sold", taking_back=[slots[0].uid], by=owner, at=at)
    closure = close(node, days=20)
    taking_back.withdraw_node(
        node=node, reason="Sold", taking_back=[one.uid for one in slots], by=owner, at=at
    )
    node.refresh_from_db()
    assert node.state == "withdrawn"
    assert {Reservation.objects.get(pk=one.pk).state for one in slots} == {"cancelled"}
    assert Hold.objects.filter(reference=closure.reference).count() == 2, "other closures stay"
    assert Notice.objects.filter(kind="slot_taken_back").count() == 4
    assert list(_differences()) == []


@pytest.mark.django_db(transaction=True)
def test_nobody_keeps_a_slot_on_a_node_that_is_withdrawn_in_that_moment() -> None:
    """Booking decides on a snapshot of a moment ago: seen failing without the closure of what is free."""
    node, lab = make_open_node(devices=2), make_lab()
    owner, start = owner_of(node), in_days(2)
    devices = list(node.devices.all())

    def book() -> object:
        try:
            return lab.book([devices[0]], start)
        except ReservationError:
            return None

    def withdraw() -> object:
        try:
            return taking_back.withdraw_node(node=node, reason="Sold", by=owner, at=clock.now())
        except SlotsInTheWay:
            return None

    at_once(book, withdraw)
    node.refresh_from_db()
    left = Hold.objects.filter(device__node=node, kind="reservation")
    assert (node.state, left.exists()) in [("withdrawn", False), ("listed", True)]


@pytest.mark.django_db(transaction=True)
def test_a_slot_is_taken_back_once_however_many_close_at_once() -> None:
    node, lab = make_open_node(devices=1), make_lab()
    slot, owner = lab.book([node.devices.all()[0]], in_days(2)), owner_of(node)
    start, at = in_days(2), clock.now()

    def take() -> object:
        try:
            return taking_back.close(
                node=node, device_ids=ids(node), start=start, end=start + HOUR, kind="owner", reason="Mine",
                taking_back=[slot.uid], by=owner, at=at,
            )  # fmt: skip
        except Exception as refusal:
            return type(refusal).__name__

    told = at_once(*[take] * 4)
    assert sorted(isinstance(one, Closure) for one in told) == [False, False, False, True], told
    assert SlotWithdrawal.objects.filter(reservation=slot).count() == 1
    assert Vertex.objects.get(pk=lab.vertex.pk).committed == 0


# --- what there is instead -------------------------------------------------------------------------------
def test_the_same_model_at_no_higher_price_comes_first(node: Node, lab: Lab) -> None:
    dear = factories.make_node(devices=2)
    factories.publish_prices(dear, declared=factories.make_declared(contract_price=Decimal("0.9")))
    other_model = make_open_node(devices=2, model="B200")
    same = make_open_node(devices=2)
    small = factories.make_node(devices=2, model="T4")
    small.devices.update(memory_bytes=16 * 2**30, model_key="t4-16")
    factories.publish_prices(small)
    slot = lab.book(list(node.devices.all()), in_days(2))
    close(node, seen=[slot])
    told = taken_back(Reservation.objects.get(pk=slot.pk), at=clock.now())
    assert told is not None
    names = [offer.differs.split(",")[0] for offer in told.offers]
    assert names[0] == same.name
    assert {dear.name, other_model.name} >= set(names[1:]) - {node.name}
    assert small.name not in names
    assert (told.offers[0].start, told.offers[0].end) == bounds(slot.during)
    assert f"project={lab.project.slug}" in told.offers[0].url
    assert told.offers[0].total == pytest.approx(slot.quoted_price, abs=Decimal("0.0001"))


def test_nothing_is_offered_once_the_time_is_over(node: Node, lab: Lab) -> None:
    slot = lab.book([node.devices.all()[0]], in_days(2))
    close(node, seen=[slot])
    over = bounds(slot.during)[1]
    assert list(instead(Reservation.objects.get(pk=slot.pk), since=clock.now(), at=over)) == []
