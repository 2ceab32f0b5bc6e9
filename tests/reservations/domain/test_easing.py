from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from reservations.domain import decision, easing, exact_json
from reservations.domain.asking import ModelStock, Request, Snapshot, WeekHeld
from reservations.domain.decision import Answer
from reservations.domain.easing import NUMBERS, Easing, eased, most, read_value, unfit
from reservations.domain.engines import decide
from reservations.domain.linter import lint
from reservations.domain.policy import Policy
from tests.reservations.domain.worlds import (
    NOW,
    later,
    make_request,
    make_snapshot,
    make_standing,
    make_taken,
)

UNTIL = NOW + timedelta(days=30)
POLICY = Policy()


def ease(number: str, value: str) -> Easing:
    return Easing(f"of-{number}", number, Fraction(value), UNTIL)


def under(*easings: Easing, **fields: Any) -> Snapshot:
    return make_snapshot(exceptions=easings, **fields)


def rule(answer: Answer, code: str) -> Any:
    return next(one for one in answer.rules if one.code == code)


# --- the policy as an exception eases it ----------------------------------------------------------
FULL = {"standing": make_standing(held=Fraction(9000))}
SMALL = {"standing": make_standing(held=Fraction(1000), capacity=Decimal(1))}
USED = {"standing": make_standing(held=Fraction(1500), stored=Decimal("1e30"), stored_by_all=Decimal("1e31"))}
HALF = {"models": (ModelStock("h100", "H100 SXM5", 4, (WeekHeld("2026-W48", Fraction(310)),)),)}


@pytest.mark.parametrize(
    ("number", "value", "request_", "fields"),
    [
        ("longest_hours", "336", make_request(later(), 200), {}),
        ("horizon_days", "40", make_request(later(days=30), 4), {}),
        ("exempt_hours", "96", make_request(later(days=2), 24), FULL),
        ("least_node_hours", "200", make_request(later(days=2), 24), SMALL),
        ("least_factor", "1", make_request(later(days=2), 24), USED),
        ("model_share", "3/4", make_request(later(days=2), 24), HALF),
    ],
)
def test_each_number_turns_a_no_into_a_yes(
    number: str, value: str, request_: Request, fields: dict[str, Any]
) -> None:
    assert not decide(request_, make_snapshot(**fields), POLICY).is_granted
    answer = decide(request_, under(ease(number, value), **fields), POLICY)
    assert answer.is_granted
    told = [fact for one in answer.rules for fact in one.facts.get("exceptions", [])]  # type: ignore[union-attr]
    assert {
        "exception": f"of-{number}", "number": number, "policy": str(easing.of(POLICY, number)),
        "value": str(Fraction(value)), "until": "2026-12-24T09:42:07Z",
    } in told  # fmt: skip


def test_a_rule_says_so_even_where_it_refuses_all_the_same() -> None:
    answer = decide(make_request(later(), 400), under(ease("longest_hours", "336")), POLICY)
    length = rule(answer, "length")
    assert (length.verdict, length.limit) == ("refuse", "336.000000")
    assert [fact["value"] for fact in length.facts["exceptions"]] == ["336"]


def test_too_short_a_slot_has_nothing_to_do_with_the_longest() -> None:
    answer = decide(make_request(later(), 0.25), under(ease("longest_hours", "336")), POLICY)
    assert "exceptions" not in rule(answer, "length").facts


def test_other_rules_say_nothing_of_it() -> None:
    answer = decide(make_request(), under(ease("longest_hours", "336")), POLICY)
    assert [one.code for one in answer.rules if "exceptions" in one.facts] == ["length"]


def test_the_nearest_slot_is_as_long_as_the_exception_allows() -> None:
    asked = make_request(later(), 400, devices=1)
    plain = decide(asked, make_snapshot(devices=1), POLICY).nearest
    longer = decide(asked, under(ease("longest_hours", "336"), devices=1), POLICY).nearest
    assert plain is not None
    assert longer is not None
    assert plain.end - plain.start == timedelta(hours=168)
    assert longer.end - longer.start == timedelta(hours=336)


def test_a_policy_that_has_become_looser_holds() -> None:
    looser = replace(POLICY, longest_hours=400)
    assert eased(looser, [ease("longest_hours", "336")]) == looser
    exception = under(ease("longest_hours", "336"), devices=1)
    answer = decide(make_request(later(), 380, devices=1), exception, looser)
    assert answer.is_granted
    assert "exceptions" not in rule(answer, "length").facts


def test_without_an_exception_the_policy_is_itself() -> None:
    assert eased(POLICY, []) is POLICY


# --- decisions of before --------------------------------------------------------------------------
# What the engine said of these when it knew of no exceptions, computed then.
BEFORE = [
    (make_request(), make_snapshot(),
     "2e264fc673a094c3218148ef305ecec11f986f82865d5fbb1dac7f7f191c8aad"),
    (make_request(later(days=2), 200), make_snapshot(),
     "c6fb09334bef1026a4cbeb4ad7536b57de91445f5e3e193b735101236e030db7"),
    (make_request(later(days=2), 100), make_snapshot(standing=make_standing(
        stored=Decimal("1e9"), stored_by_all=Decimal("3e9"), held=Fraction(900))),
     "e1e6c85fbeff0e591de4033a8eccdd782bfb07a234a8c1d9c3696b30ea4bbaa8"),
    (make_request(later(days=30), 4), make_snapshot(
        taken=(make_taken(later(days=30), later(days=31)),), next_free=later(days=31)),
     "57d751833fbde7e6bf2cc6cf63582695bf8ce16773d2c2b07428c3d95a9dea43"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "snapshot", "digest"), BEFORE)
def test_a_decision_of_before_comes_out_bit_for_bit(asked: Request, snapshot: Snapshot, digest: str) -> None:
    stored = exact_json.written(snapshot)
    assert "exceptions" not in str(stored)
    answer = decide(asked, exact_json.read(Snapshot, stored), POLICY, engine="1")
    found = decision.digest(
        policy=POLICY, request=exact_json.written(asked), snapshot=stored, answer=answer.to_json()
    )
    assert (answer.engine, found) == ("1", digest)


def test_an_exception_survives_the_snapshots_json() -> None:
    snapshot = under(ease("model_share", "2/3"), ease("longest_hours", "336"))
    assert exact_json.read(Snapshot, exact_json.written(snapshot)) == snapshot


# --- what can be granted --------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("number", "value", "code", "limit"),
    [
        ("longest_hours", "168", "not_eased", 168),
        ("longest_hours", "12", "not_eased", 168),
        ("longest_hours", "673", "too_much", 672),
        ("longest_hours", "200.5", "not_whole", 168),
        ("horizon_days", "367", "too_much", 366),
        ("exempt_hours", "673", "too_much", 672),
        ("least_factor", "9/4", "too_much", 2),
        ("least_factor", "1/2", "not_eased", Fraction(1, 2)),
        ("least_node_hours", "673", "too_much", 672),
        ("model_share", "3/2", "too_much", 1),
    ],
)
def test_a_value_that_eases_nothing_or_too_much_is_named(
    number: str, value: str, code: str, limit: Fraction
) -> None:
    found = unfit(number=number, value=read_value(value), policy=POLICY)
    assert found is not None
    assert (found.code, found.limit) == (code, limit)


def test_a_longer_slot_may_need_a_farther_horizon_first() -> None:
    farther = eased(POLICY, [ease("horizon_days", "60")])
    assert unfit(number="longest_hours", value=Fraction(24 * 40), policy=POLICY) is not None
    assert unfit(number="longest_hours", value=Fraction(24 * 40), policy=farther) is None


@pytest.mark.parametrize("text", ["", "-1", "1e9", "3/0", "1/2/3", "0x10", "NaN", "1 000", "9999999", "٣"])
def test_nothing_else_is_a_number(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number"):
        read_value(text)


@pytest.mark.parametrize(("text", "value"), [("336", 336), ("0.75", Fraction(3, 4)), ("3/4", Fraction(3, 4))])
def test_it_is_read_exactly(text: str, value: Fraction) -> None:
    assert read_value(text) == value


# --- what holds whatever is asked -----------------------------------------------------------------
VALUES = st.fractions(min_value=0, max_value=1000, max_denominator=60)


@st.composite
def easings(draw: Any) -> tuple[Easing, ...]:
    """Any set of exceptions that could have been granted, one after the other."""
    policy, found = POLICY, []
    for number in draw(st.lists(st.sampled_from([*NUMBERS]), unique=True, max_size=6)):
        low, high = easing.of(policy, number), most(policy, number)
        value = low + (high - low) * draw(st.fractions(min_value=0, max_value=1, max_denominator=40))
        value = Fraction(int(value)) if NUMBERS[number] else value
        if unfit(number=number, value=value, policy=policy) is None:
            found.append(Easing(number, number, value, UNTIL))
            policy = eased(policy, found)
    return tuple(found)


@given(found=easings())
def test_what_may_be_granted_makes_a_policy_that_could_be_published(found: tuple[Easing, ...]) -> None:
    assert lint(eased(POLICY, found)) == []


@settings(deadline=None)
@given(
    found=easings(),
    start=st.integers(0, 40 * 96),
    quarters=st.integers(0, 30 * 96),
    devices=st.integers(1, 4),
    held=st.integers(0, 4000),
    used=st.sampled_from(["0", "1e20", "1e25", "1e28"]),
    of_model=st.integers(0, 400),
)
def test_easing_never_turns_a_yes_into_a_no(
    found: tuple[Easing, ...], start: int, quarters: int, devices: int, held: int, used: str, of_model: int
) -> None:
    begins = later() + start * timedelta(minutes=15)
    asked = make_request(begins, quarters / 4, devices=devices)
    snapshot = make_snapshot(
        devices=devices,
        budget="100000",
        standing=make_standing(held=Fraction(held), stored=Decimal(used), stored_by_all=Decimal(used) * 10),
        models=(ModelStock("h100", "H100 SXM5", 4, (WeekHeld("2026-W49", Fraction(of_model)),)),),
    )
    plain, easier = (
        decide(asked, snapshot, POLICY),
        decide(asked, replace(snapshot, exceptions=found), POLICY),
    )
    assert {one.code for one in easier.refusing} <= {one.code for one in plain.refusing}


def test_the_order_of_exceptions_does_not_matter() -> None:
    both = (ease("longest_hours", "336"), ease("model_share", "3/4"))
    assert eased(POLICY, both) == eased(POLICY, both[::-1])
