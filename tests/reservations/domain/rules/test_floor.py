from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, strategies as st

from reservations.domain import exact_json
from reservations.domain.asking import ProjectState
from reservations.domain.counted import FLOOR, MODEL, NODE, Cell
from reservations.domain.engines import decide
from reservations.domain.policy import Policy
from reservations.domain.rules import (
    Case,
    Rule,
    compared_within,
    counted,
    counted_after,
    counted_within,
    floor,
)
from reservations.domain.slots import Slot
from tests.reservations.domain.rules.cells import POLICY, make_case
from tests.reservations.domain.worlds import NOW, later, make_request, make_snapshot

WEEK = "2026-W49"
WEDNESDAY = later(days=8)  # 12:00 UTC, 13:00 in Paris: peak until 20:00 there
AHEAD = NOW + timedelta(hours=48)


def answer(case: Case) -> Rule:
    found = floor(case)
    assert found is not None
    return found


def in_model(band: str = "peak", week: str = WEEK) -> Cell:
    return Cell(FLOOR, MODEL, "h100", week, band)


def in_node(band: str = "peak", week: str = WEEK) -> Cell:
    return Cell(FLOOR, NODE, "lyra", week, band)


def of_model(case: Case) -> dict[Cell, Fraction]:
    """What the slot counts in its model's cells: the node's, in their own, are always the same hours."""
    found = {cell: hours for cell, hours in counted_within(case).items() if cell.rule == FLOOR}
    of_its = {cell: hours for cell, hours in found.items() if cell.kind == MODEL}
    in_its_node = {replace(cell, kind=NODE, key="lyra"): hours for cell, hours in of_its.items()}
    assert found == of_its | in_its_node
    return of_its


# --- the limit ---
@pytest.mark.parametrize(
    ("held", "is_refused"), [(0, False), (72, False), (73, True), (95, True), (400, True)]
)
def test_others_fill_a_cell_up_to_what_is_kept_and_no_further(held: int, is_refused: bool) -> None:
    """Two devices for four hours, of 100 device-hours: with 72 held it is exactly 80."""
    found = answer(make_case(WEDNESDAY, held=held))
    assert found.refuses == is_refused
    assert (found.limit, found.actual) == ("80.000000", f"{held + 8}.000000")
    assert found.excess == (f"{held - 72}.000000" if is_refused else None)
    assert (found.facts["week"], found.facts["band"], found.facts["kept"]) == (WEEK, "peak", "1/5")


@pytest.mark.parametrize("of_class", ["student", "citizen", "public"])
def test_whom_it_is_kept_for_counts_nothing(of_class: str) -> None:
    case = make_case(WEDNESDAY, of_class=of_class, held=400)
    found = answer(case)
    assert (found.verdict, found.facts["kept_for"]) == ("idle", of_class)
    assert counted(case) == ()


@pytest.mark.parametrize("of_class", ["research", "startup", "industry", "independent"])
def test_everybody_else_counts_in_full(of_class: str) -> None:
    found = [one for one in counted(make_case(WEDNESDAY, of_class=of_class)) if one.cell.rule == FLOOR]
    assert [(one.cell, one.hours, one.most) for one in found] == [(in_model(), 8, 80), (in_node(), 8, None)]


@pytest.mark.parametrize(
    ("start", "hours", "counts"),
    [
        (NOW, 24, 0),
        (AHEAD - timedelta(hours=4), 4, 0),  # over just as the counted time begins
        (AHEAD - timedelta(hours=4), 6, 4),  # two hours of it, on two devices
        (AHEAD, 1, 2),
        (later(days=27.5), 12, 19.403889),  # what is beyond the horizon cannot be booked, and does not count
    ],
)
def test_only_hours_further_ahead_count(start: datetime, hours: float, counts: float) -> None:
    case = make_case(start, hours)
    assert float(sum(of_model(case).values())) == pytest.approx(counts, abs=1e-6)
    assert answer(case).verdict == ("pass" if counts else "idle")


@pytest.mark.parametrize(("ends", "counts"), [(-24, 8), (0, 8), (1, 6), (2.5, 3), (4, 0), (24, 0)])
def test_a_class_that_ends_within_the_slot_counts_no_longer_from_then_on(ends: float, counts: int) -> None:
    case = make_case(WEDNESDAY, of_class="student", until=WEDNESDAY + timedelta(hours=ends), held=400)
    assert sum(of_model(case).values()) == counts
    found = answer(case)
    assert found.refuses == bool(counts)
    if counts:
        assert found.facts["class_until"] == exact_json.moment(WEDNESDAY + timedelta(hours=ends))


# --- the cells ---
def test_a_slot_is_cut_by_the_peak_hours_of_its_site() -> None:
    case = make_case(WEDNESDAY, 24)  # 13:00 on Wednesday to 13:00 on Thursday in Paris
    assert of_model(case) == {in_model("peak"): 2 * (7 + 5), in_model("off_peak"): 2 * 12}


def test_a_public_holiday_of_its_site_is_off_peak() -> None:
    christmas = datetime(2026, 12, 25, 10, tzinfo=UTC)
    friday = make_case(christmas, 2, policy=replace(POLICY, horizon_days=60))
    assert of_model(friday) == {in_model("peak", "2026-W52"): 4}
    holiday = make_case(christmas, 2, policy=replace(POLICY, horizon_days=60), holidays=("2026-12-25",))
    assert of_model(holiday) == {in_model("off_peak", "2026-W52"): 4}


def test_weeks_are_those_of_utc_and_bands_those_of_the_site() -> None:
    """Sunday 23:00 to Monday 09:00 in UTC is midnight to 10:00 on Monday in Paris."""
    sunday = datetime(2026, 12, 6, 23, tzinfo=UTC)
    assert of_model(make_case(sunday, 10)) == {
        in_model("off_peak", "2026-W49"): 2,
        in_model("off_peak", "2026-W50"): 14,
        in_model("peak", "2026-W50"): 4,
    }


@pytest.mark.parametrize(
    ("start", "hours", "off_peak"),
    [
        (datetime(2026, 3, 28, 20, tzinfo=UTC), 24, 24),  # clocks go on by an hour in the night
        (datetime(2026, 10, 24, 20, tzinfo=UTC), 24, 24),  # and back
        (datetime(2026, 3, 29, 22, tzinfo=UTC), 10, 8),  # Monday 00:00 in Paris, summer by now
        (datetime(2026, 10, 25, 23, tzinfo=UTC), 10, 8),  # winter by now
    ],
)
def test_no_hour_is_lost_or_doubled_when_clocks_change(start: datetime, hours: int, off_peak: int) -> None:
    """On a weekend every hour is off-peak; on the Monday after it peak begins at 08:00 on the new clock."""
    case = make_case(start, hours, devices=1)
    at = start - timedelta(days=3)
    case = Case(replace(case.request, at=at), case.snapshot, case.policy)
    found = of_model(case)
    assert sum(found.values()) == hours
    assert sum(value for cell, value in found.items() if cell.band == "off_peak") == off_peak


@pytest.mark.parametrize(
    ("funded", "has_its_own"), [("0", False), ("0.2", False), ("0.200001", True), ("1", True)]
)
def test_a_node_with_more_public_money_than_the_floor_has_a_limit_of_its_own(
    funded: str, has_its_own: bool
) -> None:
    case = make_case(WEDNESDAY, funded=funded, held={in_node(): Fraction(90)})
    assert counted_within(case) == {in_model(): 8, in_node(): 8}
    of_node = 100 * (1 - Fraction(funded)) if has_its_own else None
    assert {one.cell: one.most for one in counted(case)} == {in_model(): 80, in_node(): of_node}
    assert compared_within(case) == {in_model(), in_node()} - (set() if has_its_own else {in_node()})
    assert answer(case).refuses == has_its_own


def test_of_a_node_that_public_money_bought_whole_others_book_only_what_is_near() -> None:
    found = answer(make_case(WEDNESDAY, 0.5, devices=1, funded="1"))
    assert (found.limit, found.actual) == ("0.000000", "0.500000")
    assert (found.facts["kind"], found.facts["name"]) == ("node", "Lyra")
    near = make_case(AHEAD - timedelta(hours=1), 1, funded="1")
    assert answer(near).verdict == "idle"


def test_the_cell_in_which_least_is_left_gives_the_numbers_and_all_are_told() -> None:
    held = {in_model("peak"): Fraction(10), in_model("off_peak"): Fraction(75)}
    found = answer(make_case(WEDNESDAY, 24, held=held))
    assert (found.facts["band"], found.excess) == ("off_peak", "19.000000")
    cells = found.facts["cells"]
    assert isinstance(cells, list)
    assert len(cells) == 2
    assert found.facts["open_from"] == exact_json.moment(WEDNESDAY + timedelta(hours=24 - 48))


def test_a_refusal_says_how_short_a_slot_would_do() -> None:
    case = make_case(WEDNESDAY, held=74)  # six device-hours are left: three hours on two devices
    given_answer = decide(case.request, case.snapshot, POLICY)
    (refusing,) = given_answer.refusing
    assert refusing.code == "floor"
    assert refusing.remedy["end"] == exact_json.moment(WEDNESDAY + timedelta(hours=3))
    assert given_answer.nearest is not None
    assert given_answer.nearest.end == WEDNESDAY + timedelta(hours=3)


def test_a_time_whose_cells_nobody_has_read_is_not_offered() -> None:
    case = make_case(WEDNESDAY)
    moved = Case(make_request(later(days=15)), case.snapshot, case.policy)
    found = answer(moved)
    assert found.refuses
    assert found.facts["unknown"] is True


# --- what says nothing of it ---
def test_a_policy_without_a_floor_and_a_snapshot_of_before_it_say_nothing() -> None:
    case = make_case(WEDNESDAY, held=400)
    assert floor(Case(case.request, case.snapshot, Policy())) is None
    assert floor(Case(case.request, make_snapshot(), POLICY)) is None
    older = replace(case.snapshot, project=ProjectState(is_suspended=False, expires_at=None))
    assert floor(Case(case.request, older, POLICY)) is None
    for policy in (Policy(), replace(POLICY, floor_share=None), replace(POLICY, peak=None)):
        counts = counted(Case(case.request, case.snapshot, policy))
        assert [one for one in counts if one.cell.rule == FLOOR] == []


def test_a_slot_without_length_is_not_counted() -> None:
    case = make_case(WEDNESDAY, 0)
    assert answer(case).verdict == "idle"
    assert counted(case) == ()


# --- giving back ---
@given(
    start=st.integers(0, 4 * 24 * 20), quarters=st.integers(2, 4 * 60), at=st.integers(-8, 4 * 70),
    funded=st.sampled_from(["0", "0.6"]), of_class=st.sampled_from(["research", "industry", "student"]),
)  # fmt: skip
def test_what_is_counted_before_a_moment_and_after_it_makes_up_the_slot(
    start: int, quarters: int, at: int, funded: str, of_class: str
) -> None:
    case = make_case(later(start / 4), quarters / 4, funded=funded, of_class=of_class)
    since, request = later(start / 4 + at / 4), case.request
    before = counted_within(case, Slot(request.start, max(since, request.start)))
    after = counted_after(case, since)
    assert all(hours > 0 for hours in (*before.values(), *after.values()))
    both = {cell: before.get(cell, 0) + after.get(cell, 0) for cell in {*before, *after}}
    assert both == counted_within(case)


# --- what is promised is delivered ---
requests = st.lists(
    st.tuples(st.sampled_from(["research", "industry", "student", "citizen"]), st.integers(1, 16)),
    max_size=60,
)


@given(requests=requests, bookable=st.integers(8, 200), funded=st.sampled_from(["0", "0.35", "0.6", "1"]))
def test_the_floor_is_delivered_as_far_as_it_is_asked_for_and_others_never_hold_more_than_the_rest(
    requests: list[tuple[str, int]], bookable: int, funded: str
) -> None:
    """One week's peak hours of one node, asked for in any order by who is kept for and by others."""
    held: dict[Cell, Fraction] = {}
    others = delivered = demanded = Fraction(0)
    for of_class, quarters in requests:
        case = make_case(
            WEDNESDAY, quarters / 4, devices=1, of_class=of_class, funded=funded, bookable=bookable, held=held
        )
        wanted = Fraction(quarters, 4)
        left = bookable - others - delivered
        if of_class in ("student", "citizen"):
            demanded += wanted
            delivered += min(wanted, left)  # shorter where it does not fit: they take what there is
            continue
        if answer(case).refuses or wanted > left:
            continue
        others += wanted
        for one in counted(case):
            if one.cell.rule == FLOOR:
                held[one.cell] = held.get(one.cell, Fraction(0)) + one.hours
                assert one.most is None or held[one.cell] <= one.most
    kept = max(Fraction(1, 5), Fraction(funded)) * bookable
    assert others <= bookable - kept
    assert delivered >= min(kept, demanded)


@given(st.integers(0, 100), st.integers(1, 64))
def test_more_held_by_others_never_turns_a_no_into_a_yes(held: int, quarters: int) -> None:
    before, after = (
        answer(make_case(WEDNESDAY, quarters / 4, devices=1, held=number)) for number in (held, held + 1)
    )
    assert not (before.refuses and not after.refuses)
