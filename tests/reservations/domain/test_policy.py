from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from reservations.domain.linter import lint
from reservations.domain.policy import Policy


def test_the_default_policy_has_no_fault() -> None:
    assert lint(Policy()) == []


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"half_life_hours": 0}, "half_life_of_nothing", "half_life_hours"),
        ({"half_life_hours": -1}, "half_life_of_nothing", "half_life_hours"),
        ({"horizon_days": 0, "longest_hours": 1, "exempt_hours": 0}, "too_small", "horizon_days"),
        ({"least_factor": Fraction(0)}, "too_small", "least_factor"),
        ({"model_share": Fraction(3, 2)}, "more_than_all", "model_share"),
        ({"mark_minutes": 20}, "mark_does_not_fit_a_day", "mark_minutes"),
        ({"mark_minutes": 105}, "mark_does_not_fit_a_day", "mark_minutes"),
        ({"mark_minutes": 60}, "not_on_marks", "shortest_minutes"),
        ({"shortest_minutes": 600, "longest_hours": 9}, "longer_than", "shortest_minutes"),
        ({"longest_hours": 24 * 29}, "longer_than", "longest_hours"),
        ({"exempt_hours": 24 * 29}, "longer_than", "exempt_hours"),
        ({"least_factor": Fraction(5, 2)}, "more_than", "least_factor"),
        ({"free_cancel_hours": -1}, "too_small", "free_cancel_hours"),
    ],
)
def test_the_linter_names_what_is_degenerate(fields: dict[str, Any], code: str, field: str) -> None:
    assert (code, field) in {(fault.code, fault.field) for fault in lint(Policy(**fields))}


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
