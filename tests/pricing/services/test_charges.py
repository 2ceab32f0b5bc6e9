from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import Project
from common import clock
from common.ranges import between
from nodes.models import Node
from pricing.errors import ChargeRefused
from pricing.models import Charge, Encumbrance, Grant
from pricing.services.charges import ChargeLine, post
from tests import factories

D = Decimal
HOUR = timedelta(hours=1)
REFERENCE = "reservation-1"


def line(node: Node, position: int = 1, hours: str = "10", price: str = "1.5", **fields) -> ChargeLine:
    start = clock.now()
    fields = {"category": "usage", "item": "slot", "start": start, "end": start + HOUR} | fields
    return ChargeLine(position=position, node_id=node.pk, quantity=D(hours), unit_price=D(price), **fields)


def make_encumbrance(project: Project, amount: str, *, expires_in: int = 300, hours: str = "") -> Grant:
    now = clock.now()
    grant = factories.make_grant(
        project, "100", valid=between(now - HOUR, now + timedelta(days=expires_in)),
        hours=D(20) if hours else None,
    )  # fmt: skip
    Grant.objects.filter(pk=grant.pk).update(encumbered=D(amount), hours_encumbered=D(hours or 0))
    Encumbrance.objects.create(grant=grant, reference=REFERENCE, amount=D(amount), hours=D(hours or 0))
    return grant


def money(grant: Grant) -> tuple[D, D]:
    grant.refresh_from_db()
    return grant.encumbered, grant.used


@pytest.mark.django_db
def test_what_is_charged_is_used_and_the_rest_goes_back() -> None:
    node, project = factories.make_node(), factories.make_project()
    grant = make_encumbrance(project, "20")
    late = line(node, 2, "-0.5", category="credit", item="late_start", detail={"seconds": 1800})
    charges = post(reference=REFERENCE, lines=[line(node), late], project=project, at=clock.now())
    assert [charge.amount for charge in charges] == [D(15), D("-0.75")]
    assert [charge.grant_id for charge in charges] == [grant.pk, grant.pk]
    assert charges[1].detail["paid_by"] == [{"grant": str(grant.uid), "amount": "-0.75"}]
    assert money(grant) == (0, D("14.25"))
    assert Encumbrance.objects.get().settled_at is not None


@pytest.mark.django_db
def test_the_grant_that_expires_first_pays_first_and_every_part_is_named() -> None:
    node, project = factories.make_node(), factories.make_project()
    later, sooner = make_encumbrance(project, "10"), make_encumbrance(project, "10", expires_in=20)
    (charge,) = post(reference=REFERENCE, lines=[line(node)], project=project, at=clock.now())
    assert charge.grant_id is None
    assert charge.detail["paid_by"] == [
        {"grant": str(sooner.uid), "amount": "10"},
        {"grant": str(later.uid), "amount": "5"},
    ]
    assert (money(sooner), money(later)) == ((0, 10), (0, 5))


@pytest.mark.django_db
def test_device_hours_used_are_those_of_slots_less_credits_and_the_rest_goes_back() -> None:
    node, project = factories.make_node(), factories.make_project()
    sooner = make_encumbrance(project, "6", expires_in=20, hours="4")
    later = make_encumbrance(project, "12", hours="8")
    lines = [
        line(node, 1, "10"),
        line(node, 2, "10", "0.02", item="fee"),
        line(node, 3, "-1.5", category="credit", item="lost"),
    ]
    post(reference=REFERENCE, lines=lines, project=project, at=clock.now())
    for grant, used in ((sooner, 4), (later, D("4.5"))):
        grant.refresh_from_db()
        assert (grant.hours_encumbered, grant.hours_used) == (0, used)
        assert grant.hours_left == 20 - used


@pytest.mark.django_db
def test_posting_again_changes_nothing() -> None:
    node, project = factories.make_node(), factories.make_project()
    grant = make_encumbrance(project, "20")
    first = post(reference=REFERENCE, lines=[line(node)], project=project, at=clock.now())
    again = post(reference=REFERENCE, lines=[line(node)], project=project, at=clock.now())
    assert [charge.pk for charge in again] == [charge.pk for charge in first]
    assert money(grant) == (0, 15)
    with pytest.raises(ChargeRefused, match="has been settled"):
        post(reference=REFERENCE, lines=[line(node, 2)], project=project, at=clock.now())


@pytest.mark.django_db
def test_nobody_is_charged_more_than_was_set_aside() -> None:
    node, project = factories.make_node(), factories.make_project()
    grant = make_encumbrance(project, "14.99")
    with pytest.raises(ChargeRefused) as refused:
        post(reference=REFERENCE, lines=[line(node)], project=project, at=clock.now())
    assert refused.value.details == {"charged": 15, "set_aside": D("14.99")}
    assert money(grant) == (D("14.99"), 0)
    assert not Charge.objects.exists()


@pytest.mark.django_db
def test_lines_rounded_one_by_one_leave_a_row_of_rounding() -> None:
    node, project = factories.make_node(), factories.make_project()
    grant = make_encumbrance(project, "0.000001")
    halves = [line(node, position, hours="0.5", price="0.0000015") for position in (1, 2)]
    assert [half.amount for half in halves] == [D("0.000001")] * 2
    charges = post(reference=REFERENCE, lines=halves, project=project, at=clock.now())
    assert [(charge.item, charge.amount) for charge in charges] == [
        ("slot", D("0.000001")), ("slot", D("0.000001")), ("rounding", D("-0.000001"))
    ]  # fmt: skip
    assert (charges[2].position, charges[2].category) == (3, "adjustment")
    assert money(grant) == (0, D("0.000001"))
    again = post(reference=REFERENCE, lines=halves, project=project, at=clock.now())
    assert [charge.pk for charge in again] == [charge.pk for charge in charges]


@pytest.mark.django_db
def test_lines_that_come_to_a_little_less_are_rounded_up_to_what_was_quoted() -> None:
    node, project = factories.make_node(), factories.make_project()
    grant = make_encumbrance(project, "0.000003")
    thirds = [line(node, position, hours="1", price="0.0000014") for position in (1, 2)]
    charges = post(reference=REFERENCE, lines=thirds, project=project, at=clock.now())
    assert [(charge.item, charge.amount) for charge in charges] == [
        ("slot", D("0.000001")), ("slot", D("0.000001")), ("rounding", D("0.000001"))
    ]  # fmt: skip
    assert money(grant) == (0, D("0.000003"))


@pytest.mark.django_db
def test_a_dear_node_drifts_further_and_is_charged_all_the_same() -> None:
    """A slot that began at once has hours with no end of digits: the eighth decimal costs something here."""
    node, project = factories.make_node(), factories.make_project()
    hours, price = D("1.000000005"), D(100_000)
    quoted = round(hours * price, 6)
    grant = make_encumbrance(Project.objects.get(pk=project.pk), "1")
    Grant.objects.filter(pk=grant.pk).update(amount=quoted, encumbered=quoted)
    Encumbrance.objects.update(amount=quoted)
    kept = ChargeLine(1, node.pk, "usage", "slot", hours, price, clock.now(), clock.now() + HOUR)
    charges = post(reference=REFERENCE, lines=[kept], project=project, at=clock.now())
    assert kept.amount != quoted
    assert sum(charge.amount for charge in charges) == quoted
    assert money(grant) == (0, quoted)


@pytest.mark.django_db
def test_a_drift_that_a_credit_takes_away_leaves_no_row() -> None:
    node, project = factories.make_node(), factories.make_project()
    sooner, later = make_encumbrance(project, "10", expires_in=20), make_encumbrance(project, "4.999999")
    lines = [line(node), line(node, 2, "-0.5", category="credit", item="late_start")]
    assert len(post(reference=REFERENCE, lines=lines, project=project, at=clock.now())) == 2
    assert (money(sooner), money(later)) == ((0, 10), (0, D("4.25")))


@pytest.mark.django_db
def test_a_slot_that_cost_nothing_needs_no_grant() -> None:
    (charge,) = post(
        reference=REFERENCE, lines=[line(factories.make_node(), price="0")], project=factories.make_project(),
        at=clock.now(),
    )  # fmt: skip
    assert charge.amount == 0


@pytest.mark.django_db
def test_the_stored_quantity_times_the_price_is_the_stored_amount() -> None:
    node, project = factories.make_node(), factories.make_project()
    make_encumbrance(project, "90")
    third = line(node, hours=str(D(100) / 3), price="2.5")
    (charge,) = post(reference=REFERENCE, lines=[third], project=project, at=clock.now())
    charge.refresh_from_db()
    assert charge.amount == round(charge.quantity * charge.unit_price, 6)


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["UPDATE pricing_charge SET amount = 0", "DELETE FROM pricing_charge"])
def test_a_charge_cannot_be_changed_by_anybody(change: str) -> None:
    node, project = factories.make_node(), factories.make_project()
    make_encumbrance(project, "20")
    post(reference=REFERENCE, lines=[line(node)], project=project, at=clock.now())
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        connection.cursor().execute(change)


@pytest.mark.django_db(transaction=True)
def test_sweeps_that_run_at_once_charge_once() -> None:
    node, project = factories.make_node(), factories.make_project()
    grant = make_encumbrance(project, "20")
    lines = [line(node)]
    barrier = Barrier(8)

    def sweep(_: int) -> list[int]:
        try:
            barrier.wait()
            return [
                charge.pk
                for charge in post(reference=REFERENCE, lines=lines, project=project, at=clock.now())
            ]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(sweep, range(8)))
    assert answers == [[Charge.objects.get().pk]] * 8
    assert money(grant) == (0, 15)
