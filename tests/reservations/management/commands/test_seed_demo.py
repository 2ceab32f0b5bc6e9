"""The example world, built as bin/run builds it: a smoke test of every service it calls."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pgtrigger
import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from accounts.models import HouseRulesAcceptance, Organisation, Project, StewardAct, User
from accounts.selectors.house_rules import has_accepted
from common import clock
from common.keys import make_key
from common.ranges import bounds
from ledger.models import Checkpoint, Entry
from ledger.selectors.differences import differences
from nodes.models import Closure, Device, Hold, Lease, Node
from nodes.services import rebuilding
from pricing import selectors as pricing
from pricing.domain.declared import Kind, from_json
from pricing.domain.hourly.values import Basis, Quantity
from pricing.models import (
    Charge,
    CostStatement,
    Grant,
    HourlyImport,
    PoolEvidence,
    StatementEvidence,
    StatementWithdrawal,
    Tariff,
)
from pricing.selectors.caps import prices_above
from pricing.selectors.hourly import expected, hourly, zone_row
from reservations.domain import exact_json
from reservations.domain.asking import Request, Snapshot
from reservations.domain.engines import decide
from reservations.domain.policy import Policy as Rules
from reservations.management.commands import seed_demo
from reservations.management.example_world import (
    building,
    capping,
    changes,
    hours,
    machines,
    people,
    places,
    refusals,
)
from reservations.models import Decision, NoShow, Policy, Reservation, Run, UsageEntry, Vertex, WeekSum
from reservations.selectors import decisions
from reservations.selectors.inside import shares_page
from reservations.services import weeks

NOW = datetime(2026, 11, 18, 9, 40, tzinfo=UTC)  # a Wednesday


@pytest.fixture
def _world(transactional_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.EXAMPLE_WORLD = True
    make_key(settings.LEDGER_KEY_FILE)
    make_key(settings.DISPATCH_KEY_FILE)
    monkeypatch.setattr(seed_demo, "HISTORY", timedelta(weeks=2))
    assert "is built" in seed_demo.seed(now=NOW)


def counts() -> dict[str, int]:
    models = (
        *(Decision, Reservation, Hold, Closure, Charge, UsageEntry, Run),
        *(CostStatement, Tariff, HourlyImport, Entry, Checkpoint),
    )
    return {model.__name__: model.objects.count() for model in models}


@pytest.mark.usefixtures("_world")
def test_the_world_is_alive_and_a_second_run_changes_nothing() -> None:
    _require_nodes_to_book()
    _require_reservations_in_every_state()
    _require_something_for_ada()
    _require_rules_and_weeks()
    _require_somebody_who_signed_up()
    _require_an_account_of_a_laboratory()
    _require_costs_with_a_past()
    _require_evidence_for_everybody_for_funders_and_for_stewards()
    _require_pools_in_the_statements_of_lyon()
    _require_hours_of_electricity()
    _require_that_it_can_be_checked()

    before = counts()
    assert "is there; " in seed_demo.seed(now=NOW)
    assert counts() == before
    _require_an_account_of_a_laboratory()

    seed_demo.seed(now=NOW + timedelta(days=1))
    after = counts()
    assert after["Decision"] > before["Decision"]
    assert (
        after["HourlyImport"] == before["HourlyImport"] + 2
    )  # the next day of prices, and what was forecast
    assert after["CostStatement"] == before["CostStatement"]
    _require_that_it_can_be_checked()
    _require_that_a_world_of_before_learns()


def _require_nodes_to_book() -> None:
    devices = list(Device.objects.values_list("pk", flat=True))
    assert set(pricing.rates(device_ids=devices, at=NOW)) == set(devices)
    assert Closure.objects.filter(kind="owner").exists()
    assert Closure.objects.filter(kind="closure").exists()


def _require_reservations_in_every_state() -> None:
    reservations = list(Reservation.objects.all())
    slots = [bounds(reservation.during) for reservation in reservations]
    assert {one.state for one in reservations} == {"booked", "cancelled", "ended", "released"}
    assert any(start <= NOW < end for start, end in slots)
    assert any(start > NOW for start, _end in slots)
    assert all(r.settled_at for r, (_start, end) in zip(reservations, slots, strict=True) if end <= NOW)
    assert Charge.objects.exists()


def _require_something_for_ada() -> None:
    assert Decision.objects.filter(asked_by__email="ada@example.org", outcome="refused").exists()
    job = Run.objects.get(state=Run.State.QUEUED)
    assert job.node.slug == machines.WORKBENCH.slug
    assert bounds(job.reservation.during)[0] == NOW
    ended = Lease.objects.filter(reference__in=[run.reference for run in Run.objects.filter(state="ended")])
    assert [lease.exit_code for lease in ended.order_by("fence")] == [0, 1, 0]
    assert all(lease.log.exists() for lease in ended)


def _require_rules_and_weeks() -> None:
    _require_a_refusal_of_each_kind()
    _require_a_floor_that_bites()
    _require_commerce_that_is_refused_alone()
    _require_policies_of_yesterday_and_tomorrow()
    _require_slots_moved_released_and_missed()
    _require_room_that_refuses_alone()
    _require_weeks_that_were_counted()


def refused_by(decision: Decision) -> set[str]:
    return {rule["code"] for rule in decision.rules if rule["verdict"] == "refuse"}


def _require_a_refusal_of_each_kind() -> None:
    met = {code for one in Decision.objects.filter(outcome="refused") for code in refused_by(one)}
    # An end before its beginning is refused by every form, and nothing listed here lacks a price.
    assert met == {
        "grid", "past", "length", "horizon", "project_standing", "free", "room", "model_half", "floor",
        "commerce", "member_cap", "budget",
    }  # fmt: skip


def _require_a_floor_that_bites() -> None:
    """Industry is refused by it alone, and a course gets the same hours of the same device."""
    refused = [
        one for one in Decision.objects.filter(project__slug="gear-wear") if refused_by(one) == {"floor"}
    ]
    same = [
        one.outcome
        for one in Decision.objects.filter(project__slug="machine-learning-course")
        if {name: one.request[name] for name in ("devices", "start", "end")}
        == {name: refused[-1].request[name] for name in ("devices", "start", "end")}
    ]
    assert same == ["granted"]


def _require_commerce_that_is_refused_alone() -> None:
    """A young company is refused by commerce's part alone, and a public office gets the same hours."""
    alone = [one for one in Decision.objects.filter(outcome="refused") if refused_by(one) == {"commerce"}]
    assert [one.project.slug for one in alone] == ["wind-tomorrow"]
    rule = next(rule for rule in alone[0].rules if rule["code"] == "commerce")
    assert (rule["limit"], rule["actual"]) == ("172.800000", "176.000000")
    same = Decision.objects.filter(project__slug="flood-maps", request__devices=alone[0].request["devices"])
    assert [
        (one.outcome, one.request["start"], one.request["end"]) for one in same
    ] == [("granted", alone[0].request["start"], alone[0].request["end"])]  # fmt: skip


def _require_policies_of_yesterday_and_tomorrow() -> None:
    known = list(Policy.objects.order_by("version"))
    assert [one.effective.lower <= NOW for one in known] == [True, True, False]
    assert Policy.objects.get(effective__contains=NOW) == known[1]
    assert all(one.reason for one in known)


def _require_slots_moved_released_and_missed() -> None:
    assert Reservation.objects.filter(change="moved").exists()
    # Whoever else had a slot on that node while it had an agent may have missed it, too.
    missed = NoShow.objects.filter(verdict=True, person__email="jonas@example.org")
    assert missed.count() >= 3
    assert missed.filter(appealed_at__isnull=False, answered_at=None).count() == 1
    assert any(_was_let_again(one.reservation) for one in missed)


def _require_room_that_refuses_alone() -> None:
    """What is far, to anybody; what is near, only to who did not come: his colleague gets the same hours."""
    far, near, same = Decision.objects.filter(project__slug=refusals.TRIAL).order_by("decided_at")
    assert [refused_by(one) for one in (far, near, same)] == [{"room"}, {"room"}, set()]
    assert same.outcome == "granted"
    assert [one.asked_by.email for one in (near, same)] == ["jonas@example.org", "noor@example.org"]
    for name in ("devices", "start", "end"):
        assert near.request[name] == same.request[name]
    kept = decisions.kept(near)
    request = exact_json.read(Request, kept.request)
    assert request.end <= near.decided_at + timedelta(hours=24)
    by_room = {one.pk: next(rule for rule in one.rules if rule["code"] == "room") for one in (far, near)}
    assert "sanction_until" not in by_room[far.pk]["facts"]
    assert by_room[near.pk]["facts"]["no_shows"] >= 3
    assert datetime.fromisoformat(by_room[near.pk]["facts"]["sanction_until"]) > NOW
    assert by_room[near.pk]["facts"]["minimum"] == by_room[near.pk]["limit"]
    # Decided again on the same snapshot, as if he had come each time.
    snapshot = replace(exact_json.read(Snapshot, kept.snapshot), no_shows=None)
    assert decide(request, snapshot, Rules.from_json(kept.policy)).is_granted


def _was_let_again(reservation: Reservation) -> bool:
    """Somebody else has a device of it in its time: what was released."""
    others = Hold.objects.filter(kind="reservation", device__in=reservation.devices.values("device"))
    mine = reservation.reference
    return others.filter(during__overlap=reservation.during).exclude(reference=mine).exists()


def _require_weeks_that_were_counted() -> None:
    assert WeekSum.objects.filter(of="all").count() >= 2
    newest = WeekSum.objects.filter(of="first").latest("week").week
    # Mila's own project is among those that asked, from when she signed up to her first slot.
    alone = WeekSum.objects.get(week=newest, of="first", key="independent")
    assert (alone.projects, alone.waiting) == (1, 0)
    assert weeks.differences(at=NOW) == []


def _require_somebody_who_signed_up() -> None:
    mila = User.objects.get(email="mila@example.org")
    project = mila.personal_project
    grant = Grant.objects.get(project=project, allowance_month=NOW.date().replace(day=1))
    assert (grant.hours, grant.hours_used, grant.hours_encumbered) == (20, 3, 2)
    assert grant.line is not None
    assert grant.line.funder.name == "Example Open Science Fund"
    assert Vertex.objects.get(project=project).parent == Vertex.objects.get(is_independent=True)
    assert all(has_accepted(person) for person in User.objects.all())


def _require_an_account_of_a_laboratory() -> None:
    """Given once, by a steward, with the shares that the table says."""
    laboratory = Organisation.objects.get(slug="biology-laboratory")
    assert laboratory.memberships.get(role="lead").user.email == "lena@example.org"
    rows = shares_page(organisation=laboratory, at=NOW).rows
    assert [(row.name, row.shares, row.is_project) for row in rows] == [
        ("Life sciences", 60, False), ("Protein shapes", 3, True)
    ]  # fmt: skip
    assert StewardAct.objects.get(organisation=laboratory).steward.email == "stella@example.org"


def in_force(slug: str) -> CostStatement:
    return CostStatement.objects.get(node__slug=slug, effective__contains=NOW)


def _require_costs_with_a_past() -> None:
    """Told when it took effect, and since then corrected, withdrawn, given an end."""
    assert {row.node_id for row in Tariff.objects.all() if row.number > 1} == set(
        Node.objects.values_list("pk", flat=True)
    )
    published = CostStatement.objects.values_list("published_at", "effective")
    assert all(at == effective.lower for at, effective in published)
    assert min(published)[0] < NOW - timedelta(days=365)
    corrected = in_force(changes.CORRECTED)
    assert corrected.corrects is not None
    assert (corrected.reason, corrected.corrects.effective_until) == (
        changes.CORRECTED_FOR, corrected.effective_from
    )  # fmt: skip
    assert corrected.full_available - corrected.corrects.full_available > Decimal("0.01")
    withdrawal = StatementWithdrawal.objects.get()
    again = in_force(changes.WITHDRAWN)
    assert (withdrawal.statement.node, withdrawal.reason) == (again.node, changes.WITHDRAWN_FOR)
    assert again.effective_from - withdrawal.ends_at == timedelta(days=30)
    ending = in_force(changes.EXPIRING)
    assert ending.effective_until is not None
    assert timedelta(days=14) < ending.effective_until - NOW < timedelta(days=45)
    above = Tariff.objects.get(node__slug=capping.EXCEPTED, effective__contains=NOW)
    assert above.exception is not None
    assert above.limit is not None
    assert above.limit < above.price <= above.exception.highest_price
    assert not prices_above(at=NOW)
    _require_odd_ones_beside_their_peers()


def _require_odd_ones_beside_their_peers() -> None:
    """One device in six nodes of four owners."""
    declared = {
        row.node.slug: from_json(row.declared)
        for row in CostStatement.objects.filter(
            effective__contains=NOW, node__devices__model_key="l40s-48"
        ).distinct()
    }
    assert len(declared) == 6
    bought = {slug: one.assets[0] for slug, one in declared.items()}
    assert [slug for slug, one in bought.items() if one.life_years < 3 and not one.residual_value] == [
        "beja-l40s-3"
    ]
    assert [slug for slug, one in declared.items() if one.related_parties] == ["vasteras-l40s"]
    each = {slug: one.price / machines.BY_SLUG[slug].devices for slug, one in bought.items()}
    assert max(each, key=lambda slug: each[slug]) == "girona-l40s"
    assert bought["beja-l40s-2"].granted
    assert from_json(in_force("girona-a40").declared).support


def _require_evidence_for_everybody_for_funders_and_for_stewards() -> None:
    of_h100 = StatementEvidence.objects.filter(statement=in_force("lyon-h100"))
    assert {(one.part, one.evidence.visibility) for one in of_h100} == {
        ("hosting", "public"), ("electricity", "funders"), ("assets.0", "steward")
    }  # fmt: skip
    assert PoolEvidence.objects.count() == 2
    assert StatementEvidence.objects.filter(statement=in_force("beja-l40s")).exists()


def _require_pools_in_the_statements_of_lyon() -> None:
    for slug in ("lyon-h100", "lyon-a100", "lyon-l40s", "lyon-l4"):
        declared = from_json(in_force(slug).declared)
        assert {part.name for part in declared.pools} == {"Operators in Lyon", "Rack 7 in Lyon"}
        assert not declared.staff_posts  # not counted twice
        assert Kind.STAFF in {line.kind for line in in_force(slug).components.all()}


def _require_hours_of_electricity() -> None:
    """Every zone, to the end of what is sold; marked as made up, with gaps and estimates."""
    bought = from_json(in_force("beja-l40s").declared)
    assert bought.day_ahead is not None
    assert (bought.day_ahead.zone, bought.day_ahead.hours_missing) == ("PT", 0)
    for zone in {place.zone for place in places.PLACES}:
        found = hourly(zone=zone, start=NOW - timedelta(days=380), end=NOW)
        assert found.price.coverage.missing == found.lifecycle.coverage.missing == 0
        assert all(one.source.startswith("Example, made up") for one in found.price.origins)
        row = zone_row(zone)
        assert row is not None
        # Before one in the afternoon in Brussels: tomorrow is not sold yet.
        assert row.ends[Quantity.PRICE][1] == datetime(2026, 11, 18, 22, tzinfo=UTC)
        assert row.ends[Quantity.LIFECYCLE][1] == datetime(2026, 11, 20, 23, tzinfo=UTC)
    french = hourly(
        zone="FR", start=datetime(2026, 11, 9, tzinfo=UTC), end=datetime(2026, 11, 10, tzinfo=UTC)
    )
    assert [hour.start.hour for hour in french.price.hours if hour.basis is Basis.LINE] == [2, 3]
    noon = NOW.replace(hour=13, minute=0)
    there = expected(zone="PT", start=noon, end=noon + timedelta(hours=1))
    evening = expected(zone="PT", start=noon + timedelta(hours=6), end=noon + timedelta(hours=7))
    assert there.price.mean is not None
    assert there.lifecycle.mean is not None
    assert there.price.mean * 2 < (evening.price.mean or 0)
    assert there.lifecycle.mean < (evening.lifecycle.mean or 0)
    assert there.lifecycle.estimated == 1  # not yet over: a forecast
    before = hourly(zone="PT", start=noon - timedelta(days=60), end=noon, as_of=NOW - timedelta(days=50))
    assert before.price.coverage.reported < before.price.coverage.hours  # what was not imported by then


def _require_that_a_world_of_before_learns() -> None:
    """What the tables have learnt since: as if it had been built when nobody could sign up yet."""
    project = Project.objects.get(personal_to__email="mila@example.org")
    Project.objects.filter(pk=project.pk).update(personal_to=None)
    HouseRulesAcceptance.objects.all().delete()
    Vertex.objects.update(organisation=None)
    with pgtrigger.ignore("accounts.StewardAct:steward_act_is_append_only"):
        StewardAct.objects.all().delete()
    seed_demo.seed(now=NOW + timedelta(days=1))
    _require_an_account_of_a_laboratory()
    again = Project.objects.get(personal_to__email="mila@example.org")
    assert again != project
    assert Grant.objects.filter(project=again).count() == 2
    assert all(has_accepted(person) for person in User.objects.all())


def _require_that_it_can_be_checked() -> None:
    assert list(differences()) == []
    assert not Entry.objects.filter(index=None).exists()
    assert rebuilding.compare_holds() == []
    call_command("replay_decisions", stdout=StringIO())  # raises at the first that comes out otherwise


@pytest.mark.django_db
def test_a_site_that_is_no_example_is_left_alone(settings: Any) -> None:
    settings.EXAMPLE_WORLD = False
    with pytest.raises(CommandError, match="no example site"):
        call_command("seed_demo")


def test_the_log_ins_can_be_read_by_a_program(settings: Any) -> None:
    settings.EXAMPLE_WORLD = True
    out = StringIO()
    call_command("seed_demo", "--log-ins", stdout=out)
    lines = [line.split("\t") for line in out.getvalue().splitlines()]
    assert [line[:2] for line in lines][0] == ["ada@example.org", people.PASSWORD]
    assert all(len(line) == 3 and line[2] for line in lines)


@pytest.mark.django_db
def test_a_build_that_fails_leaves_nothing(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.EXAMPLE_WORLD = True
    make_key(settings.LEDGER_KEY_FILE)
    make_key(settings.DISPATCH_KEY_FILE)

    def fail(*args: object, **options: object) -> None:
        assert Entry.objects.exists()
        raise RuntimeError("in the middle")

    monkeypatch.setattr(building, "_tell_costs", fail)
    with transaction.atomic(), pytest.raises(RuntimeError):
        seed_demo.seed(now=clock.now())
    assert not Entry.objects.exists()
    assert not Decision.objects.exists()


@pytest.mark.django_db
def test_a_machine_that_the_tables_have_learnt_since_can_be_booked_from_now_on() -> None:
    world = building.World(people={}, organisations={}, nodes={}, projects={})
    world.people = {row.key: building._person(row) for row in people.PEOPLE}
    capping.publish_policy(world.people, at=NOW)
    hours.bring(world.people, at=NOW, since=NOW)
    building._complete_nodes(world, NOW)
    devices = list(Device.objects.values_list("pk", flat=True))
    assert set(world.nodes) == set(machines.BY_SLUG)
    assert set(pricing.rates(device_ids=devices, at=NOW)) == set(devices)
    building._complete_nodes(world, NOW)
    assert Node.objects.count() == len(machines.EVERY)
