"""The example world, built as bin/run builds it: a smoke test of every service it calls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
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
from nodes.models import Closure, Device, Hold, Lease
from nodes.services import rebuilding
from pricing import selectors as pricing
from pricing.models import Charge, CostStatement, Grant
from reservations.management.commands import seed_demo
from reservations.management.example_world import machines, people
from reservations.models import Decision, Reservation, Run, UsageEntry, Vertex
from reservations.selectors.inside import shares_page

NOW = datetime(2026, 11, 18, 9, 40, tzinfo=UTC)  # a Wednesday


@pytest.fixture
def _world(transactional_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.EXAMPLE_WORLD = True
    make_key(settings.LEDGER_KEY_FILE)
    make_key(settings.DISPATCH_KEY_FILE)
    monkeypatch.setattr(seed_demo, "HISTORY", timedelta(weeks=2))
    assert "is built" in seed_demo.seed(now=NOW)


def counts() -> dict[str, int]:
    models = (Decision, Reservation, Hold, Closure, Charge, UsageEntry, CostStatement, Run, Entry, Checkpoint)
    return {model.__name__: model.objects.count() for model in models}


@pytest.mark.usefixtures("_world")
def test_the_world_is_alive_and_a_second_run_changes_nothing() -> None:
    _require_nodes_to_book()
    _require_reservations_in_every_state()
    _require_something_for_ada()
    _require_somebody_who_signed_up()
    _require_an_account_of_a_laboratory()
    _require_that_it_can_be_checked()

    before = counts()
    assert "is there; " in seed_demo.seed(now=NOW)
    assert counts() == before
    _require_an_account_of_a_laboratory()

    seed_demo.seed(now=NOW + timedelta(days=1))
    after = counts()
    assert after["Decision"] > before["Decision"]
    assert after["CostStatement"] == before["CostStatement"]
    _require_that_it_can_be_checked()


def _require_nodes_to_book() -> None:
    devices = list(Device.objects.values_list("pk", flat=True))
    assert set(pricing.rates(device_ids=devices, at=NOW)) == set(devices)
    assert Closure.objects.filter(kind="owner").exists()
    assert Closure.objects.filter(kind="closure").exists()


def _require_reservations_in_every_state() -> None:
    reservations = list(Reservation.objects.all())
    slots = [bounds(reservation.during) for reservation in reservations]
    assert {reservation.state for reservation in reservations} == {"booked", "cancelled", "ended"}
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
    rows = shares_page(organisation=laboratory).rows
    assert [(row.name, row.shares, row.is_project) for row in rows] == [
        ("Life sciences", 60, False), ("Protein shapes", 3, True)
    ]  # fmt: skip
    assert StewardAct.objects.get(organisation=laboratory).steward.email == "stella@example.org"


@pytest.mark.usefixtures("_world")
def test_a_world_of_before_learns_what_the_tables_have_learnt_since() -> None:
    """As if it had been built when nobody could sign up yet."""
    project = Project.objects.get(personal_to__email="mila@example.org")
    Project.objects.filter(pk=project.pk).update(personal_to=None)
    HouseRulesAcceptance.objects.all().delete()
    Vertex.objects.update(organisation=None)
    with pgtrigger.ignore("accounts.StewardAct:steward_act_is_append_only"):
        StewardAct.objects.all().delete()
    seed_demo.seed(now=NOW)
    _require_an_account_of_a_laboratory()
    again = Project.objects.get(personal_to__email="mila@example.org")
    assert again != project
    assert Grant.objects.filter(project=again).count() == 2
    assert all(has_accepted(person) for person in User.objects.all())


def _require_that_it_can_be_checked() -> None:
    assert list(differences()) == []
    assert not Entry.objects.filter(index=None).exists()
    assert rebuilding.compare_holds() == []


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
        raise RuntimeError("in the middle")

    monkeypatch.setattr("reservations.management.example_world.playing.play", fail)
    with transaction.atomic(), pytest.raises(RuntimeError):
        seed_demo.seed(now=clock.now())
    assert not Entry.objects.exists()
    assert not Decision.objects.exists()
