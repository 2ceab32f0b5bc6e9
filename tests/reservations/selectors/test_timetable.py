"""Who holds which device when: cells, names, filters, pages of devices, and how few queries that takes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from common import clock
from common.ranges import between
from nodes.models import Device, Hold, Node
from reservations.selectors import timetable
from reservations.selectors.cells import Cell
from reservations.selectors.frame import QUARTER, Frame
from reservations.selectors.timetable import Timetable
from tests import factories
from tests.reservations.services.worlds import make_lab, make_open_node

pytestmark = pytest.mark.django_db
PARIS = ZoneInfo("Europe/Paris")
HORIZON = timedelta(days=28)
Draw = Callable[..., Timetable]


@pytest.fixture
def frame() -> Frame:
    """A whole week ahead, so that nothing of it is past and all of it is open."""
    return Frame.of_moment(clock.now() + timedelta(days=8), PARIS)


@pytest.fixture
def draw(frame: Frame) -> Draw:
    def drawn(**changes: object) -> Timetable:
        at = clock.now()
        fields = {"frame": frame, "at": at, "horizon": at + HORIZON, "own": {}} | changes
        return timetable.week(**fields)  # type: ignore[arg-type]

    return drawn


def cells(drawn: Timetable, row: int = 0) -> list[tuple[str, int, int]]:
    return [(cell.kind, cell.first, cell.last) for cell in drawn.nodes[0].rows[row].cells]


def hold(device: Device, frame: Frame, first: float, last: float, kind: str = "owner") -> Hold:
    during = between(frame.start + first * QUARTER, frame.start + last * QUARTER)
    return Hold.objects.create(device=device, during=during, reference=f"{kind}-{first}", kind=kind)


def test_a_free_week_is_one_free_cell_a_device(draw: Draw) -> None:
    make_open_node(devices=2)
    assert cells(draw(), 0) == cells(draw(), 1) == [("free", 0, 672)]


def test_every_row_covers_the_week_without_gap_or_overlap(draw: Draw, frame: Frame) -> None:
    device = make_open_node(devices=1).devices.get()
    for first, last in [(0, 4), (4, 10.5), (10.6, 11), (100, 101), (102, 660.4)]:
        hold(device, frame, first, last)
    row = cells(draw())
    assert [first for _, first, _ in row] == [0, *[last for _, _, last in row[:-1]]]
    assert row[-1][2] == 672


def test_off_the_grid_holds_take_whole_quarter_hours_and_never_twice(draw: Draw, frame: Frame) -> None:
    device = make_open_node(devices=1).devices.get()
    hold(device, frame, 4, 5.5)
    hold(device, frame, 5.5, 8)
    assert cells(draw()) == [("free", 0, 4), ("owner", 4, 6), ("owner", 6, 8), ("free", 8, 672)]


def test_a_gap_too_short_to_book_is_not_offered(draw: Draw, frame: Frame) -> None:
    device = make_open_node(devices=1).devices.get()
    hold(device, frame, 0, 10)
    hold(device, frame, 11, 20, "closure")
    assert cells(draw())[:3] == [("owner", 0, 10), ("scant", 10, 11), ("closure", 11, 20)]


def test_what_is_gone_by_is_past_and_what_is_beyond_the_horizon_is_closed(draw: Draw, frame: Frame) -> None:
    make_open_node(devices=1)
    at = frame.start + 100.4 * QUARTER
    drawn = draw(at=at, horizon=frame.start + 500 * QUARTER)
    assert cells(drawn) == [("past", 0, 100), ("free", 100, 500), ("closed", 500, 672)]
    assert drawn.present == 100
    assert drawn.now_at == f"{100 * 100.4 / 672:.3f}%"


def test_a_device_without_published_cost_is_shown_and_not_offered(draw: Draw) -> None:
    factories.make_node(devices=1)
    drawn = draw()
    assert cells(drawn) == [("closed", 0, 672)]
    assert drawn.nodes[0].price is None


def test_holders_are_named_in_public_and_own_slots_lead_to_their_page(draw: Draw, frame: Frame) -> None:
    node = make_open_node(devices=3)
    devices = list(node.devices.all())
    open_lab = make_lab(name="City heat sensors", uses_public_money=True)
    quiet_lab = make_lab(name="Quiet start-up")
    own_lab = make_lab(name="Coastal flood atlas")
    start = frame.start + 20 * QUARTER
    slots = [
        lab.book([device], start) for lab, device in zip([open_lab, quiet_lab, own_lab], devices, strict=True)
    ]
    drawn = draw(own={own_lab.project.pk: own_lab.project.name})

    def taken(row: int) -> Cell:
        return drawn.nodes[0].rows[row].cells[1]

    assert (taken(0).kind, taken(0).who) == ("other", "City heat sensors")
    assert taken(1).who.startswith("project t")
    assert (taken(2).kind, taken(2).who) == ("own", "Yours: Coastal flood atlas")
    assert taken(2).url == slots[2].get_absolute_url()


def test_filters_and_pages_keep_whole_nodes_together(draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timetable, "DEVICES_A_PAGE", 5)
    site = factories.make_site(slug="lyon", name="Lyon")
    for devices in (3, 3, 4):
        make_open_node(devices=devices, site=site)
    other = make_open_node(devices=2, model="L4")
    drawn = draw(page=2)
    # A node is never split, though five would fit: 3, 3, then 4; the one elsewhere joins where it fits.
    assert (drawn.page, drawn.shown, drawn.matching) == (2, 3, 12)
    sizes = [sum(len(node.rows) for node in draw(page=page).nodes) for page in range(1, drawn.pages + 1)]
    assert sum(sizes) == 12
    assert max(sizes) <= 5
    assert draw(page=99).page == drawn.pages
    only = draw(model="l4-80")
    assert [node.slug for node in only.nodes] == [other.slug]
    assert {name for _, name in only.sites} == {"Lyon", other.site.name}
    assert draw(site="lyon", model="l4-80").nodes == ()


def test_many_devices_and_holds_take_as_few_queries_as_one(
    draw: Draw, frame: Frame, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    lab = make_lab(budget="100000")
    nodes: list[Node] = [make_open_node(devices=4) for _ in range(3)]
    for number, node in enumerate(nodes):
        lab.book(list(node.devices.all())[:3], frame.start + (number + 1) * 40 * QUARTER)
    with django_assert_num_queries(4):  # devices, holds with their projects, names, prices
        drawn = draw()
    assert sum(cell.kind == "other" for node in drawn.nodes for row in node.rows for cell in row.cells) == 9


@pytest.mark.parametrize(("week", "quarters"), [("2026-W13", 668), ("2026-W43", 676)])
def test_weeks_in_which_clocks_change_are_drawn_in_full(draw: Draw, week: str, quarters: int) -> None:
    make_open_node(devices=1)
    changing = Frame.named(week, PARIS)
    assert changing is not None
    at: datetime = changing.start - timedelta(days=1)
    row = cells(draw(frame=changing, at=at, horizon=at + HORIZON))
    assert (row[0][1], row[-1][2]) == (0, quarters)
