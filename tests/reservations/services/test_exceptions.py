"""Exceptions to the policy: who grants and ends them, what they change for a booking, and what stays."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from accounts.errors import StewardActRefused
from accounts.models import Notice, Project, ProjectMembership, User
from accounts.selectors import pseudonym
from common import clock
from common.access import NotAllowed
from common.ranges import between
from ledger.errors import EntryRefused
from ledger.models import Entry
from nodes.models import Device
from reservations.domain.engines import CURRENT
from reservations.domain.policy import Policy as Rules, standard
from reservations.errors import ExceptionRefused, Refused
from reservations.models import Policy, PolicyException, Vertex
from reservations.selectors.exceptions import IN_FORCE, OVER, TO_COME, of_state
from reservations.services import booking, exceptions, policy, standing
from tests import factories
from tests.live import eventually
from tests.races import at_once, split, waiting
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node

pytestmark = pytest.mark.django_db


def make_steward() -> User:
    return factories.make_user(is_steward=True)


def grant(
    project: Project, number: str = "longest_hours", value: str = "336", **said: Any
) -> PolicyException:
    factories.make_policy()
    at = said.pop("at", None) or clock.now()
    said = {
        "effective_from": None, "effective_until": at + timedelta(days=20), "reason": "It cannot be stopped.",
        "by": said.pop("by", None) or make_steward(), **said,
    }  # fmt: skip
    return exceptions.grant_exception(project=project, number=number, value=Fraction(value), at=at, **said)


def end(exception: PolicyException, by: User | None = None, **said: Any) -> PolicyException:
    said = {"reason": "It is over.", "at": clock.now(), **said}
    return exceptions.end_exception(exception=exception, by=by or make_steward(), **said)


def body(entry: Entry | None) -> dict[str, Any]:
    assert entry is not None
    found: dict[str, Any] = json.loads(bytes(entry.leaf))["body"]
    return found


@pytest.fixture
def lab(db: None) -> Lab:
    return make_lab(budget="100000")


@pytest.fixture
def devices(db: None) -> list[Device]:
    return list(make_open_node().devices.order_by("index"))


# --- granting and ending --------------------------------------------------------------------------
def test_it_is_kept_entered_and_told(lab: Lab) -> None:
    lead, at = lab.join("lead"), clock.now()
    granted = grant(lab.project, at=at)
    assert (granted.policy_value, granted.value) == ("168", "336")
    assert body(granted.entry) == {
        "exception": str(granted.uid), "project": pseudonym(str(lab.project.uid), at), "policy": 1,
        "number": "longest_hours", "policy_value": "168", "value": "336",
        "effective_from": body(granted.entry)["effective_from"],
        "effective_until": body(granted.entry)["effective_until"], "reason": "It cannot be stopped.",
    }  # fmt: skip
    assert granted.entry.kind == "exception"
    told = Notice.objects.filter(kind="exception_granted")
    assert {one.user for one in told} == {lab.member, lead}
    assert told[0].params["reason"] == "It cannot be stopped."
    ended = end(granted)
    assert ended.end_entry is not None
    assert (ended.end_entry.kind, body(ended.end_entry)["reason"]) == ("exception_end", "It is over.")
    assert {one.user for one in Notice.objects.filter(kind="exception_ended")} == {lab.member, lead}


def test_a_project_of_its_own_name_has_none_in_the_ledger(lab: Lab) -> None:
    Project.objects.filter(pk=lab.project.pk).update(uses_public_money=True, name="Coastal flood atlas")
    granted = grant(lab.project)
    assert "Coastal" not in str(body(granted.entry))


def test_only_another_steward_grants_and_ends(lab: Lab) -> None:
    with pytest.raises(NotAllowed):
        grant(lab.project, by=lab.join("lead"))
    own = make_steward()
    granted = grant(lab.project)
    ProjectMembership.objects.create(project=lab.project, user=own, role="member")
    with pytest.raises(StewardActRefused, match="another steward"):
        grant(lab.project, "exempt_hours", "48", by=own)
    with pytest.raises(StewardActRefused, match="another steward"):
        end(granted, by=own)
    with pytest.raises(NotAllowed):
        end(granted, by=lab.join("lead"))
    granted.refresh_from_db()
    assert granted.ended_at is None


@pytest.mark.parametrize(
    ("reason", "error", "said"),
    [(" ", StewardActRefused, "Write why"), ("x" * 501, StewardActRefused, "501 characters; 500"),
     ("Asked by ada@example.org", EntryRefused, "e-mail")],
)  # fmt: skip
def test_the_reason_is_given_short_and_names_no_address(
    lab: Lab, reason: str, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        grant(lab.project, reason=reason)
    assert not PolicyException.objects.exists()
    granted = grant(lab.project)
    with pytest.raises(error, match=said):
        end(granted, reason=reason)


@pytest.mark.parametrize(
    ("number", "value", "said"),
    [
        ("longest_hours", "168", r"Longest slot: the policy says 7.d, and 7.d would not ease it"),
        (
            "longest_hours",
            "1000",
            r"Longest slot: at most 28.d, as far as the project’s horizon; not 41.d.16.h",
        ),
        ("longest_hours", "200.5", r"Longest slot: a whole number; 401/2 was asked for"),
        ("horizon_days", "400", r"Horizon: at most 366 days, for nobody plans further; not 400 days"),
        ("least_factor", "3", r"Least factor of room: at most 2, the policy’s most factor; not 3"),
        ("model_share", "1.5", r"at most 100.%, which is all there is; not 150.%"),
        ("model_share", "1/3", r"the policy says 50.%, and 1/3 would not ease it"),
    ],
)
def test_what_eases_nothing_or_too_much_is_refused_with_the_numbers(
    lab: Lab, number: str, value: str, said: str
) -> None:
    with pytest.raises(ExceptionRefused, match=said) as refusal:
        grant(lab.project, number, value)
    assert refusal.value.field == "value"
    assert not PolicyException.objects.exists()
    assert not Notice.objects.exists()


def test_its_time_lies_ahead_ends_after_it_begins_and_within_a_year(lab: Lab) -> None:
    at = clock.now()
    for begins, ends, field, said in (
        (at - timedelta(seconds=1), at + timedelta(days=1), "effective_from", "now or later"),
        (None, at, "effective_until", "before it begins"),
        (at + timedelta(days=3), at + timedelta(days=2), "effective_until", "before it begins"),
        (None, at + timedelta(days=366, seconds=1), "effective_until", "within 366 days"),
    ):
        with pytest.raises(ExceptionRefused, match=said) as refusal:
            grant(lab.project, at=at, effective_from=begins, effective_until=ends)
        assert refusal.value.field == field
    grant(lab.project, at=at, effective_until=at + timedelta(days=366))


def test_one_number_has_one_at_a_time_and_back_to_back_is_two(lab: Lab) -> None:
    at = clock.now()
    first = grant(lab.project, at=at, effective_until=at + timedelta(days=5))
    with pytest.raises(ExceptionRefused, match="there is one already from .* of 14.d"):
        grant(lab.project, value="400")
    grant(lab.project, "horizon_days", "60")  # another number
    grant(make_lab().project)  # another project
    grant(lab.project, value="400", effective_from=at + timedelta(days=5))
    end(first)
    grant(lab.project, value="500", effective_until=at + timedelta(days=5))


def test_a_farther_horizon_makes_room_for_a_longer_slot(lab: Lab) -> None:
    at = clock.now()
    grant(lab.project, "horizon_days", "60", at=at, effective_until=at + timedelta(days=10))
    with pytest.raises(ExceptionRefused, match="at most 28.d"):  # for the horizon is nearer again before
        grant(lab.project, value="1000", at=at, effective_until=at + timedelta(days=11))
    grant(lab.project, value="1000", at=at, effective_until=at + timedelta(days=10))


def test_it_is_ended_once_and_not_after_it_is_over(lab: Lab) -> None:
    granted = end(grant(lab.project))
    with pytest.raises(ExceptionRefused, match="ended already"):
        end(granted)
    soon = grant(lab.project, effective_until=clock.now() + timedelta(hours=1))
    with pytest.raises(ExceptionRefused, match="is over since"):
        end(soon, at=clock.now() + timedelta(hours=1))


def test_one_ended_before_it_began_never_holds(lab: Lab) -> None:
    at = clock.now()
    granted = end(grant(lab.project, effective_from=at + timedelta(days=2)))
    granted.refresh_from_db()
    assert granted.in_force.isempty
    grant(lab.project)
    assert granted in of_state(OVER, at)
    assert granted not in of_state(TO_COME, at)


# --- what the database keeps ----------------------------------------------------------------------
@pytest.mark.parametrize(
    "change",
    [{"value": "400"}, {"reason": "Other"}, {"ended_at": None}, {"policy_value": "1"}, {"number": "a"}],
)  # fmt: skip
def test_it_is_neither_changed_nor_deleted(lab: Lab, change: dict[str, Any]) -> None:
    granted = PolicyException.objects.filter(pk=end(grant(lab.project)).pk)
    with pytest.raises(DatabaseError, match="can be ended, and not changed"), transaction.atomic():
        granted.update(**change)
    with pytest.raises(DatabaseError, match="Cannot delete"), transaction.atomic():
        granted.delete()


def test_ending_it_changes_nothing_else_and_is_said_by_whom(lab: Lab) -> None:
    granted = PolicyException.objects.filter(pk=grant(lab.project).pk)
    steward, entry = make_steward(), factories.make_entry()
    ended = {"ended_by": steward, "end_reason": "x", "end_entry": entry}
    for change in ({"value": "400"}, {"effective": between(clock.now(), clock.now() + timedelta(days=99))}):
        with pytest.raises(DatabaseError, match="not changed"), transaction.atomic():
            granted.update(ended_at=clock.now(), **ended, **change)
    for at in (
        clock.now() - timedelta(days=1),
        clock.now() + timedelta(days=30),
    ):  # reaching back, and beyond
        with pytest.raises(DatabaseError, match="not changed"), transaction.atomic():
            granted.update(ended_at=at, **ended)
    with pytest.raises(IntegrityError, match="an_ended_exception_says_by_whom_and_why"), transaction.atomic():
        granted.update(ended_at=clock.now())
    granted.update(ended_at=clock.now(), **ended)


def write(project: Project, number: str = "longest_hours", **said: Any) -> PolicyException:
    """Past the service, as a bug would."""
    begins = said.pop("begins", None) or clock.now()
    return PolicyException.objects.create(
        project=project, policy=factories.make_policy(), number=number, policy_value="168", value="336",
        effective=between(begins, said.pop("ends", None) or begins + timedelta(days=5)),
        granted_by=make_steward(), granted_at=begins, entry=factories.make_entry(),
        **{"reason": "Tests", **said},
    )  # fmt: skip


def test_the_database_refuses_what_no_exception_is(lab: Lab) -> None:
    at = clock.now()
    for said, name in (
        ({"number": "half_life_hours"}, "an_exception_is_to_a_number_that_can_be_eased"),
        ({"reason": ""}, "an_exception_has_a_reason"),
        ({"begins": at, "ends": at}, "an_exception_begins_and_ends"),
    ):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            write(lab.project, **said)


@pytest.mark.parametrize("number", PolicyException.Number.values)
def test_no_two_of_one_number_overlap_in_the_database(lab: Lab, number: str) -> None:
    first = write(lab.project, number)
    with pytest.raises(IntegrityError, match=f"exceptions_to_{number}_do_not_overlap"), transaction.atomic():
        write(lab.project, number, begins=first.effective.upper - timedelta(seconds=1))
    write(lab.project, number, begins=first.effective.upper)


@pytest.mark.django_db(transaction=True)
def test_of_rows_written_at_once_one_stays() -> None:
    """Seen failing without the exclusion constraint: all four stayed."""
    lab, at = make_lab(), clock.now()
    entries, steward, rules = (
        [factories.make_entry() for _ in range(4)],
        make_steward(),
        factories.make_policy(),
    )

    def insert(entry: Entry) -> PolicyException:
        return PolicyException.objects.create(
            project=lab.project, policy=rules, number="model_share", policy_value="1/2", value="3/4",
            effective=between(at, at + timedelta(days=5)), reason="Tests", granted_by=steward, granted_at=at,
            entry=entry,
        )  # fmt: skip

    answers, refused = split(
        at_once(*[lambda entry=entry: insert(entry) for entry in entries], meeting_at=PolicyException)
    )
    assert (len(answers), len(refused)) == (1, 3)
    # Each may have to wait for another; the database then ends one of them.
    assert all("do_not_overlap" in str(one) or "deadlock" in str(one) for one in refused)
    assert PolicyException.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_stewards_who_grant_at_once_one_does_and_the_others_are_told() -> None:
    """Seen failing without the lock of the project: the others met the constraint."""
    lab, stewards = make_lab(), [make_steward() for _ in range(4)]
    factories.make_policy()
    answers, refused = split(
        at_once(*[lambda by=by: grant(lab.project, by=by) for by in stewards], meeting_at=PolicyException)
    )
    assert len(answers) == 1
    assert [type(one) for one in refused] == [ExceptionRefused] * 3
    assert Entry.objects.filter(kind="exception").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_stewards_who_end_it_at_once_one_does() -> None:
    lab, stewards = make_lab(), [make_steward() for _ in range(4)]
    granted = grant(lab.project)
    answers, refused = split(at_once(*[lambda by=by: end(granted, by=by) for by in stewards]))
    assert len(answers) == 1
    assert [type(one) for one in refused] == [ExceptionRefused] * 3
    assert Entry.objects.filter(kind="exception_end").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_booking_that_waited_while_it_was_ended_is_decided_without_it() -> None:
    """The exception is read after the lock; read with the policy, before it, the slot would be booked."""
    lab, device = make_lab(budget="100000"), make_open_node().devices.get(index=0)
    granted, start = grant(lab.project), in_days(2)

    def end_slowly() -> PolicyException:
        with transaction.atomic():
            standing.lock(lab.project)
            ended = end(granted)
            booked.wait_until_it_waits()
            return ended

    booked = _Waits(lab, device, start)
    _ended, refusal = at_once(end_slowly, booked.book)
    assert isinstance(refusal, Refused)
    assert [rule.code for rule in refusal.answer.refusing] == ["length"]


class _Waits:
    """Books 200 hours once the project's place is locked by somebody else."""

    def __init__(self, lab: Lab, device: Device, start: datetime) -> None:
        self.lab, self.device, self.start = lab, device, start

    def book(self) -> Any:
        eventually(self._is_locked, "the project's place is locked")
        return self.lab.book([self.device], self.start, 200, at=clock.now() + timedelta(seconds=30))

    def _is_locked(self) -> bool:
        with transaction.atomic():
            free = Vertex.objects.select_for_update(skip_locked=True, of=("self",))
            return not free.filter(project=self.lab.project).exists()

    def wait_until_it_waits(self) -> None:
        eventually(lambda: waiting() >= 1, "the booking waits for the lock")


# --- booking under one ----------------------------------------------------------------------------
def test_it_books_what_the_policy_refuses_and_only_for_that_project(lab: Lab, devices: list[Device]) -> None:
    other = make_lab(budget="100000")
    grant(lab.project)
    for one in (lab, other):
        if one is other:
            with pytest.raises(Refused):
                one.book([devices[1]], in_days(2), 200)
        else:
            one.book([devices[0]], in_days(2), 200)


def test_the_refusal_of_before_offers_longer_once_it_is_granted(lab: Lab, devices: list[Device]) -> None:
    with pytest.raises(Refused) as refusal:
        lab.book([devices[0]], in_days(2), 400)
    assert refusal.value.answer.nearest.end - refusal.value.answer.nearest.start == timedelta(days=7)
    grant(lab.project)
    with pytest.raises(Refused) as refusal:
        lab.book([devices[0]], in_days(2), 400)
    assert refusal.value.answer.nearest.end - refusal.value.answer.nearest.start == timedelta(days=14)
    length = next(rule for rule in refusal.value.details["rules"] if rule["code"] == "length")
    assert "An exception holds for this project until" in length["text"]
    assert "“Longest slot” is 14\xa0d instead of 7\xa0d." in length["text"]
    assert length["exceptions"][0]["value"] == "336"


def test_its_time_is_when_somebody_asks_not_when_the_slot_is(lab: Lab, devices: list[Device]) -> None:
    at = clock.now()
    grant(lab.project, at=at, effective_from=at + timedelta(days=1), effective_until=at + timedelta(days=2))
    with pytest.raises(Refused):
        lab.book([devices[0]], in_days(3), 200, at=at)
    lab.book([devices[0]], in_days(3), 200, at=at + timedelta(days=1))
    with pytest.raises(Refused):  # half-open: at its end it is over
        lab.book([devices[1]], in_days(3), 200, at=at + timedelta(days=2))


def test_once_ended_the_policy_holds_and_what_was_booked_stays(lab: Lab, devices: list[Device]) -> None:
    granted = grant(lab.project)
    slot = lab.book([devices[0]], in_days(2), 200)
    end(granted)
    with pytest.raises(Refused):
        lab.book([devices[1]], in_days(2), 200)
    slot.refresh_from_db()
    assert slot.state == "booked"


def test_hours_that_need_no_room_are_neither_held_nor_wanted(lab: Lab, devices: list[Device]) -> None:
    def room() -> Any:
        answer = booking.preview(
            project=lab.project, devices=[devices[1].uid], start=in_days(2.5), end=in_days(3.9),
            asked_by=lab.member, at=clock.now(),
        )  # fmt: skip
        return next(rule for rule in answer.rules if rule.code == "room")

    lab.book([devices[0]], in_days(2.5), 24)
    before = room()
    assert Fraction(str(before.facts["held"])) > 0
    grant(lab.project, "exempt_hours", "96")
    after = room()
    assert after.facts["exempt_hours"] == 96
    assert "held" not in after.facts
    grant(make_lab().project, "exempt_hours", "600")
    assert room() == after


def test_the_horizon_is_farther_for_the_next_free_time_too(lab: Lab, devices: list[Device]) -> None:
    other = make_lab(budget="100000")
    for number in range(4):
        other.book([devices[0]], in_days(2 + 6.25 * number), 6.25 * 24)
    asked: dict[str, Any] = {
        "project": lab.project, "devices": [devices[0].uid], "start": in_days(2), "end": in_days(7),
        "asked_by": lab.member,
    }  # fmt: skip
    assert booking.preview(**asked, at=clock.now()).nearest is None
    grant(lab.project, "horizon_days", "60")
    nearest = booking.preview(**asked, at=clock.now()).nearest
    assert nearest is not None
    assert nearest.end > in_days(28)


def test_decisions_with_and_without_replay(lab: Lab, devices: list[Device]) -> None:
    before = lab.book([devices[0]], in_days(2), 20).decision
    granted = grant(lab.project)
    under = lab.book([devices[1]], in_days(2), 200).decision
    end(granted)
    policy.publish_policy(rules=Rules(longest_hours=100), reason="Shorter", at=clock.now())
    assert "exceptions" not in str([before.snapshot, before.rules])
    assert under.snapshot["exceptions"][0]["value"] == "336"
    assert (before.engine, under.engine) == (CURRENT, CURRENT)
    out = StringIO()
    call_command("replay_decisions", stdout=out)
    assert "2 decisions replayed; every one comes out the same." in out.getvalue()


def test_it_costs_a_booking_no_query(lab: Lab, devices: list[Device]) -> None:
    counts = []
    for number, start in enumerate((2, 3)):
        if number:
            grant(lab.project, "exempt_hours", "30")
            grant(lab.project)
        lab.book([devices[2]], in_days(start + 0.5))  # statements are prepared, caches are warm
        with CaptureQueriesContext(connection) as queries:
            lab.book([devices[number]], in_days(start))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_under_a_policy_that_was_made_looser_it_changes_nothing(lab: Lab, devices: list[Device]) -> None:
    grant(lab.project)
    policy.publish_policy(rules=Rules(longest_hours=400), reason="Longer", at=clock.now())
    reservation = lab.book([devices[0]], in_days(2), 380)
    rules = {rule["code"]: rule for rule in reservation.decision.rules}
    assert rules["length"]["limit"] == "400.000000"
    assert "exceptions" not in rules["length"]["facts"]


def test_it_eases_the_number_of_the_class(lab: Lab, devices: list[Device]) -> None:
    """Research may take three days at a time here, everybody else seven."""
    classes = tuple(
        replace(one, longest_hours=72) if one.code == "research" else one for one in standard().classes
    )
    policy.publish_policy(rules=replace(standard(), classes=classes), reason="By class", at=clock.now())
    assert lab.project.project_class == "research"
    with pytest.raises(Refused) as refusal:
        lab.book([devices[0]], in_days(2), 80)
    length = next(rule for rule in refusal.value.decision.rules if rule["code"] == "length")
    assert (length["verdict"], length["limit"]) == ("refuse", "72.000000")
    with pytest.raises(ExceptionRefused, match=r"the policy says 3\sd, and 2\sd\s12\sh would not ease it"):
        grant(lab.project, value="60")
    granted = grant(lab.project, value="100")  # less than everybody has, and more than the class
    assert granted.policy_value == "72"
    decision = lab.book([devices[0]], in_days(2), 80).decision
    rule = next(rule for rule in decision.rules if rule["code"] == "length")
    (told,) = rule["facts"]["exceptions"]
    assert (rule["limit"], told["policy"], told["value"]) == ("100.000000", "72", "100")


def test_states_part_all_of_them(lab: Lab) -> None:
    at = clock.now()
    now = grant(lab.project)
    then = grant(lab.project, "horizon_days", "60", effective_from=at + timedelta(days=3))
    gone = end(grant(lab.project, "exempt_hours", "60"))
    later = clock.now()
    assert [list(of_state(state, later)) for state in (IN_FORCE, TO_COME, OVER)] == [[now], [then], [gone]]
    assert Policy.objects.count() == 1
    assert not PolicyException.objects.exclude(in_force__contained_by=F("effective")).exists()
