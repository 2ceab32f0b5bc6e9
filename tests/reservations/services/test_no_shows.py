"""Slots that nobody uses: warned of, released, judged, appealed against."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.errors import StewardActRefused
from accounts.models import Notice
from common.access import NotAllowed
from common.ranges import bounds
from nodes.models import Agent, Hold, HoldEvent, Node
from reservations.domain.policy import Policy, standard
from reservations.errors import AppealRefused, ChangeRefused, NotAMember
from reservations.models import NoShow, Reservation, SlotChange
from reservations.selectors.no_shows import standing_of
from reservations.services import booking, changing, dispatch, handing_over, no_shows, releasing, settle
from tests import factories
from tests.races import at_once, split
from tests.reservations.services.test_dispatch import end, start as report_start
from tests.reservations.services.test_runs import queue
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node

HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def lab(db: None) -> Lab:
    """Under the standard policy: warned after 15 minutes, released after 30."""
    factories.make_policy(**vars(standard()))
    return make_lab()


def heard(node: Node, at: datetime) -> None:
    """Its agent has called."""
    Agent.objects.update_or_create(
        node=node, defaults={"public_key": f"key-{node.pk}", "enrolled_at": at, "last_seen_at": at}
    )


def slot_of(lab: Lab, *, days: float = 2, hours: float = 4) -> tuple[Reservation, datetime]:
    node = make_open_node(devices=1)
    slot = lab.book([node.devices.get()], in_days(days), hours=hours)
    return slot, bounds(slot.during)[0]


def look(slot: Reservation, at: datetime) -> NoShow | None:
    """Sweep while the node's agent answers."""
    heard(slot.devices.get().device.node, at)
    no_shows.look(at=at)
    return NoShow.objects.filter(reservation=slot).first()


def unused(lab: Lab, days: float = 2) -> NoShow:
    """A no-show as it is judged in time."""
    slot, begins = slot_of(lab, days=days)
    look(slot, begins + 15 * MINUTE)
    found = look(slot, begins + 30 * MINUTE)
    assert found is not None
    return found


# --- the sweep ----------------------------------------------------------------------
def test_a_slot_that_nobody_uses_is_warned_of_and_then_released(lab: Lab) -> None:
    slot, begins = slot_of(lab)
    assert look(slot, begins + 14 * MINUTE) is None
    warned = look(slot, begins + 15 * MINUTE)
    assert warned is not None
    assert (warned.verdict, warned.judged_at, warned.warned_at) == (None, None, begins + 15 * MINUTE)
    notice = Notice.objects.get(user=lab.member)
    assert (notice.kind, datetime.fromisoformat(notice.params["release_at"])) == (
        "no_show_warning", begins + 30 * MINUTE,
    )  # fmt: skip
    look(slot, begins + 29 * MINUTE)
    assert Hold.objects.get().during.upper == begins + 4 * HOUR
    judged = look(slot, begins + 30 * MINUTE)
    assert judged is not None
    assert (judged.verdict, judged.reason, judged.person) == (True, "unused", lab.member)
    slot.refresh_from_db()
    assert (slot.state, judged.released_at) == ("released", begins + 30 * MINUTE)
    assert Hold.objects.get().during.upper == begins + 30 * MINUTE
    assert judged.evidence["nodes"][0]["heard_at"] is not None
    assert judged.evidence["runs"] == []
    look(slot, begins + HOUR)
    assert [change.kind for change in slot.changes.all()] == ["warned", "no_show"]
    assert Notice.objects.filter(kind="no_show_judged").count() == 1


def test_a_sweep_that_comes_late_finds_the_slot_and_still_warns_first(lab: Lab) -> None:
    slot, begins = slot_of(lab)
    warned = look(slot, begins + 2 * HOUR + 7 * MINUTE)
    assert warned is not None
    assert warned.judged_at is None
    assert look(slot, begins + 2 * HOUR + 21 * MINUTE).judged_at is None  # type: ignore[union-attr]
    assert look(slot, begins + 2 * HOUR + 22 * MINUTE).verdict is True  # type: ignore[union-attr]


def test_nobody_is_blamed_for_a_slot_that_was_over_before_they_could_be_warned(lab: Lab) -> None:
    slot, begins = slot_of(lab)
    settle.settle_ended(at=begins + 4 * HOUR)
    found = look(slot, begins + 9 * DAY)
    assert found is not None
    assert (found.verdict, found.reason, found.released_at) == (None, "not_warned", None)
    late, begins = slot_of(lab, days=3)
    look(late, begins + 4 * HOUR - 5 * MINUTE)
    found = look(late, begins + 5 * HOUR)
    assert found is not None
    assert (found.verdict, found.reason) == (None, "not_warned")


@pytest.mark.parametrize("when", [0, 20])
def test_a_run_before_or_after_the_warning_is_use(lab: Lab, when: int) -> None:
    slot, begins = slot_of(lab)
    if when:
        look(slot, begins + 15 * MINUTE)
    run = queue(slot, lab.member)
    at = begins + when * MINUTE
    dispatch.dispatch_due(at=at)
    report_start(run, at)
    end(run, at + MINUTE)
    dispatch.reap(at=at + MINUTE)
    found = look(slot, begins + HOUR)
    assert found is None if when == 0 else (found and (found.verdict, found.reason)) == (False, "run")
    slot.refresh_from_db()
    assert slot.state == "booked"


def _node_refuses(slot: Reservation, lab: Lab, at: datetime) -> None:
    run = queue(slot, lab.member)
    dispatch.dispatch_due(at=at)
    end(run, at, reason="refused")
    dispatch.reap(at=at)


def _project_suspended(slot: Reservation, lab: Lab, at: datetime) -> None:
    lab.project.suspended_at, lab.project.suspension_reason = at, "Looked into"
    lab.project.save()


@pytest.mark.parametrize(
    ("reason", "befalls"),
    [
        ("node_fault", _node_refuses),
        ("queued", lambda slot, lab, at: queue(slot, lab.member)),
        ("suspended", _project_suspended),
    ],
)
def test_what_may_have_kept_somebody_from_coming_is_not_judged(lab: Lab, reason: str, befalls: Any) -> None:
    slot, begins = slot_of(lab)
    befalls(slot, lab, begins)
    assert look(slot, begins + 15 * MINUTE) is None
    found = look(slot, begins + 30 * MINUTE)
    assert found is not None
    assert (found.verdict, found.reason, found.released_at) == (None, reason, None)
    assert not Notice.objects.filter(kind__startswith="no_show").exists()
    slot.refresh_from_db()
    assert slot.state == "booked"


def test_a_node_that_does_not_answer_is_nobodys_no_show(lab: Lab) -> None:
    slot, begins = slot_of(lab)
    look(slot, begins + 15 * MINUTE)
    no_shows.look(at=begins + 31 * MINUTE)  # not heard of for a quarter of an hour
    found = NoShow.objects.get()
    assert (found.verdict, found.reason) == (None, "node_away")
    assert Notice.objects.get(kind="no_show_judged").params["outcome"] == "not_judged"


def test_what_is_given_up_in_time_is_no_no_show(lab: Lab) -> None:
    cancelled, begins = slot_of(lab)
    booking.cancel(reservation=cancelled, by=lab.member, at=begins - HOUR)
    assert look(cancelled, begins + HOUR) is None
    slot, begins = slot_of(lab, days=3)
    look(slot, begins + 15 * MINUTE)
    releasing.release(reservation=slot, by=lab.member, at=begins + 20 * MINUTE)
    found = look(slot, begins + 30 * MINUTE)
    assert found is not None
    assert (found.verdict, found.reason) == (None, "given_up")


@pytest.mark.django_db
def test_a_policy_without_the_rule_releases_nothing() -> None:
    factories.make_policy()
    lab = make_lab()
    slot, begins = slot_of(lab)
    assert look(slot, begins + 3 * HOUR) is None
    slot.refresh_from_db()
    assert slot.looked_at is not None
    assert standing_of(user=lab.member, policy=Policy(), at=begins) is None


# --- checking in, handing over -------------------------------------------------------
def test_any_member_says_that_a_slot_is_in_use(lab: Lab) -> None:
    slot, begins = slot_of(lab)
    colleague = lab.join()
    with pytest.raises(ChangeRefused, match="not begun"):
        no_shows.check_in(reservation=slot, by=lab.member, at=begins - MINUTE)
    with pytest.raises(NotAMember):
        no_shows.check_in(reservation=slot, by=factories.make_user(), at=begins)
    look(slot, begins + 15 * MINUTE)
    no_shows.check_in(reservation=slot, by=colleague, at=begins + 16 * MINUTE)
    no_shows.check_in(reservation=slot, by=lab.member, at=begins + 17 * MINUTE)
    found = look(slot, begins + HOUR)
    assert found is not None
    assert (found.verdict, found.reason) == (False, "checked_in")
    assert found.evidence["checked_in_at"] == (begins + 16 * MINUTE).isoformat().replace("+00:00", "Z")
    assert SlotChange.objects.get(kind="checked_in").by == colleague
    with pytest.raises(ChangeRefused, match="over"):
        no_shows.check_in(reservation=slot, by=lab.member, at=begins + 4 * HOUR)


def test_a_slot_that_is_handed_over_counts_for_whoever_holds_it_then(lab: Lab) -> None:
    slot, begins = slot_of(lab)
    colleague = lab.join()
    look(slot, begins + 15 * MINUTE)
    handing_over.hand_over(reservation=slot, to=colleague, by=lab.member, at=begins + 20 * MINUTE)
    assert look(slot, begins + 31 * MINUTE).warned_at is None  # type: ignore[union-attr]
    assert look(slot, begins + 35 * MINUTE).warned_at == begins + 35 * MINUTE  # type: ignore[union-attr]
    found = look(slot, begins + 50 * MINUTE)
    assert found is not None
    assert (found.verdict, found.person) == (True, colleague)


def test_whoever_is_there_already_need_not_come_again_to_an_extension(lab: Lab) -> None:
    slot, begins = slot_of(lab, hours=2)
    no_shows.check_in(reservation=slot, by=lab.member, at=begins)
    first = changing.extend(reservation=slot, end=begins + 3 * HOUR, by=lab.member, at=begins + HOUR)
    second = changing.extend(reservation=first, end=begins + 4 * HOUR, by=lab.member, at=begins + HOUR)
    assert look(second, begins + 3 * HOUR + 50 * MINUTE) is None
    ran, begins = slot_of(lab, days=4, hours=2)
    run = queue(ran, lab.member)
    dispatch.dispatch_due(at=begins)
    report_start(run, begins)
    longer = changing.extend(reservation=ran, end=begins + 4 * HOUR, by=lab.member, at=begins + HOUR)
    end(run, begins + 2 * HOUR - MINUTE, reason="slot_end")
    dispatch.reap(at=begins + 2 * HOUR)
    assert look(longer, begins + 3 * HOUR) is None
    unused_one, begins = slot_of(lab, days=6, hours=2)
    longer = changing.extend(reservation=unused_one, end=begins + 4 * HOUR, by=lab.member, at=begins - HOUR)
    assert look(longer, begins + 2 * HOUR + 15 * MINUTE) is not None


def test_whoever_gave_a_slot_back_early_is_not_there_in_its_extension(lab: Lab) -> None:
    slot, begins = slot_of(lab, hours=2)
    no_shows.check_in(reservation=slot, by=lab.member, at=begins)
    first = changing.extend(reservation=slot, end=begins + 3 * HOUR, by=lab.member, at=begins)
    second = changing.extend(reservation=first, end=begins + 4 * HOUR, by=lab.member, at=begins)
    releasing.release(reservation=slot, by=lab.member, at=begins + HOUR)
    for extension, start in ((first, begins + 2 * HOUR), (second, begins + 3 * HOUR)):
        assert look(extension, start + 15 * MINUTE) is not None
        assert look(extension, start + 30 * MINUTE).verdict is True  # type: ignore[union-attr]


def test_whoever_gets_a_slot_back_is_warned_anew(lab: Lab) -> None:
    slot, begins = slot_of(lab)
    colleague = lab.join()
    look(slot, begins + 15 * MINUTE)
    handing_over.hand_over(reservation=slot, to=colleague, by=lab.member, at=begins + 20 * MINUTE)
    handing_over.hand_over(reservation=slot, to=lab.member, by=colleague, at=begins + 25 * MINUTE)
    look(slot, begins + 40 * MINUTE)
    told = Notice.objects.filter(kind="no_show_warning").order_by("pk")
    assert [datetime.fromisoformat(one.params["release_at"]) for one in told] == [
        begins + 30 * MINUTE, begins + 55 * MINUTE,
    ]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_whoever_checks_in_as_the_sweep_comes_has_the_slot_or_is_told(lab: Lab) -> None:
    """Never both: released and checked in."""
    slot, begins = slot_of(lab)
    look(slot, begins + 15 * MINUTE)
    heard(slot.devices.get().device.node, begins + 30 * MINUTE)
    answers = at_once(
        lambda: no_shows.look(at=begins + 30 * MINUTE),
        lambda: no_shows.check_in(reservation=slot, by=lab.member, at=begins + 30 * MINUTE),
        meeting_at=SlotChange,
    )
    _made, refused = split(answers)
    slot.refresh_from_db()
    found = NoShow.objects.get()
    assert (slot.state == "released") == (slot.checked_in_at is None) == bool(found.verdict) == bool(refused)


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_release_and_judge_once(lab: Lab) -> None:
    slot, begins = slot_of(lab)
    look(slot, begins + 15 * MINUTE)
    heard(slot.devices.get().device.node, begins + 30 * MINUTE)
    answers, failed = split(at_once(*[lambda: no_shows.look(at=begins + 30 * MINUTE)] * 4))
    assert (sum(answers), failed) == (1, [])
    assert HoldEvent.objects.filter(event="released").count() == 1
    assert SlotChange.objects.filter(kind="no_show").count() == 1


# --- what follows ---------------------------------------------------------------------
def test_three_no_shows_count_until_an_appeal_is_upheld(lab: Lab) -> None:
    found = [unused(lab, days=days) for days in (2, 4, 6)]
    at = found[2].judged_at
    assert at is not None
    record = standing_of(user=lab.member, policy=standard(), at=at)
    assert record is not None
    assert (record.count, record.until) == (3, at + 14 * DAY)
    steward = factories.make_user(is_steward=True)
    no_shows.appeal(no_show=found[0], text="I was in the machine room.", by=lab.member, at=at)
    assert Notice.objects.get(user=steward).kind == "no_show_appealed"
    assert standing_of(user=lab.member, policy=standard(), at=at) == record  # until it is answered
    no_shows.answer(no_show=found[0], is_upheld=True, reason="The door log says so.", by=steward, at=at)
    record = standing_of(user=lab.member, policy=standard(), at=at)
    assert record is not None
    assert (record.count, record.until) == (2, None)
    found[0].refresh_from_db()
    assert (found[0].verdict, found[0].reason) == (False, "upheld")
    assert Notice.objects.filter(user=lab.member, kind="no_show_answered").count() == 1


def test_an_appeal_is_the_persons_once_and_a_steward_from_outside_answers_it(lab: Lab) -> None:
    found, at = unused(lab), in_days(5)
    steward, insider = factories.make_user(is_steward=True), lab.join()
    insider.is_steward = True
    insider.save()
    with pytest.raises(NotAllowed):
        no_shows.appeal(no_show=found, text="Not mine", by=lab.join("lead"), at=at)
    for text in ("", "  \n", "x" * 2001):
        with pytest.raises(AppealRefused):
            no_shows.appeal(no_show=found, text=text, by=lab.member, at=at)
    with pytest.raises(AppealRefused, match="Nobody has appealed"):
        no_shows.answer(no_show=found, is_upheld=True, reason="Why not", by=steward, at=at)
    no_shows.appeal(no_show=found, text="I came.", by=lab.member, at=at)
    with pytest.raises(AppealRefused, match="already"):
        no_shows.appeal(no_show=found, text="I came.", by=lab.member, at=at)
    with pytest.raises(NotAllowed):
        no_shows.answer(no_show=found, is_upheld=True, reason="Me", by=lab.member, at=at)
    with pytest.raises(StewardActRefused):
        no_shows.answer(no_show=found, is_upheld=True, reason="A friend", by=insider, at=at)
    with pytest.raises(StewardActRefused):
        no_shows.answer(no_show=found, is_upheld=False, reason=" ", by=steward, at=at)
    no_shows.answer(no_show=found, is_upheld=False, reason="Nobody was there.", by=steward, at=at)
    with pytest.raises(AppealRefused, match="answered already"):
        no_shows.answer(no_show=found, is_upheld=True, reason="Or so", by=steward, at=at)
    found.refresh_from_db()
    assert found.verdict is True


def test_the_database_keeps_a_verdict_whole(lab: Lab) -> None:
    found = unused(lab)
    wrong: list[dict[str, Any]] = [
        {"warned_at": None}, {"reason": ""}, {"is_upheld": True}, {"answer": "Yes"}, {"judged_at": None},
    ]  # fmt: skip
    for columns in wrong:
        with pytest.raises(IntegrityError), transaction.atomic():
            NoShow.objects.filter(pk=found.pk).update(**columns)
