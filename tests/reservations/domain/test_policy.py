from __future__ import annotations

import json
from dataclasses import fields, replace
from fractions import Fraction
from typing import Any

import pytest

from accounts.models import Project
from reservations.domain import calendar
from reservations.domain.calendar import OFF_PEAK, PEAK, Band, Calendar, Hours
from reservations.domain.linter import Fault, lint
from reservations.domain.policy import (
    BY_CLASS,
    CLASSES,
    COMMERCIAL,
    PUBLIC_INTEREST,
    ClassNumbers,
    Policy,
    standard,
)


def test_neither_the_default_nor_the_standard_policy_has_a_fault() -> None:
    assert lint(Policy()) == []
    assert lint(standard()) == []


def test_the_classes_are_those_of_projects() -> None:
    assert [*CLASSES] == Project.Class.values
    assert {*PUBLIC_INTEREST} | {*COMMERCIAL} <= {*CLASSES}


WORKING = calendar.standard()


def with_bands(*bands: Band, without: int | None = None) -> Calendar:
    """The standard week with others besides, and without those of one day."""
    return Calendar((*(band for band in WORKING.bands if band.weekday != without), *bands), True)


def classed(code: str, **numbers: Any) -> tuple[ClassNumbers, ...]:
    """The standard classes, one of them with numbers of its own."""
    return tuple(replace(one, **numbers) if one.code == code else one for one in standard().classes)


DEGENERATE: list[tuple[dict[str, Any], str, str]] = [
    ({"half_life_hours": 0}, "half_life_of_nothing", "half_life_hours"),
    ({"half_life_hours": 1}, "half_life_of_nothing", "half_life_hours"),
    ({"half_life_hours": 23}, "half_life_of_nothing", "half_life_hours"),
    ({"half_life_hours": -1}, "half_life_of_nothing", "half_life_hours"),
    ({"horizon_days": 0, "longest_hours": 1, "exempt_hours": 0}, "too_small", "horizon_days"),
    ({"least_factor": Fraction(0)}, "too_small", "least_factor"),
    ({"least_factor": Fraction(1, 101)}, "too_small", "least_factor"),
    ({"most_factor": Fraction(1, 101), "least_factor": Fraction(1, 101)}, "too_small", "most_factor"),
    ({"model_share": Fraction(1, 10**9)}, "too_small", "model_share"),
    ({"exempt_hours": 0, "least_node_hours": 0}, "room_for_nothing", "least_node_hours"),
    (
        {"exempt_hours": 2, "least_node_hours": 3, "shortest_minutes": 315},
        "room_for_nothing", "least_node_hours",
    ),
    ({"model_share": Fraction(3, 2)}, "more_than_all", "model_share"),
    ({"mark_minutes": 20}, "mark_does_not_fit_a_day", "mark_minutes"),
    ({"mark_minutes": 105}, "mark_does_not_fit_a_day", "mark_minutes"),
    ({"mark_minutes": 60}, "not_on_marks", "shortest_minutes"),
    ({"shortest_minutes": 600, "longest_hours": 9}, "longer_than", "shortest_minutes"),
    ({"longest_hours": 24 * 29}, "longer_than", "longest_hours"),
    ({"exempt_hours": 24 * 29}, "longer_than", "exempt_hours"),
    ({"least_factor": Fraction(5, 2)}, "more_than", "least_factor"),
    ({"free_cancel_hours": -1}, "too_small", "free_cancel_hours"),
    ({"floor_share": Fraction(11, 10)}, "floor_above_capacity", "floor_share"),
    ({"floor_share": Fraction(1)}, "floor_of_everything", "floor_share"),
    ({"floor_share": Fraction(901, 1000)}, "floor_of_everything", "floor_share"),
    ({"floor_share": Fraction(1, 101)}, "floor_of_nothing", "floor_share"),
    ({"floor_share": Fraction(0)}, "floor_of_nothing", "floor_share"),
    ({"floor_share": Fraction(-1, 5)}, "floor_of_nothing", "floor_share"),
    ({"floor_share": None}, "goes_with", "floor_share"),
    ({"floor_ahead_hours": None}, "goes_with", "floor_ahead_hours"),
    ({"floor_ahead_hours": 0}, "too_small", "floor_ahead_hours"),
    ({"floor_ahead_hours": 673}, "longer_than", "floor_ahead_hours"),
    ({"peak": None}, "floor_without_calendar", "peak"),
    ({"peak": Calendar((), True)}, "gap", "peak"),
    ({"peak": with_bands(Band(0, 0, 1380, PEAK), without=0)}, "gap", "peak"),
    ({"peak": with_bands(Band(0, 1200, 1260, PEAK))}, "overlap", "peak"),
    ({"peak": with_bands(Band(7, 0, 60, PEAK))}, "no_such_hours", "peak"),
    ({"peak": with_bands(Band(0, 60, 60, PEAK))}, "no_such_hours", "peak"),
    ({"peak": with_bands(Band(0, 0, 1440, "dear"), without=0)}, "no_such_kind", "peak"),
    ({"classes": ()}, "floor_for_nobody", "floor_share"),
    ({"commerce_share": Fraction(2)}, "more_than_all", "commerce_share"),
    ({"commerce_share": Fraction(1, 1001)}, "too_small", "commerce_share"),
    ({"commerce_share": Fraction(0)}, "too_small", "commerce_share"),
    ({"classes": classed("startup", is_commercial=False)[:5]}, "commerce_of_nobody", "commerce_share"),
    ({"no_show_minutes": 0}, "too_small", "no_show_minutes"),
    ({"no_show_minutes": 9}, "too_little_patience", "no_show_minutes"),
    ({"no_show_part": Fraction(1, 10**9)}, "too_small_a_part", "no_show_part"),
    ({"no_show_part": Fraction(33, 100)}, "too_small_a_part", "no_show_part"),
    ({"shortest_minutes": 15}, "too_small_a_part", "no_show_part"),
    ({"no_show_minutes": 169 * 60}, "longer_than", "no_show_minutes"),
    ({"no_show_minutes": None, "no_show_part": None}, "goes_with", "no_show_minutes"),
    ({"no_show_part": None}, "goes_with", "no_show_part"),
    ({"no_show_part": Fraction(3, 2)}, "more_than_all", "no_show_part"),
    ({"no_shows_most": 0}, "too_small", "no_shows_most"),
    ({"no_show_days": None}, "goes_with", "no_show_days"),
    ({"no_show_days": 367}, "too_large", "no_show_days"),
    ({"sanction_days": None}, "goes_with", "sanction_days"),
    ({"sanction_days": 367}, "too_large", "sanction_days"),
    ({"classes": (*standard().classes, ClassNumbers("guild"))}, "unknown_class", "classes"),
    ({"classes": (*standard().classes, ClassNumbers("student"))}, "class_twice", "classes.student"),
    ({"classes": standard().classes[:6]}, "class_missing", "classes"),
    ({"classes": classed("student", is_commercial=True)}, "both_kinds", "classes.student"),
    ({"classes": classed("citizen", longest_hours=0)}, "too_small", "classes.citizen.longest_hours"),
    ({"classes": classed("citizen", exempt_hours=673)}, "longer_than", "classes.citizen.exempt_hours"),
    ({"classes": classed("citizen", horizon_days=6)}, "shorter_than", "classes.citizen.horizon_days"),
    ({"classes": classed("startup", most_factor=Fraction(1, 4))}, "less_than", "classes.startup.most_factor"),
    ({"classes": classed("public", model_share=Fraction(2))}, "more_than_all", "classes.public.model_share"),
    ({"classes": classed("public", model_share=Fraction(1, 101))}, "too_small", "classes.public.model_share"),
    (
        {"least_node_hours": 0, "classes": classed("startup", exempt_hours=0)},
        "room_for_nothing", "classes.startup.exempt_hours",
    ),
    (
        {"exempt_hours": 0, "classes": classed("startup", least_node_hours=0)},
        "room_for_nothing", "classes.startup.least_node_hours",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("numbers", "code", "field"), DEGENERATE)
def test_the_linter_names_what_is_degenerate(numbers: dict[str, Any], code: str, field: str) -> None:
    assert (code, field) in {(fault.code, fault.field) for fault in lint(replace(standard(), **numbers))}


def test_the_least_that_is_not_degenerate_is_published_and_a_fault_names_it() -> None:
    least = replace(
        standard(), least_factor=Fraction(1, 100), most_factor=Fraction(1, 100), model_share=Fraction(1, 100),
        half_life_hours=24, floor_share=Fraction(1, 100), commerce_share=Fraction(1, 1000),
        no_show_minutes=10, no_show_part=Fraction(1, 3), exempt_hours=0, least_node_hours=1,
    )  # fmt: skip
    assert lint(least) == []
    assert lint(replace(least, floor_share=Fraction(9, 10), exempt_hours=1, least_node_hours=0)) == []
    assert lint(replace(least, shortest_minutes=150, longest_hours=3)) == [
        Fault("room_for_nothing", "least_node_hours", "1", "exempt_hours", "3")
    ]
    (impatient,) = lint(replace(least, no_show_part=Fraction(1, 4)))
    assert (impatient.code, impatient.limit) == ("too_small_a_part", "1/3")
    (forgetful,) = lint(replace(least, half_life_hours=23))
    assert forgetful.limit == "24"


def test_what_a_class_has_of_its_own_is_told_with_what_would_do_for_it() -> None:
    policy = replace(
        standard(), shortest_minutes=150, least_node_hours=1, classes=classed("startup", exempt_hours=0)
    )
    assert lint(policy) == [
        Fault("room_for_nothing", "classes.startup.exempt_hours", "0", "least_node_hours", "2",
              class_code="startup")
    ]  # fmt: skip


def test_faults_come_all_at_once_in_the_order_of_the_policy() -> None:
    broken = replace(
        standard(), half_life_hours=0, floor_share=Fraction(11, 10), model_share=Fraction(2),
        peak=with_bands(Band(0, 0, 1380, PEAK), without=0), no_show_part=Fraction(2),
        classes=classed("student", free_cancel_hours=-1),
    )  # fmt: skip
    assert [fault.field for fault in lint(broken)] == [
        "model_share", "half_life_hours", "floor_share", "peak", "no_show_part",
        "classes.student.free_cancel_hours",
    ]  # fmt: skip


def test_a_fault_of_everybody_is_not_said_again_of_each_class() -> None:
    found = lint(replace(standard(), longest_hours=24 * 29))
    assert [fault.field for fault in found] == ["longest_hours"]


def test_a_calendar_is_faulted_with_the_day_and_the_hours() -> None:
    gappy = with_bands(Band(2, 0, 480, OFF_PEAK), Band(2, 540, 1440, PEAK), without=2)
    assert lint(replace(standard(), peak=gappy)) == [Fault("gap", "peak", "", hours=Hours(2, 480, 540))]
    doubled = with_bands(Band(4, 1170, 1230, OFF_PEAK))
    assert lint(replace(standard(), peak=doubled)) == [
        Fault("overlap", "peak", "", hours=Hours(4, 1170, 1200)),
        Fault("overlap", "peak", "", hours=Hours(4, 1200, 1230)),
    ]


# --- numbers by class -----------------------------------------------------------------------------------
def test_a_class_has_its_own_numbers_and_otherwise_those_of_everybody() -> None:
    policy = replace(standard(), classes=classed("student", horizon_days=42, model_share=Fraction(1, 4)))
    student = policy.for_class("student")
    assert (student.horizon_days, student.model_share) == (42, Fraction(1, 4))
    assert student == replace(policy, horizon_days=42, model_share=Fraction(1, 4))
    assert policy.for_class("research") == policy.for_class("guild") == policy.for_class(None) == policy
    assert student.for_class("student") == student


def test_every_number_of_a_class_is_one_of_the_policy() -> None:
    one = standard()
    assert {*BY_CLASS} <= {field.name for field in fields(Policy)}
    own = {name: getattr(one, name) * 2 for name in BY_CLASS}
    policy = replace(one, classes=classed("public", **own))
    assert {name: getattr(policy.for_class("public"), name) for name in BY_CLASS} == own


@pytest.mark.parametrize(
    ("code", "public", "commercial"),
    [
        ("student", True, False), ("citizen", True, False), ("public", True, False), ("startup", False, True),
        ("industry", False, True), ("research", False, False), ("independent", False, False),
        ("guild", False, False), (None, False, False),
    ],
)  # fmt: skip
def test_the_standard_says_who_is_of_public_interest_and_who_commercial(
    code: str | None, public: bool, commercial: bool
) -> None:
    policy = standard()
    assert (policy.is_public_interest(code), policy.is_commercial(code)) == (public, commercial)
    assert not Policy().is_public_interest(code)
    assert not Policy().is_commercial(code)


# --- as JSON --------------------------------------------------------------------------------------------
# A row of before there were floor, peak hours and classes: what it says and what the ledger has of it.
OLDER = {
    "mark_minutes": 15, "shortest_minutes": 30, "longest_hours": 168, "horizon_days": 28, "exempt_hours": 24,
    "least_factor": "1/2", "most_factor": "2", "least_node_hours": 8, "model_share": "1/2",
    "active_days": 28, "half_life_hours": 336, "free_cancel_hours": 24,
}  # fmt: skip


def test_a_policy_of_before_reads_and_digests_bit_for_bit() -> None:
    policy = Policy.from_json(dict(OLDER))
    assert policy == Policy()
    assert json.dumps(policy.to_json()) == json.dumps(OLDER)
    assert policy.digest == "bb6fb1101016405fcbf402bfca82734caeed4b3d92973006872f3fb6e5ce9b2f"


def test_the_standard_policy_survives_json_and_says_each_of_its_rules() -> None:
    written = standard().to_json()
    assert Policy.from_json(json.loads(json.dumps(written))) == standard()
    assert {*written} == {field.name for field in fields(Policy)}
    assert {**written, **OLDER} == written


def test_a_policy_survives_json_and_keeps_its_digest() -> None:
    policy = Policy(model_share=Fraction(1, 3))
    assert Policy.from_json(policy.to_json()) == policy
    assert Policy.from_json(policy.to_json()).digest == policy.digest != Policy().digest


@pytest.mark.parametrize("change", [{"half_life_hours": "336"}, {"colour": "red"}, {"half_life_hours": 1.5}])
def test_it_reads_nothing_but_a_whole_policy(change: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        Policy.from_json({**Policy().to_json(), **change})
    with pytest.raises(KeyError):
        Policy.from_json({})
