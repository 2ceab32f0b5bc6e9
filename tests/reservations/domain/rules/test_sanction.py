"""Who did not come too often: hours that need no room otherwise do."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

import pytest

from reservations.domain import exact_json
from reservations.domain.asking import NoShows
from reservations.domain.policy import Policy
from reservations.domain.rules import Case, Rule
from reservations.domain.rules.fairness import model_half, room_left
from tests.reservations.domain.rules.cells import POLICY, make_case
from tests.reservations.domain.worlds import NOW, later

UNTIL = NOW + timedelta(days=5)


def room(*, no_shows: NoShows | None, policy: Policy = POLICY, hours: float = 4, start: float = 0) -> Rule:
    return room_left(make_case(later(start), hours, no_shows=no_shows, policy=policy))


def test_near_hours_need_room_while_the_sanction_lasts() -> None:
    assert room(no_shows=None).verdict == "idle"
    found = room(no_shows=NoShows(3, UNTIL))
    assert found.verdict == "pass"
    assert (found.actual, found.facts["wanted"]) == ("12.000000", "12.000000")  # 2 x 4 h at 1.5
    assert (found.facts["no_shows"], found.facts["sanction_until"]) == (3, exact_json.moment(UNTIL))


def test_what_the_project_holds_near_counts_with_it() -> None:
    full = NoShows(4, UNTIL, near=Fraction(3990))
    found = room(no_shows=full)
    assert found.refuses
    assert (found.limit, found.actual, found.facts["held"]) == ("4000.000000", "4002.000000", "3990.000000")
    assert room(no_shows=NoShows(4, UNTIL, near=Fraction(3988))).verdict == "pass"


@pytest.mark.parametrize(
    "no_shows", [None, NoShows(2, None), NoShows(3, NOW), NoShows(3, NOW - timedelta(days=1), Fraction(9999))]
)
def test_without_one_in_force_nothing_changes_and_nothing_is_said(no_shows: NoShows | None) -> None:
    found = room(no_shows=no_shows, hours=40)
    assert found == room(no_shows=None, hours=40)
    assert "sanction_until" not in found.facts


def test_a_policy_without_it_says_nothing() -> None:
    assert room(no_shows=NoShows(9, UNTIL), policy=Policy()).verdict == "idle"


def test_a_slot_that_is_gone_by_needs_no_room() -> None:
    assert room(no_shows=NoShows(3, UNTIL), start=-30).verdict == "idle"


def test_the_part_of_a_model_is_not_touched_by_it() -> None:
    case = make_case(later(), no_shows=NoShows(3, UNTIL))
    assert model_half(case) == model_half(Case(case.request, make_case(later()).snapshot, case.policy))
