"""The cells that all projects share, on real rows: what is counted, given back, and never exceeded."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Project
from common import clock
from common.ranges import between
from nodes.models import Hold, Node
from nodes.services import occupancy
from pricing.services.statements import publish_statement
from reservations.domain.counted import FLOOR, MODEL, NODE, Cell, Counted
from reservations.domain.periods import Period
from reservations.domain.policy import ClassNumbers
from reservations.domain.slots import Week
from reservations.errors import Refused
from reservations.management.commands.replay_decisions import difference_of
from reservations.models import CountedHours, Decision, NoShow, Reservation, SharedCell
from reservations.services import booking, calling_off, capacity, counters, recounting
from tests import factories
from tests.races import at_once, split
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node, make_rules

KEY = "h100-sxm5-80"
RICH = "1000000"


def held() -> dict[tuple[str, str], Fraction]:
    """Device-hours, by rule or kind and by period or band: the cells with a limit that hold anything."""
    return {
        (cell.kind if cell.rule == FLOOR else cell.rule, cell.band or cell.period): Fraction(
            cell.held_seconds
        )
        / 3600
        for cell in SharedCell.objects.filter(held_seconds__gt=0, most_seconds__isnull=False)
    }


def refusing(refused: Refused) -> set[str]:
    return {rule.code for rule in refused.answer.refusing}


def a_monday() -> datetime:
    """00:00 UTC of one between one and two weeks from now."""
    soon = in_days(7).replace(hour=0, minute=0)
    return soon + timedelta(days=(7 - soon.weekday()) % 7)


def bare_node(devices: int = 4, *, funded: str = "0", **fields: Any) -> Node:
    """A listed, priced node of a site on UTC, under the standard rules; public money bought that part."""
    make_rules()
    fields = {"site": factories.make_site(time_zone="UTC", country="XX")} | fields
    node = factories.make_node(devices=devices, **fields)
    asset = factories.make_asset(funding=factories.granted(str(Decimal(280_000) * Decimal(funded))))
    factories.publish_prices(node, declared=factories.make_declared(assets=(asset,)))
    return node


def make_many(*, projects: int = 1, of_class: str = "research") -> list[Lab]:
    """Projects with room and money for all there is."""
    return [make_lab(budget=RICH, project_class=of_class, shares=1000) for _ in range(projects)]


# --- what is counted, and given back ---
@pytest.mark.django_db
def test_a_booking_counts_in_each_of_its_cells_and_cancelling_gives_back_exactly_that() -> None:
    node, (lab,) = bare_node(funded="0.6"), make_many()
    monday = a_monday()
    reservation = lab.book(list(node.devices.all()[:2]), monday + timedelta(hours=6), hours=4)
    # 06:00 to 08:00 off-peak, 08:00 to 10:00 peak; the node has more public money than the floor.
    once = {("model", "off_peak"): 4, ("model", "peak"): 4, ("node", "off_peak"): 4, ("node", "peak"): 4}
    assert held() == once
    most = {(cell.kind, cell.band): Fraction(cell.most_seconds) / 3600 for cell in SharedCell.objects.all()}
    # Peak: five days of twelve hours on four devices. Others have four fifths of the model, two of the node.
    assert most == {
        ("model", "peak"): 240 * Fraction(4, 5), ("model", "off_peak"): 432 * Fraction(4, 5),
        ("node", "peak"): 240 * Fraction(2, 5), ("node", "off_peak"): 432 * Fraction(2, 5),
    }  # fmt: skip
    assert set(CountedHours.objects.values_list("reference", "project_class")) == {
        (reservation.reference, "research")
    }
    other = lab.book(list(node.devices.all()[2:]), monday + timedelta(hours=6), hours=4)
    assert held() == {cell: 2 * hours for cell, hours in once.items()}
    booking.cancel(reservation=reservation, by=lab.member, at=clock.now())
    assert held() == once
    booking.cancel(reservation=other, by=lab.member, at=clock.now())
    assert held() == {}
    assert sum(one.seconds for one in CountedHours.objects.all()) == 0


@pytest.mark.django_db
def test_whoever_it_is_kept_for_and_near_hours_leave_the_cells_alone() -> None:
    node, (lab,), (students,) = bare_node(), make_many(), make_many(of_class="student")
    students.book([node.devices.first()], in_days(9), hours=4)
    lab.book([node.devices.first()], None, hours=4)
    assert held() == {}
    assert not SharedCell.objects.exists()


@pytest.mark.django_db
def test_a_slot_that_is_called_off_is_given_back_and_one_that_began_stays_counted() -> None:
    node, (lab,) = bare_node(), make_many()
    devices = list(node.devices.all())
    ends = [lab.book([device], in_days(9), hours=4) for device in devices[:2]]
    calling_off.call_off(project=lab.project, ends_after=None, reason="M", at=clock.now())
    assert held() == {}
    assert {one.state for one in Reservation.objects.filter(pk__in=[one.pk for one in ends])} == {"cancelled"}
    kept = lab.book([devices[2]], in_days(9), hours=4)
    calling_off.call_off(
        project=lab.project, ends_after=None, reason="M", at=kept.during.lower + timedelta(hours=1)
    )
    assert sum(held().values()) == 4


@pytest.mark.django_db
def test_the_rest_of_a_slot_is_given_back_from_a_moment_on_once() -> None:
    node, (lab,) = bare_node(funded="0.6"), make_many(of_class="industry")
    monday = a_monday()
    reservation = lab.book([node.devices.first()], monday + timedelta(hours=6), hours=6)
    quarter = Period.quarter_of(monday).label
    before = {
        ("model", "off_peak"): 2, ("model", "peak"): 4, ("node", "off_peak"): 2, ("node", "peak"): 4,
        ("commerce", quarter): 6, ("commerce", quarter[:4]): 6,
    }  # fmt: skip
    assert held() == before
    since = monday + timedelta(hours=9)
    for _again in range(2):
        counters.give_back_after(reservation=reservation, since=since, at=since)
        assert held() == before | {
            ("model", "peak"): 1, ("node", "peak"): 1, ("commerce", quarter): 3, ("commerce", quarter[:4]): 3,
        }  # fmt: skip
    counters.give_back(references=[reservation.reference], at=since)
    assert held() == {}
    counters.give_back(references=[reservation.reference], at=since)
    assert held() == {}


@pytest.mark.django_db
def test_a_class_given_or_lost_afterwards_changes_nothing_about_what_is_booked() -> None:
    node, (lab,) = bare_node(), make_many()
    first = lab.book([node.devices.first()], in_days(9), hours=4)
    Project.objects.filter(pk=lab.project.pk).update(project_class="student")
    lab.book([node.devices.last()], in_days(9), hours=4)
    assert sum(held().values()) == 4
    booking.cancel(reservation=first, by=lab.member, at=clock.now())
    assert held() == {}


@pytest.mark.django_db
def test_the_class_that_decides_is_the_one_in_force_when_it_is_asked() -> None:
    node, (lab,) = bare_node(), make_many(of_class="student")
    ends = in_days(9) + timedelta(hours=1)
    Project.objects.filter(pk=lab.project.pk).update(class_expires_at=ends)
    lab.book([node.devices.first()], in_days(9), hours=4)
    assert sum(held().values()) == 3  # what lies after its class counts like others' hours
    Project.objects.filter(pk=lab.project.pk).update(class_expires_at=clock.now() - timedelta(minutes=1))
    state = lab.book([node.devices.last()], in_days(9), hours=4).decision.snapshot["project"]
    assert state["project_class"] == "independent"  # no sweep has said so yet
    assert sum(held().values()) == 7


# --- how much there is ---
@pytest.mark.django_db
def test_what_can_be_booked_follows_closures_owners_nodes_and_statements() -> None:
    """Each is read at the decision: nobody counts again behind it."""
    node, (lab,) = bare_node(devices=2), make_many()
    monday = a_monday()
    start, at = monday + timedelta(hours=9), clock.now()
    ids = [device.pk for device in node.devices.all()]

    def bookable() -> list[str]:
        answer = booking.preview(
            project=lab.project, devices=[node.devices.first().uid], start=start,
            end=start + timedelta(hours=1), asked_by=lab.member, at=at,
        )  # fmt: skip
        return [str(rule.facts["bookable"]) for rule in answer.rules if rule.code == "floor"]

    assert bookable() == ["120.000000"]
    for kind, day in (("closure", 1), ("owner", 2)):
        during = between(monday + timedelta(days=day, hours=6), monday + timedelta(days=day, hours=12))
        occupancy.close_devices(device_ids=ids, during=during, kind=kind, reason="Fans", at=at)
    # Four peak hours of each of two days, on two devices; the hours before 08:00 are another cell's.
    assert bookable() == ["104.000000"]
    other = bare_node(devices=1, site=node.site)
    assert bookable() == ["164.000000"]
    Node.objects.filter(pk=other.pk).update(listed_at=monday + timedelta(days=4))  # a Friday
    assert bookable() == ["116.000000"]
    Node.objects.filter(pk=other.pk).update(state=Node.State.WITHDRAWN)
    assert bookable() == ["104.000000"]
    factories.make_node(devices=8, site=node.site)  # without a price nobody can book it
    assert bookable() == ["104.000000"]


@pytest.mark.django_db
def test_a_statement_with_more_public_money_keeps_more_of_its_node() -> None:
    node, (lab,) = bare_node(), make_many()
    lab.book([node.devices.first()], in_days(9), hours=1)
    assert {cell.kind for cell in SharedCell.objects.filter(most_seconds__isnull=False)} == {"model"}
    state_public_money(node, "280000")
    with pytest.raises(Refused) as refusal:
        lab.book([node.devices.last()], in_days(9), hours=1)
    assert refusing(refusal.value) == {"floor"}
    (rule,) = refusal.value.answer.refusing
    assert (rule.facts["kind"], rule.facts["kept"], rule.limit) == ("node", "1", "0.000000")


def state_public_money(node: Node, amount: str) -> None:
    """A statement from now on that says so much of the 280,000 was public money."""
    declared = factories.make_declared(assets=(factories.make_asset(funding=factories.granted(amount)),))
    by, now = node.statements.earliest("pk").published_by, clock.now()
    publish_statement(node=node, declared=declared, effective_from=now, published_by=by, at=now)


@pytest.mark.django_db
def test_what_was_booked_before_counts_where_a_statement_says_more_public_money() -> None:
    """A node of two that its owner alone bought, and four more of its model elsewhere."""
    make_rules(model_share=Fraction(1))
    node, (lab,), (student,) = bare_node(devices=2), make_many(), make_many(of_class="student")
    bare_node(devices=4, site=node.site)
    monday = a_monday() + timedelta(hours=8)
    first, second = node.devices.all()
    for day in range(2):
        lab.book([first, second], monday + timedelta(days=day), hours=12)
    own = SharedCell.objects.get(kind=NODE)
    assert (own.held_seconds, own.most_seconds) == (48 * 3600, None)
    state_public_money(node, "168000")  # three fifths: others have 48 of its 120 peak hours
    with pytest.raises(Refused) as refusal:
        lab.book([second], monday + timedelta(days=3), hours=1)
    (rule,) = refusal.value.answer.refusing
    assert (rule.facts["kind"], rule.limit, rule.actual) == ("node", "48.000000", "49.000000")
    student.book([second], monday + timedelta(days=3), hours=1)
    # And back: what is held stays counted, and refuses nobody.
    state_public_money(node, "0")
    lab.book([second], monday + timedelta(days=4), hours=1)
    own.refresh_from_db()
    assert (own.held_seconds, own.most_seconds) == (49 * 3600, None)
    assert recounting.differences(at=clock.now()) == []


@pytest.mark.django_db
def test_what_commerce_booked_before_counts_once_there_is_public_money() -> None:
    make_rules(floor_share=None, model_share=Fraction(1), commerce_share=Fraction(1, 1000))
    node, (firm,) = bare_node(listed_at=clock.now() - timedelta(days=900)), make_many(of_class="industry")
    devices, start = list(node.devices.all()), in_days(9)
    slot = firm.book(devices[:2], start, hours=10)
    found = SharedCell.objects.values_list("rule", "held_seconds", "most_seconds")
    assert {*found} == {("commerce", 20 * 3600, None)}
    state_public_money(node, "2800")
    with pytest.raises(Refused) as refusal:
        firm.book([devices[3]], start, hours=1)
    (rule,) = refusal.value.answer.refusing
    assert (rule.code, rule.actual) == ("commerce", "21.000000")
    assert recounting.differences(at=clock.now()) == []
    booking.cancel(reservation=slot, by=firm.member, at=clock.now())
    firm.book([devices[3]], start, hours=1)
    assert {*held().values()} == {1}


@pytest.mark.django_db
def test_a_cell_that_is_over_its_limit_refuses_more_and_takes_nothing_away() -> None:
    node, labs = bare_node(devices=2), make_many(projects=3)
    friday = a_monday() + timedelta(days=4, hours=8)
    first, second = node.devices.all()
    booked = labs[0].book([first], friday, hours=12)
    labs[1].book([second], friday, hours=12)
    monday = friday - timedelta(days=4)
    during = between(monday, friday - timedelta(hours=1))  # nearly all of the week, on both
    occupancy.close_devices(
        device_ids=[first.pk, second.pk], during=during, kind="closure", reason="Fire", at=clock.now()
    )
    assert held() == {("model", "peak"): 24}  # of 24 that are left, others should have 19.2
    booking.cancel(reservation=booked, by=labs[0].member, at=clock.now())
    with pytest.raises(Refused) as refusal:
        labs[2].book([first], friday, hours=8)
    assert refusing(refusal.value) == {"floor"}
    assert refusal.value.answer.refusing[0].remedy["end"] is not None
    labs[2].book([first], friday, hours=7)
    assert held() == {("model", "peak"): 19}


@pytest.mark.django_db
def test_the_nearest_free_time_is_offered_from_another_week_or_band_too() -> None:
    node, (holder, lab) = bare_node(devices=1), make_many(projects=2)
    monday = a_monday()
    holder.book([node.devices.get()], monday - timedelta(hours=12), hours=20)  # Sunday to Monday 08:00
    with pytest.raises(Refused) as refusal:
        lab.book([node.devices.get()], monday - timedelta(hours=6), hours=2)
    assert refusing(refusal.value) == {"free"}
    cells = refusal.value.decision.snapshot["cells"]
    assert [(cell["week"], cell["band"]) for cell in cells] == [
        (str(Week.of(monday).previous), "off_peak"),
        (str(Week.of(monday)), "peak"),
    ]
    assert refusal.value.answer.nearest.start == monday + timedelta(hours=8)


# --- commerce ---
@pytest.mark.django_db
def test_commerce_has_a_fifth_of_a_funded_node_and_the_whole_of_others() -> None:
    make_rules(floor_share=None, model_share=Fraction(1))
    long_ago = clock.now() - timedelta(days=900)
    funded, private = (bare_node(devices=1, funded=share, listed_at=long_ago) for share in ("0.01", "0"))
    firms = make_many(projects=2, of_class="startup")
    for lab in firms:
        lab.book([private.devices.get()], in_days(3 + 4 * firms.index(lab)), hours=96)
    assert not SharedCell.objects.filter(most_seconds__isnull=False).exists()
    start = in_days(9)
    firms[0].book([funded.devices.get()], start, hours=10)
    (quarter, year) = (Period.quarter_of(start), Period.year_of(start))
    assert held()[("commerce", quarter.label)] == held()[("commerce", year.label)] == 10
    limits = dict(SharedCell.objects.filter(key=funded.slug).values_list("period", "most_seconds"))
    assert limits == {period.label: period.slot.hours * 3600 / 5 for period in (quarter, year)}
    # Nearly all of it is held: the rest is refused with the period that is full.
    SharedCell.objects.filter(key=funded.slug, period=quarter.label).update(
        held_seconds=int(quarter.slot.hours * 720 - 3600)
    )
    with pytest.raises(Refused) as refusal:
        firms[1].book([funded.devices.get()], start + timedelta(hours=24), hours=2)
    (rule,) = refusal.value.answer.refusing
    assert (rule.code, rule.facts["period"], rule.excess) == ("commerce", quarter.label, "1.000000")
    firms[1].book([funded.devices.get()], start + timedelta(hours=24), hours=1)
    make_many()[0].book([funded.devices.get()], start + timedelta(hours=48), hours=2)


# --- sanction ---
@pytest.mark.django_db
def test_three_no_shows_make_near_hours_need_room_for_whoever_did_not_come() -> None:
    node, (lab, large) = bare_node(devices=2), make_many(projects=2)
    other = lab.join()
    large.vertex.shares = 10**9
    large.vertex.save()
    large.book([node.devices.last()], in_days(20), hours=1)
    now = clock.now()
    for number in range(3):
        slot = lab.book([node.devices.first()], in_days(3 + number), hours=1)
        NoShow.objects.create(
            reservation=slot, person=lab.member, verdict=True, reason="unused", warned_at=now, judged_at=now,
        )  # fmt: skip
        booking.cancel(reservation=slot, by=lab.member, at=now)
    lab.book([node.devices.first()], None, hours=10, asked_by=other)
    with pytest.raises(Refused) as refusal:
        lab.book([node.devices.last()], None, hours=10, at=clock.now())
    (rule,) = refusal.value.answer.refusing
    # The least room is a whole node for eight hours; ten device-hours of it are held already, by another.
    assert (rule.code, rule.facts["no_shows"]) == ("room", 3)
    assert "You did not come to 3 slots: until " in str(refusal.value.details["rules"])
    lab.book([node.devices.last()], None, hours=10, asked_by=other)
    for decision in Decision.objects.select_related("policy", "taken_on"):
        assert difference_of(decision) == ""
        assert lab.member.email not in str(decision.snapshot)


# --- numbers by class ---
@pytest.mark.django_db
def test_a_class_goes_by_its_own_numbers() -> None:
    make_rules(
        classes=(
            ClassNumbers("student", is_public_interest=True, longest_hours=4, exempt_hours=240),
            ClassNumbers("research", free_cancel_hours=240, model_share=Fraction(1, 100)),
        )
    )
    node = make_open_node()
    (lab,), (students,) = make_many(), make_many(of_class="student")
    slot = students.book([node.devices.first()], in_days(9), hours=2)
    assert slot.decision.snapshot["standing"]["held"] == "0"
    again = students.book([node.devices.last()], in_days(9), hours=2)
    assert again.decision.snapshot["standing"]["held"] == "0"  # within ten days nothing needs room
    for its, hours, code in ((students, 5, "length"), (lab, 9, "model_half")):
        with pytest.raises(Refused) as refusal:
            its.book([node.devices.all()[1]], in_days(9), hours=hours)
        assert refusing(refusal.value) == {code}
    late = lab.book([node.devices.all()[1]], in_days(9), hours=1)
    assert booking.cancel(reservation=late, by=lab.member, at=clock.now()).settled_at is None
    assert booking.cancel(reservation=slot, by=students.member, at=clock.now()).settled_at is not None


# --- the database has the last word ---
def cell(**fields: Any) -> SharedCell:
    fields = {
        "rule": FLOOR, "kind": MODEL, "key": KEY, "period": "2026-W49", "band": "peak", "held_seconds": 0,
        "most_seconds": 100,
    } | fields  # fmt: skip
    return SharedCell.objects.create(**fields)


@pytest.mark.django_db
def test_no_statement_raises_a_cell_above_its_most() -> None:
    full = cell(held_seconds=100)
    with pytest.raises(IntegrityError, match="would hold more"), transaction.atomic():
        SharedCell.objects.filter(pk=full.pk).update(held_seconds=101)
    with pytest.raises(IntegrityError, match="would hold more"), transaction.atomic():
        cell(period="2026-W50", held_seconds=101)
    with pytest.raises(IntegrityError, match="no_less_than_nothing"), transaction.atomic():
        SharedCell.objects.filter(pk=full.pk).update(held_seconds=-1)
    # Its limit may fall below what it holds, which may then only become less.
    SharedCell.objects.filter(pk=full.pk).update(most_seconds=50)
    SharedCell.objects.filter(pk=full.pk).update(held_seconds=90)
    with pytest.raises(IntegrityError, match="would hold more"), transaction.atomic():
        SharedCell.objects.filter(pk=full.pk).update(held_seconds=91)


@pytest.mark.django_db
def test_what_was_counted_is_never_changed() -> None:
    counted = CountedHours.objects.create(
        cell=cell(), reference="reservation-1", seconds=1, project_class="research", at=clock.now()
    )
    for change in (counted.delete, partial(CountedHours.objects.filter(pk=counted.pk).update, seconds=2)):
        with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
            change()


@pytest.mark.django_db
def test_a_slot_is_counted_in_all_of_its_cells_or_in_none() -> None:
    cells = [Cell(FLOOR, MODEL, KEY, "2026-W49", band) for band in ("off_peak", "peak")]
    take = partial(counters.take, project_class="research", at=clock.now())
    room_for_one = [Counted(cells[0], Fraction(1), Fraction(10)), Counted(cells[1], Fraction(1), Fraction(1))]
    assert take(counted=room_for_one, reference="reservation-1")
    assert not take(counted=room_for_one, reference="reservation-2")
    assert [*SharedCell.objects.order_by("band").values_list("held_seconds", flat=True)] == [3600, 3600]
    assert {*CountedHours.objects.values_list("reference", flat=True)} == {"reservation-1"}
    assert not take(counted=[Counted(cells[0], Fraction(2), Fraction(1))], reference="reservation-3")
    assert take(counted=[], reference="reservation-4")


@pytest.mark.django_db
def test_locking_makes_the_rows_that_are_missing_and_changes_no_number() -> None:
    known, new = (Cell(FLOOR, MODEL, KEY, week, "peak") for week in ("2026-W49", "2026-W50"))
    counted = [Counted(known, Fraction(1), Fraction(3))]
    counters.take(counted=counted, reference="reservation-1", project_class="research", at=clock.now())
    counters.lock(references=["reservation-1"], cells=[new, known])
    found = {cell.period: (cell.held_seconds, cell.most_seconds) for cell in SharedCell.objects.all()}
    assert found == {"2026-W49": (3600, 10800), "2026-W50": (0, 0)}


@pytest.mark.django_db
def test_under_all_rules_a_booking_takes_at_most_seventeen_queries_however_many_cells() -> None:
    node, (lab,) = bare_node(devices=8, funded="0.6"), make_many(of_class="industry")
    capacity.measure(at=clock.now())
    devices, start, at = list(node.devices.all()), in_days(9), clock.now()
    for day, hours in enumerate((1, 10)):
        with CaptureQueriesContext(connection) as queries:
            lab.book(devices, start + timedelta(days=day), hours=hours, at=at)
        marks = ("SAVEPOINT", "RELEASE SAVEPOINT")
        asked = [query["sql"] for query in queries if not query["sql"].startswith(marks)]
        assert len(asked) <= 17, "\n".join(asked)


# --- at once, on committed data ---
@pytest.mark.django_db(transaction=True)
def test_others_at_once_cannot_take_what_is_kept() -> None:
    """Without the condition in _TAKE the trigger answers those too many with an error instead of a decision;
    without the trigger, too, all eight are granted."""
    make_rules(model_share=Fraction(1))
    node, labs = bare_node(devices=8), make_many(projects=8)
    capacity.measure(at=clock.now())
    monday = a_monday()
    ids = [device.pk for device in node.devices.all()]
    # All but ten hours of each device's peak hours are closed: others have 64 of 80 device-hours.
    for day in range(5):
        first = 8 if day else 18
        during = between(monday + timedelta(days=day, hours=first), monday + timedelta(days=day, hours=20))
        occupancy.close_devices(device_ids=ids, during=during, kind="closure", reason="M", at=clock.now())
    start = monday + timedelta(hours=8)
    calls = [
        partial(lab.book, [device], start, hours=10)
        for lab, device in zip(labs, node.devices.all(), strict=True)
    ]
    booked, refused = split(at_once(*calls, meeting_at=CountedHours))
    assert len(booked) == 6  # 60 of 64 device-hours, and ten more would be 70
    assert [type(answer) for answer in refused] == [Refused] * 2
    assert all(refusing(answer) == {"floor"} for answer in refused)
    assert held() == {("model", "peak"): 60}
    # Whom it is kept for still has the rest.
    (students,) = make_many(of_class="student")
    free = [
        device for device in node.devices.all() if not Hold.objects.filter(device=device, kind="reservation")
    ]
    students.book(free, start, hours=10)
    for decision in Decision.objects.select_related("policy", "taken_on"):
        assert difference_of(decision) == ""


@pytest.mark.django_db(transaction=True)
def test_commerce_at_once_cannot_take_more_than_its_part() -> None:
    """Seen to fail like the one above: all eight are granted without the condition and the trigger."""
    make_rules(floor_share=None, model_share=Fraction(1), commerce_share=Fraction(1, 1000))
    node = bare_node(devices=8, funded="0.3", listed_at=clock.now() - timedelta(days=900))
    firms = make_many(projects=8, of_class="industry")
    capacity.measure(at=clock.now())
    start = in_days(5)
    most = 8 * Period.quarter_of(start).slot.hours / 1000  # some 17.5 device-hours
    calls = [
        partial(lab.book, [device], start, hours=5)
        for lab, device in zip(firms, node.devices.all(), strict=True)
    ]
    booked, refused = split(at_once(*calls, meeting_at=CountedHours))
    assert len(booked) == most // 5 == 3
    assert all(refusing(answer) == {"commerce"} for answer in refused)
    assert {*held().values()} == {15}


@pytest.mark.django_db(transaction=True)
def test_slots_of_many_cells_named_in_any_order_never_wait_for_each_other_in_a_circle() -> None:
    """Seen to deadlock without ORDER BY in _TAKE, where cells are raised in the order they are named."""
    weeks = [str(Week.of(a_monday() + timedelta(days=7 * number))) for number in range(3)]
    cells = [Cell(FLOOR, NODE, f"n-{name}", week, "peak") for name in "ab" for week in weeks]
    counted = [Counted(one, Fraction(1), Fraction(10**6)) for one in cells]

    def take_and_give(number: int) -> bool:
        turned = counted[number % 6 :] + counted[: number % 6]
        for again in range(5):
            with transaction.atomic():
                reference = f"reservation-{number}-{again}"
                taken = counters.take(
                    counted=turned[:: (-1) ** number], reference=reference, project_class="research",
                    at=clock.now(),
                )  # fmt: skip
            with transaction.atomic():
                counters.give_back(references=[reference], at=clock.now())
        return taken

    assert at_once(*[partial(take_and_give, number) for number in range(6)]) == [True] * 6
    assert held() == {}
    assert Counter(CountedHours.objects.values_list("seconds", flat=True)) == {
        Decimal(3600): 180, Decimal(-3600): 180,
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_a_slot_given_back_twice_at_once_is_given_back_once() -> None:
    node, (lab,) = bare_node(), make_many()
    kept = lab.book([node.devices.last()], in_days(9), hours=4)
    slot = lab.book([node.devices.first()], in_days(9), hours=4)
    cancel = partial(booking.cancel, reservation=slot, by=lab.member, at=clock.now())
    done, _refused = split(at_once(cancel, cancel, cancel))
    assert len(done) == 1
    assert sum(held().values()) == 4
    for kind in (MODEL, NODE):
        counted = CountedHours.objects.filter(reference=kept.reference, cell__kind=kind)
        assert sum(one.seconds for one in counted) == 4 * 3600
        (of_both,) = SharedCell.objects.filter(kind=kind)
        assert of_both.held_seconds == 4 * 3600
