from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.db import OperationalError, connection, transaction

from common.ranges import between
from nodes import selectors
from nodes.errors import DeviceTaken, HoldHasBegun
from nodes.models import Hold, HoldEvent
from nodes.services import occupancy
from nodes.services.occupancy import WantedHold
from tests import factories, races

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


def hold(
    device_ids: list[int], *, start: datetime = AT, hours: int = 2, reference: str = "reservation-1"
) -> list[Hold]:
    return occupancy.hold_devices(
        wanted=[WantedHold(pk, Decimal("1.5"), Decimal("2.25")) for pk in device_ids],
        during=between(start, start + hours * HOUR),
        reference=reference,
        kind="reservation",
        at=AT - HOUR,
    )


def ids(count: int = 2) -> list[int]:
    return [device.pk for device in factories.make_node(devices=count).devices.all()]


@pytest.mark.django_db
def test_holding_devices_writes_holds_and_granted_events_in_one_query(
    django_assert_num_queries: pytest.FixtureRequest,
) -> None:
    devices = ids(8)
    wanted = [WantedHold(pk, Decimal("1.5"), Decimal("2.25")) for pk in devices]
    with django_assert_num_queries(1):  # type: ignore[operator]
        held = occupancy.hold_devices(
            wanted=wanted, during=between(AT, AT + HOUR), reference="reservation-1", kind="reservation", at=AT
        )
    assert [one.device_id for one in held] == devices
    assert {one.uid for one in held} == set(Hold.objects.values_list("uid", flat=True))
    events = list(HoldEvent.objects.all())
    assert {event.hold_uid for event in events} == {one.uid for one in held}
    assert {(e.event, e.weight, e.price, e.hold_kind) for e in events} == {
        ("granted", Decimal("1.5"), Decimal("2.25"), "reservation")
    }


@pytest.mark.django_db
def test_a_taken_device_is_refused_with_its_holder_and_the_next_free_start() -> None:
    first, second = ids()
    hold([first], reference="reservation-theirs")
    with pytest.raises(DeviceTaken) as refusal:
        hold([first, second], start=AT + HOUR, reference="reservation-mine")
    details = refusal.value.details
    assert details["device_ids"] == [first]
    assert details["until"] == AT + 2 * HOUR
    assert details["next_free"] == AT + 2 * HOUR
    assert details["holds"] == [
        {
            "device_id": first,
            "reference": "reservation-theirs",
            "kind": "reservation",
            "start": AT,
            "until": AT + 2 * HOUR,
        }
    ]


@pytest.mark.django_db
def test_a_refusal_leaves_nothing_behind_even_inside_the_callers_transaction() -> None:
    first, second = ids()
    hold([second], reference="reservation-theirs")
    with pytest.raises(DeviceTaken):
        occupancy.hold_devices(
            wanted=[WantedHold(first), WantedHold(second)],
            during=between(AT, AT + HOUR), reference="reservation-mine", kind="reservation", at=AT,
        )  # fmt: skip
    assert not Hold.objects.filter(reference="reservation-mine").exists()
    assert not HoldEvent.objects.filter(reference="reservation-mine").exists()


@pytest.mark.django_db
def test_back_to_back_holds_do_not_conflict() -> None:
    devices = ids()
    hold(devices)
    hold(devices, start=AT + 2 * HOUR, reference="reservation-2")
    assert Hold.objects.count() == 4


@pytest.mark.django_db
def test_cancelling_deletes_the_holds_and_tells_what_they_were() -> None:
    devices = ids()
    hold(devices)
    events = occupancy.cancel_holds(reference="reservation-1", at=AT - HOUR)
    assert not Hold.objects.exists()
    assert [(e.event, e.device_id, e.during.lower, e.price) for e in events] == [
        ("cancelled", pk, AT, Decimal("2.25")) for pk in devices
    ]
    assert occupancy.cancel_holds(reference="reservation-1", at=AT - HOUR) == []


@pytest.mark.django_db
def test_a_hold_that_has_begun_is_not_cancelled() -> None:
    hold(ids())
    with pytest.raises(HoldHasBegun):
        occupancy.cancel_holds(reference="reservation-1", at=AT + HOUR)
    assert Hold.objects.count() == 2


@pytest.mark.django_db
def test_releasing_shortens_running_holds_and_tells_what_was_given_back() -> None:
    devices = ids()
    hold(devices)
    middle = AT + timedelta(minutes=37)
    events = occupancy.release_holds(reference="reservation-1", at=middle)
    assert {(one.during.lower, one.during.upper) for one in Hold.objects.all()} == {(AT, middle)}
    assert [(e.event, e.device_id, e.during.lower, e.during.upper, e.weight) for e in events] == [
        ("released", pk, middle, AT + 2 * HOUR, Decimal("1.5")) for pk in devices
    ]
    assert occupancy.release_holds(reference="reservation-1", at=middle) == []


@pytest.mark.django_db
def test_releasing_before_the_start_gives_everything_back_and_after_the_end_nothing() -> None:
    hold(ids(1))
    assert occupancy.release_holds(reference="reservation-1", at=AT + 3 * HOUR) == []
    (event,) = occupancy.release_holds(reference="reservation-1", at=AT - HOUR)
    assert (event.during.lower, event.during.upper) == (AT, AT + 2 * HOUR)
    assert not Hold.objects.exists()


@pytest.mark.django_db
def test_a_start_is_noted_once_per_hold() -> None:
    hold(ids())
    occupancy.start_holds(reference="reservation-1", at=AT)
    occupancy.start_holds(reference="reservation-1", at=AT + HOUR)
    started = HoldEvent.objects.filter(event="started")
    assert [event.at for event in started] == [AT, AT]


@pytest.mark.django_db
def test_a_closure_keeps_its_reason_and_holds_the_devices_without_a_price() -> None:
    devices = ids()
    closure = occupancy.close_devices(
        device_ids=devices, during=between(AT, AT + HOUR), kind="closure", reason="New cooling", at=AT - HOUR
    )
    held = Hold.objects.filter(reference=closure.reference)
    assert [one.device_id for one in held.order_by("device_id")] == devices
    assert set(HoldEvent.objects.values_list("weight", "price", "hold_kind")) == {(None, None, "closure")}
    with pytest.raises(DeviceTaken):
        hold(devices)


@pytest.mark.django_db
def test_next_free_is_when_all_devices_are_free_long_enough_on_a_mark() -> None:
    first, second = ids()
    hold([first], start=AT, hours=1)
    hold([second], start=AT + 2 * HOUR + timedelta(minutes=5), hours=2)
    find = partial(selectors.next_free, device_ids=[first, second], after=AT)
    assert find(length=HOUR, until=AT + 24 * HOUR) == AT + HOUR
    assert find(length=2 * HOUR, until=AT + 24 * HOUR) == AT + 4 * HOUR + timedelta(minutes=15)
    assert find(length=2 * HOUR, until=AT + 6 * HOUR) is None


@pytest.mark.django_db
def test_conflicts_are_found_through_the_index_of_the_constraint() -> None:
    devices = ids(3)
    # Enough of them, and counted: of an empty table every index is as good as another.
    later = [AT + number * HOUR for number in range(100, 400)]
    Hold.objects.bulk_create(
        Hold(device_id=device, during=between(start, start + HOUR), reference=f"r-{start}", kind="owner")
        for device in devices
        for start in later
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE nodes_hold")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN " + selectors._HOLDS,
            ["{[1,3),[7,8)}", between(AT, AT + HOUR)],
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "holds_do_not_overlap" in plan
    hold([devices[0], devices[2]])
    found = selectors.conflicts(device_ids=[devices[1], devices[2]], start=AT, end=AT + HOUR)
    assert [one.device_id for one in found] == [devices[2]]


@pytest.mark.django_db(transaction=True)
def test_eight_callers_for_the_same_devices_have_one_winner() -> None:
    devices = ids(8)
    calls = [partial(hold, devices, reference=f"reservation-{n}") for n in range(8)]
    won, refused = races.split(races.at_once(*calls))
    assert len(won) == 1
    assert [type(refusal) for refusal in refused] == [DeviceTaken] * 7
    assert Hold.objects.count() == HoldEvent.objects.count() == 8


@pytest.mark.django_db(transaction=True)
def test_callers_who_name_the_devices_in_different_orders_do_not_deadlock() -> None:
    devices = ids(8)
    turned = [devices[n:] + devices[:n] for n in range(8)]
    for _round in range(5):
        calls = [
            partial(hold, order, reference=f"reservation-{n}", start=AT + n * 2 * HOUR)
            for n, order in enumerate(turned)
        ]
        won, refused = races.split(races.at_once(*calls))
        assert refused == []
        assert len(won) == 8
        Hold.objects.all().delete()


@pytest.mark.django_db(transaction=True)
def test_after_a_refusal_nobody_new_comes_until_the_transaction_ends() -> None:
    """Without the lock in _HOLD the second caller holds the devices while the first looks who was quicker."""
    devices = ids()
    hold(devices[:1], reference="reservation-theirs")

    def come_anew() -> list[Hold]:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '200ms'")
            return hold(devices, start=AT + 10 * HOUR, reference="reservation-new")

    with transaction.atomic():
        refused = occupancy.hold_if_free(
            wanted=[WantedHold(pk) for pk in devices], during=between(AT, AT + HOUR),
            reference="reservation-mine", kind="reservation", at=AT,
        )  # fmt: skip
        (waited,) = races.at_once(come_anew)
    assert refused == []
    assert isinstance(waited, OperationalError)
    assert set(Hold.objects.values_list("reference", flat=True)) == {"reservation-theirs"}


@pytest.mark.django_db(transaction=True)
def test_who_has_locked_the_devices_sees_what_the_caller_before_did() -> None:
    devices = ids(8)

    def look_then_hold(reference: str) -> str:
        with transaction.atomic():
            occupancy.lock_devices(device_ids=devices)
            if selectors.conflicts(device_ids=devices, start=AT, end=AT + HOUR):
                return "seen"
            occupancy.hold_devices(
                wanted=[WantedHold(pk) for pk in devices], during=between(AT, AT + HOUR),
                reference=reference, kind="offer", at=AT,
            )  # fmt: skip
            return "held"

    answers = races.at_once(*(partial(look_then_hold, f"offer-{n}") for n in range(8)))
    assert sorted(map(str, answers)) == ["held"] + ["seen"] * 7


@pytest.mark.django_db(transaction=True)
def test_eight_releases_at_once_give_the_time_back_once() -> None:
    devices = ids(4)
    hold(devices)
    release = partial(occupancy.release_holds, reference="reservation-1", at=AT + HOUR)
    answers = races.at_once(*[release] * 8)
    assert sorted(len(events) for events in answers) == [0] * 7 + [4]


@pytest.mark.django_db(transaction=True)
def test_eight_starts_at_once_are_noted_once() -> None:
    hold(ids(4))
    races.at_once(*[partial(occupancy.start_holds, reference="reservation-1", at=AT)] * 8)
    assert HoldEvent.objects.filter(event="started").count() == 4
