from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from reservations.domain import decay, engines, rules
from reservations.domain.counted import FLOOR, Cell
from reservations.domain.laboratory import booking as module
from reservations.domain.laboratory.booking import Person
from reservations.domain.laboratory.holdings import Booking, Holdings
from reservations.domain.laboratory.placements import Cluster, Course
from reservations.domain.laboratory.requests import HOUR, Ask, Group
from reservations.domain.laboratory.usage import moment
from reservations.domain.policy import ClassNumbers, Policy, standard
from reservations.domain.room import rounded_up
from reservations.domain.rules import Case
from reservations.domain.slots import Slot, hours_within, weeks_of
from tests.reservations.domain.laboratory.worlds import (
    MONDAY,
    ask,
    cluster,
    crowd,
    most_at_once,
    nobody,
    overlapping,
    starts,
)

DAY = 24 * HOUR
GROUPS = {"one": Group("research", 1), "two": Group("industry", 2), "three": Group("student", 1)}
STAYS = Person(look_hours=0)
# One project may have a model's whole week, so that the floor is what refuses.
_WIDE = replace(standard(), model_share=Fraction(1))


def booked(
    asks: list[Ask], devices: int | Cluster, *, policy: Policy | None = None, person: Person = STAYS,
    zone: str = "UTC",
) -> Course:  # fmt: skip
    machine = devices if isinstance(devices, Cluster) else cluster(devices)
    return module.booked(
        asks, machine, groups=GROUPS, policy=policy or standard(), zone=zone, person=person, tick=nobody
    )


def test_a_free_device_is_had_at_once_and_given_back_when_the_job_is_done() -> None:
    course = booked([ask(0, 100, runs=60), ask(1, 160)], 1)
    assert starts(course) == {0: 100, 1: 160}
    # From 100 s for an hour, to the next mark.
    assert course.placed[0].until == MONDAY + 4500


def test_a_slot_that_somebody_holds_is_taken_by_nobody_else_though_it_is_given_back_later() -> None:
    # The first asks for two hours and needs one minute; the second comes a second too early to see that.
    course = booked([ask(0, 0, length=2 * HOUR, runs=60), ask(1, 59)], 1)
    assert starts(course) == {0: 0, 1: 7200}
    assert (course.first_refusals, course.moved) == ({"free": 1}, 1)


def test_whoever_got_a_later_slot_moves_up_when_they_look_and_there_is_room() -> None:
    asks = [ask(0, 0, length=20 * HOUR, runs=60), ask(1, 59)]
    assert starts(booked(asks, 1)) == {0: 0, 1: 20 * HOUR}
    assert starts(booked(asks, 1, person=Person(look_hours=4))) == {0: 0, 1: 59 + 4 * HOUR}


def test_what_is_booked_ahead_is_there_when_the_job_is_ready() -> None:
    # Asked for a day before; whoever comes an hour before it is ready finds an hour free, and no more.
    ahead = ask(0, DAY + 60, asked=MONDAY)
    short, long = ask(1, DAY - HOUR), ask(2, DAY - HOUR, length=2 * HOUR)
    course = booked([ahead, short, long], 1)
    # Ready at one minute past, it begins at the next mark.
    assert starts(course) == {0: DAY + 900, 1: DAY - HOUR, 2: DAY + 900 + HOUR}


def test_nobody_waits_longer_than_they_have_patience_for() -> None:
    asks = [ask(0, 0, length=4 * DAY), ask(1, 60)]
    impatient = booked(asks, 1, person=Person(patience_hours=48, look_hours=0))
    assert [(one.ask.number, one.rule) for one in impatient.refused] == [(1, "free")]
    assert starts(booked(asks, 1)) == {0: 0, 1: 4 * DAY}


def test_whoever_is_refused_asks_again() -> None:
    # For four days nothing is free; the first job ends after one, and the second asks again at midnight.
    asks = [ask(0, 0, length=4 * DAY, runs=DAY), ask(1, 60)]
    course = booked(asks, 1, person=Person(patience_hours=48, again_hours=24, look_hours=0))
    assert starts(course) == {0: 0, 1: DAY}


def test_when_room_comes_back_to_a_project_those_who_wait_longest_ask_first() -> None:
    # A node of 1 device for 8 h is the least room; f is at least 1/2, and the share of 3 in a million next
    # to nothing. Nothing is exempt, so of `one`'s jobs of 8 h one may be held at a time.
    rich = {"one": Group("research", 1), "two": Group("research", 1_000_000)}
    policy = replace(standard(), exempt_hours=0, floor_share=None, floor_ahead_hours=None)
    asks = [
        ask(0, 0, project="two"), ask(1, 60, length=8 * HOUR - 900, runs=600),
        ask(2, 120, length=8 * HOUR - 900, runs=600), ask(3, 180, length=8 * HOUR - 900, runs=600),
    ]  # fmt: skip
    course = module.booked(
        asks, cluster(9, node_devices=1), groups=rich, policy=policy, zone="UTC", person=STAYS, tick=nobody
    )
    assert starts(course) == {0: 0, 1: 60, 2: 660, 3: 1260}
    assert course.first_refusals == {"room": 2}


def test_the_room_refuses_whoever_holds_too_much_ahead() -> None:
    # One device, 28 days: C = 672. Two have shares 1 and 2, both active: s = 1/3, f = 2, so 448 h are
    # `one`'s room, or four devices of a node for 8 h. Nothing of the first 24 h counts.
    tight = replace(
        standard(), model_share=Fraction(1), longest_hours=480, floor_share=None, floor_ahead_hours=None
    )
    other = ask(0, 0, project="two", length=HOUR, runs=60)
    fits = ask(1, DAY, asked=MONDAY + 120, length=448 * HOUR)
    assert not booked([other, fits], cluster(1), policy=tight).first_refusals
    over = replace(fits, length=448 * HOUR + 900)
    assert booked([other, over], cluster(1), policy=tight).first_refusals == {"room": 1}


def test_the_floor_is_left_to_those_of_public_interest() -> None:
    # Two devices, next week: 216 off-peak hours, of which others may have 172.8, and 120 peak, 96. A device
    # for the week is 108 and 60; two are too much for others, and not for students.
    next_week, first = 7 * DAY, ask(0, 7 * DAY, asked=MONDAY, length=7 * DAY)
    second = ask(1, next_week, asked=MONDAY + 60, length=7 * DAY, project="two")
    assert booked([first], 2, policy=_WIDE).first_refusals == {}
    assert booked([first, second], 2, policy=_WIDE).first_refusals == {"floor": 1}
    assert booked([first, replace(second, project="three")], 2, policy=_WIDE).first_refusals == {}


def test_the_hours_that_are_given_back_leave_the_floors_counters() -> None:
    # The first gives its device back after a minute on Monday; the second asks for as much on Tuesday, with
    # what is left of the week still further ahead than 48 h.
    first = ask(0, 7 * DAY, asked=MONDAY, length=7 * DAY, runs=60)
    second = ask(1, 7 * DAY, asked=MONDAY + 60, length=7 * DAY, project="two")
    again = replace(second, number=2, asked=MONDAY + 8 * DAY, ready=MONDAY + 8 * DAY, length=6 * DAY)
    course = booked([first, second, again], 2, policy=_WIDE, person=Person(patience_hours=0, look_hours=0))
    assert [one.ask.number for one in course.refused] == [1]
    assert starts(course)[2] == 8 * DAY


def test_peak_hours_are_those_of_the_zone() -> None:
    # On one device others may have 48 of 60 peak hours. Monday 08:00 to Thursday 20:00 in Tokyo has them all
    # and is, by the clock in Greenwich, all but 9 hours of it.
    slot = ask(0, 7 * DAY - HOUR, asked=MONDAY, length=4 * DAY - 12 * HOUR)
    assert booked([slot], 1, policy=_WIDE, zone="Asia/Tokyo").first_refusals == {}
    longer = replace(slot, length=5 * DAY - 12 * HOUR)
    assert booked([longer], 1, policy=_WIDE, zone="Asia/Tokyo").first_refusals == {"floor": 1}
    assert booked([longer], 1, policy=_WIDE, zone="Etc/GMT+8").first_refusals == {}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("person", [STAYS, Person(look_hours=3)])
def test_no_two_slots_share_a_device_and_every_request_comes_out_once(seed: int, person: Person) -> None:
    asks = crowd(seed, 80)
    course = booked(asks, 8, person=person)
    assert not overlapping(course)
    assert most_at_once(course) <= 8
    assert all(one.mask.bit_count() == one.ask.devices for one in course.placed)
    out = [one.ask.number for one in course.placed] + [one.ask.number for one in course.refused]
    assert sorted(out) == [one.number for one in asks]
    assert all(one.start >= one.ask.ready and one.end == one.start + one.ask.runs for one in course.placed)
    # Slots start on a mark or at the moment they are asked for, and end on a mark.
    assert all(one.until % 900 == 0 and one.end <= one.until for one in course.placed)


# --- against the engine itself, and against snapshots made from all that ever happened ----------------------
class Watched(Holdings):
    """Notes what is done, so that a test can reckon everything again from the beginning."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        LOG.append(("new", named["since"], None))

    def book(self, booking: Booking) -> None:
        super().book(booking)
        LOG.append(("book", 0, booking))

    def cancel(self, booking: Booking) -> None:
        super().cancel(booking)
        LOG.append(("cancel", 0, booking))

    def release(self, booking: Booking, now: int) -> None:
        super().release(booking, now)
        LOG.append(("release", now, booking))


LOG: list[tuple[str, int, Any]] = []


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, Any]]:
    LOG.clear()
    real = module.refusing

    def noted(case: Case) -> Iterator[str]:
        LOG.append(("asked", 0, case))
        return real(case)

    monkeypatch.setattr(module, "refusing", noted)
    monkeypatch.setattr(module, "Holdings", Watched)
    return LOG


SHORT_HALF_LIFE = replace(standard(), half_life_hours=24, active_days=1, model_share=Fraction(1, 4))


@pytest.mark.parametrize("seed", range(2))
def test_every_verdict_is_the_engines_own_bit_for_bit(seed: int, log: list[tuple[str, int, Any]]) -> None:
    policy = replace(SHORT_HALF_LIFE, classes=_with_own_numbers())
    booked(crowd(seed, 60), 8, policy=policy, person=Person(look_hours=6))
    asked = [case for what, _at, case in log if what == "asked"]
    assert len(asked) > 50
    refused = 0
    for case in asked:
        answer = engines.decide(case.request, case.snapshot, policy)
        assert [rule.code for rule in answer.refusing] == [*module.refusing(case)]
        refused += not answer.is_granted
    assert refused


@pytest.mark.parametrize("seed", range(2))
def test_like_devices_on_nodes_of_their_own_are_answered_alike(
    seed: int, log: list[tuple[str, int, Any]]
) -> None:
    booked(crowd(seed, 60), 8, policy=SHORT_HALF_LIFE)
    for case in [case for what, _at, case in log if what == "asked"][::3]:
        told = engines.decide(case.request, case.snapshot, SHORT_HALF_LIFE)
        apart = tuple(
            replace(device, node=f"node-{number // 4}") for number, device in enumerate(case.snapshot.devices)
        )
        (pool,) = case.snapshot.nodes
        nodes = tuple(replace(pool, slug=slug) for slug in dict.fromkeys(device.node for device in apart))
        snapshot = replace(case.snapshot, devices=apart, nodes=nodes)
        assert engines.decide(case.request, snapshot, SHORT_HALF_LIFE).rules == told.rules


@pytest.mark.parametrize("seed", range(2))
def test_snapshots_say_what_all_that_happened_before_comes_to(
    seed: int, log: list[tuple[str, int, Any]]
) -> None:
    booked(crowd(seed, 60), 8, policy=SHORT_HALF_LIFE, person=Person(look_hours=6))
    live: list[Booking] = []
    over: list[tuple[Booking, int]] = []
    compared = 0
    for what, at, said in log:
        if what == "book":
            live.append(said)
        elif what == "cancel":
            live.remove(said)
        elif what == "release":
            live.remove(said)
            over.append((said, at))
        elif what == "asked":
            _compare(said, live, over)
            compared += 1
    assert compared > 50


def _compare(case: Case, live: list[Booking], over: list[tuple[Booking, int]]) -> None:
    project, now = case.request.project, int(case.request.at.timestamp())
    own = [one for one in live if one.ask.project == project]
    late = case.request.at + SHORT_HALF_LIFE.exempt
    spans = [(one, Slot(moment(one.start), moment(one.end))) for one in own]
    standing = case.snapshot.standing
    rest = {one.ask.number: Slot(max(slot.start, late), slot.end) for one, slot in spans if slot.end > late}
    assert standing.held == sum(slot.hours * one.ask.devices for one, _slot in spans
                                if (slot := rest.get(one.ask.number)))  # fmt: skip
    assert Fraction(standing.stored) == sum(
        Fraction(
            decay.counted(Decimal(one.ask.devices), moment(one.start), moment(end), SHORT_HALF_LIFE.half_life)
        )
        for one, end in over
        if one.ask.project == project
    )
    committed = sum(one.ask.devices * (one.end - one.start) for one in own)
    assert standing.committed == rounded_up(Fraction(committed, HOUR))
    (stock,) = case.snapshot.models
    for week in {week for slot in rest.values() for week in weeks_of(slot)}:
        held = sum(hours_within(rest[one.ask.number], week.slot) * one.ask.devices
                   for one in own if one.ask.number in rest)  # fmt: skip
        assert stock.held_in(str(week)) == held
    active = {one.ask.project for one in live} | {
        one.ask.project for one, end in over if end >= now - 24 * HOUR
    }
    shares = {name: group.shares for name, group in GROUPS.items()}
    assert standing.path[0].of_active == sum(shares[name] for name in active | {project})
    for cell in case.snapshot.cells:
        counted = [
            (one.case, Slot(moment(one.start), moment(end)))
            for one, end in [*((one, one.end) for one in live), *over]
        ]
        assert cell.held == sum(
            hours
            for granted, slot in counted
            for key, hours in rules.counted_within(granted, slot).items()
            if key == Cell(FLOOR, cell.kind, cell.key, cell.week, cell.band)
        )


def _with_own_numbers() -> tuple[ClassNumbers, ...]:
    return tuple(
        replace(numbers, exempt_hours=2, least_node_hours=1, most_factor=Fraction(1))
        if numbers.code == "industry" else numbers
        for numbers in standard().classes
    )  # fmt: skip
