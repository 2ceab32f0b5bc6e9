from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reservations.domain.asking import ProjectState
from reservations.domain.counted import COMMERCE, NODE, Cell
from reservations.domain.engines import decide
from reservations.domain.periods import Period, touched_by
from reservations.domain.policy import Policy
from reservations.domain.rules import Case, Rule, commerce, counted, counted_within
from reservations.domain.slots import Slot
from tests.reservations.domain.rules.cells import POLICY, make_case
from tests.reservations.domain.worlds import NOW, later, make_request, make_snapshot

SOON = later(days=3)
YEARS = datetime(2026, 12, 31, 20, tzinfo=UTC)  # four hours before the next one


def answer(case: Case) -> Rule:
    found = commerce(case)
    assert found is not None
    return found


def cell(period: str) -> Cell:
    return Cell(COMMERCE, NODE, "lyra", period)


@pytest.mark.parametrize(("held", "is_refused"), [(0, False), (12, False), (13, True), (100, True)])
@pytest.mark.parametrize("of_class", ["startup", "industry"])
def test_commerce_has_its_part_of_a_publicly_funded_node_and_no_more(
    held: int, is_refused: bool, of_class: str
) -> None:
    """Two devices for four hours, of 100 device-hours: with 12 held it is exactly 20."""
    found = answer(make_case(SOON, of_class=of_class, funded="0.01", held=held))
    assert found.refuses == is_refused
    assert (found.limit, found.actual) == ("20.000000", f"{held + 8}.000000")


@pytest.mark.parametrize("of_class", ["research", "student", "citizen", "public", "independent"])
def test_others_are_not_bound(of_class: str) -> None:
    case = make_case(SOON, of_class=of_class, funded="0.6", held=99)
    assert answer(case).verdict == "idle"
    assert not [one for one in counted(case) if one.cell.rule == COMMERCE]


@pytest.mark.parametrize("funded", ["0", None])
def test_a_node_without_public_money_is_anybodys(funded: str | None) -> None:
    case = make_case(SOON, of_class="industry", funded=funded, held=99)
    found = answer(case)
    assert (found.verdict, found.facts["is_commercial"]) == ("idle", True)
    counts = [(one.cell.period, one.hours, one.most) for one in counted(case) if one.cell.rule == COMMERCE]
    assert counts == [("2026", 8, None), ("2026-Q4", 8, None)]  # for the day that it has a limit


def test_near_hours_count_like_all_others() -> None:
    case = make_case(NOW, 1, of_class="industry", funded="0.6", held=19)
    assert answer(case).refuses


def test_a_slot_over_new_year_counts_in_two_quarters_and_two_years() -> None:
    case = make_case(YEARS, 10, of_class="industry", funded="0.6")
    assert {one: hours for one, hours in counted_within(case).items() if one.rule == COMMERCE} == {
        cell("2026-Q4"): 8, cell("2026"): 8, cell("2027-Q1"): 12, cell("2027"): 12,
    }  # fmt: skip


def test_the_tightest_of_quarter_and_year_gives_the_numbers() -> None:
    held = {cell("2026-Q4"): 5, cell("2026"): 15}
    found = answer(make_case(SOON, of_class="industry", funded="0.6", held=held))  # type: ignore[arg-type]
    assert (found.facts["period"], found.excess) == ("2026", "3.000000")
    cells = found.facts["cells"]
    assert isinstance(cells, list)
    assert len(cells) == 2


def test_a_refusal_says_how_short_a_slot_would_do() -> None:
    case = make_case(SOON, of_class="industry", funded="0.1", held=14)
    (refusing,) = decide(case.request, case.snapshot, POLICY).refusing
    assert refusing.code == "commerce"
    assert refusing.remedy["end"] == (SOON + timedelta(hours=3)).isoformat().replace("+00:00", "Z")


def test_a_node_that_nobody_has_looked_at_is_not_offered() -> None:
    case = make_case(SOON, of_class="industry", funded="0.6")
    assert answer(Case(make_request(YEARS, 10), case.snapshot, case.policy)).facts["unknown"] is True


def test_a_policy_without_it_and_a_snapshot_of_before_it_say_nothing() -> None:
    case = make_case(SOON, of_class="industry", funded="0.6", held=99)
    assert commerce(Case(case.request, case.snapshot, Policy())) is None
    assert commerce(Case(case.request, make_snapshot(), POLICY)) is None
    older = replace(case.snapshot, project=ProjectState(is_suspended=False, expires_at=None))
    assert commerce(Case(case.request, older, POLICY)) is None


# --- quarters and years ---
@pytest.mark.parametrize("year", [2026, 2028])
def test_four_quarters_make_up_a_year(year: int) -> None:
    quarters = [Period.parse(f"{year}-Q{number}") for number in (1, 2, 3, 4)]
    whole = Period.parse(str(year))
    assert quarters[0].slot.start == whole.slot.start
    assert quarters[-1].slot.end == whole.slot.end
    assert all(one.slot.end == other.slot.start for one, other in zip(quarters, quarters[1:], strict=False))
    for period in (*quarters, whole):
        last = period.slot.end - timedelta(microseconds=1)
        assert {Period.quarter_of(last), Period.year_of(last)} & {period}
        assert Period.parse(period.label) == period


@pytest.mark.parametrize(
    "label", ["", "26", "2026-Q0", "2026-Q5", "2026-Q", "2026-W48", "Q4", "2026Q4", "²026"]
)
def test_no_other_label_is_a_period(label: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        Period.parse(label)


def test_a_slot_that_ends_with_a_quarter_does_not_touch_the_next() -> None:
    touched = touched_by(Slot(YEARS, YEARS + timedelta(hours=4)))
    assert [period.label for period in touched] == ["2026-Q4", "2026"]
