"""What floor, commerce and the sanction say to a person, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from django.utils import timezone, translation

from reservations import wording
from reservations.domain.asking import NoShows
from reservations.domain.engines import decide
from reservations.domain.rules import Case
from reservations.wording import RuleWords
from tests.reservations.domain.rules.cells import POLICY, make_case
from tests.reservations.domain.worlds import NOW, later

WEDNESDAY = later(days=8)
NB = "\N{NO-BREAK SPACE}"


@pytest.fixture(autouse=True)
def _in_english_and_utc() -> Iterator[None]:
    with translation.override("en"), timezone.override("UTC"):
        yield


def said(case: Case, code: str) -> RuleWords:
    answer = decide(case.request, case.snapshot, POLICY)
    return next(rule for rule in wording.rules(answer) if rule.code == code)


def test_the_floor_names_the_cell_who_it_is_kept_for_and_what_would_work() -> None:
    floor = said(make_case(WEDNESDAY, held=75), "floor")
    assert (floor.name, floor.outcome) == ("Kept for public interest", "refused")
    assert floor.text == (
        f"20.0{NB}% of the peak hours of H100 SXM5 in week 2026-W49 is kept for projects of public interest "
        "(Student, Citizen, Public service). All others together hold at most 80.0 device-hours further than "
        "48 hours ahead. They hold 75.0; this would add 8.0."
    )
    assert floor.figures == ("limit 80.0", "would be 83.0", "over by 3.0")
    assert floor.remedy == (
        "An end at Wed 2 Dec, 14:30. The same slot, where it is still free, from Mon 30 Nov, 16:00 on. "
        "Off-peak hours, another week or another model."
    )


def test_a_node_of_its_own_cell_and_off_peak_hours_are_said_as_such() -> None:
    floor = said(make_case(WEDNESDAY + timedelta(hours=10), funded="0.6", held=39), "floor")
    assert f"60.0{NB}% of the off-peak hours of Lyra in week 2026-W49" in floor.text
    assert floor.remedy.endswith("on. Another week or another node.")


def test_whom_it_is_kept_for_and_who_asks_for_near_hours_is_told_that_nothing_counts() -> None:
    student = said(make_case(WEDNESDAY, of_class="student"), "floor")
    assert student.text == (
        "These hours are kept for projects like yours, of the class Student: nothing counts."
    )
    near = said(make_case(later(1)), "floor")
    assert near.text == "Hours within the next 48 are open to everybody."
    ending = said(make_case(WEDNESDAY, of_class="student", until=WEDNESDAY, held=99), "floor")
    assert ending.text.endswith(
        "Your project’s class ends on Wed 2 Dec, 12:00: hours after that count like those of others."
    )


def test_commerce_names_the_node_the_period_and_the_part() -> None:
    commerce = said(make_case(WEDNESDAY, of_class="industry", funded="0.1", held=15), "commerce")
    assert commerce.text == (
        f"Public money is in Lyra: commercial projects (Start-up, Industry) together hold at most "
        f"20.0{NB}% of its hours in 2026-Q4, 20.0 device-hours. They hold 15.0; this would add 8.0."
    )
    assert commerce.remedy == "An end at Wed 2 Dec, 14:30. A node without public money, or another quarter."
    idle = said(make_case(WEDNESDAY), "commerce")
    assert idle.text == "Only projects of the classes Start-up, Industry count."
    private = said(make_case(WEDNESDAY, of_class="startup"), "commerce")
    assert private.text == "No public money is in these nodes."


def test_a_sanction_says_why_near_hours_count_and_until_when() -> None:
    until = NOW + timedelta(days=5)
    room = said(make_case(later(), no_shows=NoShows(3, until, Fraction(3995))), "room")
    assert room.text == (
        "Your project may hold 4,000.0 cost-weighted hours. It holds 3,995.0; this would add 12.0. You did "
        "not come to 3 slots: until Sun 29 Nov, 09:42 your hours within the next 24 count, too."
    )


@pytest.mark.parametrize(
    ("asked", "code", "start"),
    [
        ({"held": 75}, "floor", f"20,0{NB}% des heures pleines de H100 SXM5 en semaine 2026-W49 sont"),
        ({"of_class": "industry", "funded": "0.1", "held": 15}, "commerce", "Il y a de l’argent public dans"),
        ({"of_class": "citizen"}, "floor", "Ces heures sont gardées pour des projets comme le vôtre"),
    ],
)
def test_it_is_said_in_french(asked: dict[str, Any], code: str, start: str) -> None:
    with translation.override("fr"):
        text = said(make_case(WEDNESDAY, **asked), code).text
    assert text.replace("\N{NARROW NO-BREAK SPACE}", NB).startswith(start)


def test_of_a_slot_without_length_no_rule_speaks_of_its_hours() -> None:
    case = make_case(WEDNESDAY, hours=0, of_class="industry", funded="0.6")
    for code in ("length", "room", "model_half", "floor", "commerce"):
        assert said(case, code).text == "The slot has no length.", code
