"""What single figures and lines of the pages say: steps, countdown, receipts, levels, fairness, home."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from common import clock
from common.kept import FRESH
from nodes.models import Node
from nodes.services import leases
from pricing.models import Charge
from reservations.models import Reservation
from reservations.selectors import fairness, home
from reservations.selectors.fairness import fairness_page, fairness_part
from reservations.selectors.home import home_page
from reservations.selectors.levels import Level, change
from reservations.selectors.receipt import charged
from reservations.selectors.reservation import ReservationPage, reservation_page, reservations_of
from reservations.services import dispatch, shares
from tests import factories
from tests.reservations.services.worlds import in_days, make_lab, make_open_node
from tests.reservations.views.running import Job


def page_of(job: Job, after: timedelta = timedelta(0)) -> ReservationPage:
    return seen_by(job.lab.member, job.reservation, job.at + after)


def seen_by(user: User, reservation: Reservation, at: datetime) -> ReservationPage:
    return reservation_page(reservation=reservations_of(user).get(pk=reservation.pk), user=user, at=at)


@pytest.mark.django_db
def test_the_steps_follow_the_job() -> None:
    job = Job()
    assert [step.state for step in page_of(job).steps] == ["now", "next", "next", "next", "next", "next"]
    job.start()
    running = {step.name: step.state for step in page_of(job).steps}
    assert running["Running"] == "now"
    assert running["Staged"] == "done"
    job.end()
    over = {step.name: step.state for step in page_of(job).steps}
    assert over == {"Booked": "done", "Staged": "done", "Running": "done", "Ended": "now", "Settled": "next"}


@pytest.mark.django_db
def test_a_job_that_met_the_end_of_its_slot_was_asked_to_stop() -> None:
    job = Job().start()
    ending = leases.Ending(reason="slot_end", exit_code=143)
    end = job.reservation.during.upper
    leases.end(**job.named, ending=ending, ago=0.0, at=end - timedelta(seconds=80))  # type: ignore[arg-type]
    dispatch.reap(at=end)
    assert {"Asked to stop": "done", "Ended": "now"}.items() <= {
        step.name: step.state for step in page_of(job, timedelta(hours=2)).steps
    }.items()


@pytest.mark.django_db
def test_the_countdown_counts_to_the_start_then_to_the_end_then_stops() -> None:
    node, lab = make_open_node(), make_lab()
    reservation = lab.book([node.devices.all()[0]], in_days(1), hours=2)
    start, end = reservation.during.lower, reservation.during.upper

    def seen(at: datetime) -> ReservationPage:
        return seen_by(lab.member, reservation, at)

    before, within = (
        seen(start - timedelta(minutes=5)).countdown,
        seen(start + timedelta(minutes=30)).countdown,
    )
    assert before is not None
    assert within is not None
    assert (before.label, before.seconds) == ("Starts in", 300)
    assert (within.label, within.seconds, within.done) == ("Left in this slot", 5400, "25.00%")
    assert seen(end).countdown is None
    assert (seen(start).may_cancel, seen(start).may_run, seen(end).may_run) == (False, True, False)


@pytest.mark.django_db
def test_a_cancelled_slot_has_no_countdown_and_nothing_to_press() -> None:
    node, lab = make_open_node(), make_lab()
    reservation = lab.book([node.devices.all()[0]], in_days(1))
    Reservation.objects.update(state=Reservation.State.CANCELLED, cancelled_at=clock.now())
    page = seen_by(lab.member, reservation, clock.now())
    assert (page.state, page.countdown, page.may_cancel, page.may_run) == ("Cancelled", None, False, False)
    assert [step.name for step in page.steps] == ["Booked", "Cancelled"]


@pytest.mark.parametrize(
    ("before", "after", "texts"),
    [
        ("1.31", "1.30", ("1.31", "1.30")),
        ("0.7341", "0.7338", ("0.7341", "0.7338")),
        ("0.734", "0.731", ("0.734", "0.731")),
        (None, "2.5", ("∞", "2.50")),
        (None, None, ("∞", "∞")),
    ],
)
def test_a_level_is_written_as_finely_as_its_change_needs(
    before: str | None, after: str | None, texts: tuple[str, str]
) -> None:
    values = [Level(None if value is None else Decimal(value)) for value in (before, after)]
    assert change(*values) == texts


@pytest.mark.django_db
def test_fairness_puts_the_least_served_first_and_levels_are_promised_over_received() -> None:
    node = make_open_node(devices=3)
    busy = make_lab(name="Busy", uses_public_money=True)
    make_lab(name="Idle", uses_public_money=True)
    busy.book(list(node.devices.all()), in_days(1))
    rows = fairness_page(at=clock.now()).rows
    assert [(row.name, row.rank, row.level.value) for row in rows] == [
        ("Idle", 1, None),
        ("Busy", 2, Decimal("0.5")),
    ]


@pytest.mark.django_db
def test_the_board_groups_devices_that_become_free_together() -> None:
    node = make_open_node(devices=4)
    devices = list(node.devices.all())
    lab = make_lab()
    taken = lab.book(devices[:2], None, hours=3)
    lab.book(devices[2:3], in_days(1), hours=2)
    page = home_page(at=clock.now())
    assert [(one.start, one.devices) for one in page.board] == [
        (None, 2),
        (taken.during.upper, 2),
    ]
    assert page.board[0].until is not None
    assert page.board[1].until is None


@pytest.mark.django_db
def test_home_holds_prices_before_the_fee_against_costs_which_are_without_it() -> None:
    node = make_open_node(devices=1)
    factories.set_fee("0.02")
    page, rate = home_page(at=clock.now()), node.statements.get()
    tariff = node.tariffs.get()
    assert page.fee == Decimal("0.02")
    assert (page.median_price, page.median_cost) == (tariff.price, rate.full_delivered)
    (one,) = page.board
    assert (one.price, one.full_cost) == (tariff.price, rate.full_delivered)
    assert one.costs_url == f"/nodes/{node.slug}/costs/"


def a_charge(item: str, amount: str, **fields: Any) -> Charge:
    usual = {"quantity": Decimal(1), "unit_price": Decimal(amount), "amount": Decimal(amount), "grant": None}
    return Charge(item=item, node=Node(slug="a-node"), **usual | fields)


def test_a_receipt_tells_how_late_the_job_was_that_was_late() -> None:
    late = a_charge("late_start", "-0.02", detail={"seconds": 90, "run": 1})
    lines = charged([a_charge("slot", "3"), late], {}).lines
    assert lines[1].why.startswith("Your job started 1\N{NO-BREAK SPACE}min\N{NO-BREAK SPACE}30")
    assert [line.amount for line in lines] == [Decimal(3), Decimal("-0.02"), Decimal("2.98")]


def test_a_row_of_rounding_is_not_told_in_hours() -> None:
    lines = charged([a_charge("slot", "3"), a_charge("rounding", "0.000001")], {}).lines
    assert "device-hours" in lines[0].why
    assert lines[1].why == "So that the lines add up to the price agreed"


def test_full_cost_stands_beside_the_price_before_refunds() -> None:
    charges = [
        a_charge("slot", "3"),
        a_charge("fee", "0.2"),
        a_charge("late_start", "-0.5", detail={"seconds": 9}),
    ]
    cost = charged(charges, {"a-node": Decimal(4)}).cost
    assert cost is not None
    assert (cost.full_cost, cost.ratio) == (Decimal(4), Decimal("-0.2"))
    assert charged(charges, {}).cost is None


@pytest.mark.django_db
def test_of_a_large_tree_fairness_lists_accounts_and_each_with_its_projects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fairness, "_ROWS_A_PAGE", 2)
    factories.make_policy()
    root = shares.create_root(name="Equinode")
    programme = shares.create_account(parent=root, name="Programme", shares=1)
    for _ in range(3):
        shares.create_project_vertex(parent=programme, project=factories.make_project(), shares=1)
    at = clock.now()
    first = fairness_part(at=at)
    assert first is not None
    assert first.part is not None
    assert [row.name for row in first.rows] == ["Programme"]
    key = first.rows[0].key
    found = [fairness_part(at=at, account=key, page=page) for page in (1, 2)]
    assert [len(page.rows) for page in found if page] == [2, 1]
    assert all(row.is_project for page in found if page for row in page.rows)
    for account, page in ((key, 0), (key, 3), ("nothing", 1)):
        assert fairness_part(at=at, account=account, page=page) is None
    shares.set_shares(vertex=programme, shares=5)
    again = fairness_part(at=at + FRESH / 2)
    assert again is not None
    assert (again.at, again.rows[0].shares) == (at, 1)
    later = fairness_part(at=at + FRESH)
    assert later is not None
    assert (later.at, later.rows[0].shares) == (at + FRESH, 5)


@pytest.mark.django_db
def test_a_small_tree_is_shown_whole_and_of_this_moment() -> None:
    factories.make_policy()
    root = shares.create_root(name="Equinode")
    account = shares.create_account(parent=root, name="Programme", shares=1)
    at = clock.now()
    assert fairness_part(at=at) == fairness_page(at=at)
    shares.set_shares(vertex=account, shares=2)
    page = fairness_part(at=at)
    assert page is not None
    assert (page.part, page.rows[0].shares) == (None, 2)


@pytest.mark.django_db
def test_home_of_a_large_site_is_kept_for_a_minute_and_says_of_when_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at, node = clock.now(), make_open_node()
    devices = node.devices.count()
    assert home_page(at=at).bookable == devices
    monkeypatch.setattr(home, "_MANY_DEVICES", devices - 1)
    assert home_page(at=at).at == at
    Node.objects.update(state=Node.State.WITHDRAWN)
    kept, later = home_page(at=at + FRESH / 2), home_page(at=at + FRESH)
    assert (kept.at, kept.bookable) == (at, devices)
    assert (later.at, later.bookable) == (at + FRESH, 0)
