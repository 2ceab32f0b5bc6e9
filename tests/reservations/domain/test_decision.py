from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, strategies as st

from reservations.domain import decay, decision, exact_json
from reservations.domain.asking import (
    GrantLeft,
    MemberCap,
    ModelStock,
    MonthHeld,
    ProjectState,
    Request,
    Snapshot,
    WeekHeld,
)
from reservations.domain.decision import Answer
from reservations.domain.engines import decide
from reservations.domain.policy import Policy
from reservations.domain.rules import Rule
from reservations.domain.slots import Week
from tests.reservations.domain.worlds import (
    NOW,
    PRICE,
    TODAY,
    later,
    make_request,
    make_snapshot,
    make_standing,
    make_taken,
)

POLICY = Policy()


def answer_to(request: Request | None = None, snapshot: Snapshot | None = None, **policy: Any) -> Answer:
    return decide(request or make_request(), snapshot or make_snapshot(), replace(POLICY, **policy))


def rule(answer: Answer, code: str) -> Rule:
    (found,) = (rule for rule in answer.rules if rule.code == code)
    return found


def refused(answer: Answer) -> set[str]:
    return {rule.code for rule in answer.refusing}


def test_a_plain_request_is_granted_with_every_rule_named() -> None:
    answer = answer_to()
    assert answer.is_granted
    assert [rule.code for rule in answer.rules] == [
        "grid", "order", "past", "length", "horizon", "free", "price", "room", "model_half", "budget",
    ]  # fmt: skip
    assert answer.nearest is None


# --- grid, order, past, length, horizon ---
@pytest.mark.parametrize(
    ("start", "end", "codes", "nearest"),
    [
        (later(0), later(0.5), set(), None),
        (later(0), later(0.25), {"length"}, (later(0), later(0.5))),
        (later(0), later(168), set(), None),
        (later(0), later(168.25), {"length"}, (later(0), later(168))),
        (later(0.1), later(1), {"grid"}, (later(0), later(1))),
        (later(0), later(1.1), {"grid"}, (later(0), later(1))),
        (NOW, later(0), set(), None),  # now, between two marks
        (NOW, later(0.1), {"grid"}, (NOW, later(0))),
        (later(1), later(1), {"order"}, (later(1), later(1.5))),
        (later(1), later(0), {"order"}, (later(1), later(1.5))),
        (later(-3), later(0), {"past"}, (later(-2.25), later(0.75))),
        (NOW - timedelta(seconds=1), later(0), {"grid", "past"}, (later(-2.25), later(0.25 - 0.25))),
        (later(days=27), later(days=27.5), set(), None),
        (later(days=27), later(days=28), {"horizon"}, (later(days=27), later(-2.5, days=28))),
        (later(days=30), later(days=31), {"horizon"}, None),
    ],
)
def test_time_rules(
    start: datetime, end: datetime, codes: set[str], nearest: tuple[datetime, datetime] | None
) -> None:
    answer = answer_to(make_request(start, end=end), make_snapshot(devices=2, budget="100000"))
    assert refused(answer) == codes
    found = (answer.nearest.start, answer.nearest.end) if answer.nearest else None
    assert found == nearest


def test_a_slot_without_length_leaves_the_rules_about_hours_idle() -> None:
    answer = answer_to(make_request(later(1), end=later(1)))
    idle = {rule.code for rule in answer.rules if rule.verdict == "idle"}
    assert idle == {"length", "free", "room", "model_half", "budget"}
    assert answer.quote is None


def test_the_length_is_told_with_limit_actual_and_excess() -> None:
    found = rule(answer_to(make_request(hours=200)), "length")
    assert (found.limit, found.actual, found.excess) == ("168.000000", "200.000000", "32.000000")
    assert found.remedy == {"end": exact_json.moment(later(168))}


# --- free, price ---
def test_a_taken_slot_names_the_holder_until_when_and_what_is_free_next() -> None:
    taken = make_taken(later(-1), later(3))
    answer = answer_to(snapshot=make_snapshot(taken=(taken,), next_free=later(3)))
    assert refused(answer) == {"free"}
    free = rule(answer, "free")
    assert (free.limit, free.actual, free.excess) == ("2", "1", "1")
    assert free.facts["holders"][0]["holder"] == taken.holder  # type: ignore[index,call-overload]
    assert free.facts["until"] == exact_json.moment(later(3))
    assert answer.nearest is not None
    assert (answer.nearest.start, answer.nearest.end) == (later(3), later(7))


def test_nothing_is_offered_where_nothing_is_free() -> None:
    answer = answer_to(snapshot=make_snapshot(taken=(make_taken(later(), later(1)),), next_free=None))
    assert answer.nearest is None


def test_no_published_price_no_booking() -> None:
    answer = answer_to(snapshot=make_snapshot(price=None))
    assert refused(answer) == {"price"}
    assert rule(answer, "price").facts["nodes"] == ["lyra"]
    assert answer.quote is None
    assert answer.nearest is None


# --- room ---
def test_room_is_share_times_capacity_times_factor() -> None:
    # A tenth of 20,000 cost-weighted hours, doubled since nothing was used: 4,000.
    assert rule(answer_to(make_request(later(days=2))), "room").limit == "4000.000000"


def test_room_shrinks_with_use_down_to_half() -> None:
    # Settled usage of a tenth: E = 1/10 x 20,000/672 x 336 / ln 2 = 1,000 / ln 2 cost-weighted hours.
    entitled = Fraction(1000) / Fraction(decay.LN2)
    for used, factor in (
        (0, 2),
        (Fraction(1, 2), Fraction(3, 2)),
        (1, 1),
        (2, Fraction(1, 2)),
        (9, Fraction(1, 2)),
    ):
        grown = Fraction(decay.growth(NOW - decay.LANDMARK, POLICY.half_life))
        stored = Decimal((entitled * used * grown).numerator) / Decimal((entitled * used * grown).denominator)
        standing = make_standing(stored=stored, stored_by_all=stored * 10)
        found = rule(answer_to(make_request(later(days=2)), make_snapshot(standing=standing)), "room")
        assert found.limit is not None
        assert abs(Decimal(found.limit) - 2000 * Decimal(factor.numerator) / factor.denominator) < Decimal(
            "0.00001"
        )


def test_room_is_shared_among_the_active_only() -> None:
    path = tuple(replace(step, of_active=step.shares or 0) for step in make_standing().path)
    assert (
        rule(
            answer_to(make_request(later(days=2)), make_snapshot(standing=make_standing(path=path))), "room"
        ).limit
        == "40000.000000"
    )


def test_an_account_without_shares_of_its_own_takes_all_of_its_parents() -> None:
    path = (make_standing().path[0], replace(make_standing().path[1], shares=None))
    standing = make_standing(path=path)
    assert (
        rule(answer_to(make_request(later(days=2)), make_snapshot(standing=standing)), "room").limit
        == "20000.000000"
    )


@pytest.mark.parametrize(
    ("held", "hours", "codes", "longest"),
    [
        ("3952", 16, set(), None),  # 16 h x 2 devices x 1.5 = 48: exactly full
        ("3952.000001", 16, {"room"}, 15.75),
        ("3952", 16.25, {"room"}, 16),
        ("4000", 16, {"room"}, None),
    ],
)
def test_room_is_full_at_its_limit_and_says_which_length_fits(
    held: str, hours: float, codes: set[str], longest: float | None
) -> None:
    start = later(days=2)
    standing = make_standing(held=Fraction(held))
    answer = answer_to(make_request(start, hours), make_snapshot(standing=standing, budget="100000"))
    assert refused(answer) == codes
    if codes:
        fitting = exact_json.moment(start + timedelta(hours=longest)) if longest else None
        assert rule(answer, "room").remedy.get("end") == fitting
        assert (answer.nearest.end if answer.nearest else None) == (
            start + timedelta(hours=longest) if longest else None
        )


def test_room_is_never_less_than_one_whole_node_for_eight_hours() -> None:
    standing = make_standing(capacity=Decimal(100))  # a tenth, doubled: 20
    found = rule(answer_to(make_request(later(days=2)), make_snapshot(standing=standing)), "room")
    assert found.limit == "48.000000"  # 4 devices x 1.5 x 8 h


def test_hours_within_the_next_day_need_no_room() -> None:
    standing = make_standing(held=Fraction(10**6))
    today = answer_to(make_request(later(), 8), make_snapshot(standing=standing))
    assert rule(today, "room").verdict == "idle"
    assert today.is_granted
    # Of a slot that reaches beyond, only the later part does.
    across = answer_to(make_request(later(), 48), make_snapshot())
    late = (later(48) - (NOW + timedelta(hours=24))) / timedelta(hours=1) * 2 * 1.5
    assert float(str(rule(across, "room").facts["wanted"])) == pytest.approx(late, abs=1e-5)


# --- half of a model ---
def test_one_project_takes_at_most_half_of_a_models_hours_in_a_week() -> None:
    week = str(Week.of(later(days=2)))
    # Four devices: 672 hours a week, half of them 336; 24 h x 2 devices would be 48 more.
    for held, is_refused in ((288, False), (289, True)):
        models = (ModelStock("h100", "H100 SXM5", 4, (WeekHeld(week, Fraction(held)),)),)
        answer = answer_to(make_request(later(days=2), 24), make_snapshot(models=models))
        assert (refused(answer) == {"model_half"}) is is_refused
        found = rule(answer, "model_half")
        assert (found.limit, found.actual) == ("336.000000", f"{held + 48}.000000")


def test_each_week_of_a_slot_is_counted_by_itself() -> None:
    first = Week.of(later(days=2))
    models = (ModelStock("h100", "H100 SXM5", 4, (WeekHeld(str(first.next), Fraction(336)),)),)
    start = first.end - timedelta(hours=4)
    answer = answer_to(make_request(start, 8), make_snapshot(models=models))
    assert refused(answer) == {"model_half"}
    assert rule(answer, "model_half").facts["week"] == str(first.next)
    assert answer.nearest is not None
    assert answer.nearest.end == first.end


# --- budget and quote ---
def test_the_quote_adds_up_line_by_line_and_grant_by_grant() -> None:
    grants = (
        GrantLeft(1, "Old", None, later(2), Decimal("100")),
        GrantLeft(2, "New", None, None, Decimal("100")),
    )
    answer = answer_to(snapshot=make_snapshot(grants=grants))
    quote = answer.quote
    assert quote is not None
    assert quote.total == Decimal("11.185280")  # 8 device-hours x (1.378160 + 0.020000)
    assert [(line.item, line.quantity, line.amount) for line in quote.lines] == [
        ("slot", Decimal(8), Decimal("11.025280")), ("fee", Decimal(8), Decimal("0.160000")),
    ]  # fmt: skip
    # The grant that expires first pays for the hours before it does.
    assert [(payment.name, payment.amount) for payment in quote.payments] == [
        ("Old", Decimal("5.592640")), ("New", Decimal("5.592640")),
    ]  # fmt: skip
    assert sum(line.amount for line in quote.lines) == quote.total


def test_a_budget_that_is_short_says_by_how_much_and_which_length_it_pays() -> None:
    answer = answer_to(snapshot=make_snapshot(budget="10"))
    assert refused(answer) == {"budget"}
    found = rule(answer, "budget")
    assert (found.limit, found.actual, found.excess) == ("10.000000", "11.185280", "1.185280")
    assert found.remedy == {"end": exact_json.moment(later(3.5))}  # 2.796320 an hour: 9.787120
    assert answer.nearest is not None
    assert answer.nearest.total == Decimal("9.787120")


def test_every_rule_is_told_when_several_refuse() -> None:
    standing = make_standing(held=Fraction(4000))
    snapshot = make_snapshot(
        devices=4, standing=standing, budget="1", taken=(make_taken(later(), later(99)),)
    )
    answer = answer_to(make_request(later(days=1.5, hours=0.1), 200, devices=4), snapshot)
    assert refused(answer) == {"grid", "length", "free", "room", "model_half", "budget"}


# --- the project's standing and the member's cap ---
def test_what_a_snapshot_says_nothing_of_is_not_told() -> None:
    """So decisions stored before there was such a rule replay unchanged."""
    before = exact_json.written(make_snapshot())
    assert isinstance(before, dict)
    stored = {name: value for name, value in before.items() if name not in ("project", "member")}
    answer = decide(make_request(), exact_json.read(Snapshot, stored), Policy())
    assert {one.code for one in answer.rules}.isdisjoint({"project_standing", "member_cap"})


def test_a_suspended_project_books_nothing_and_no_other_slot_would_do() -> None:
    answer = answer_to(snapshot=make_snapshot(project=ProjectState(True, None)))
    assert refused(answer) == {"project_standing"}
    assert answer.nearest is None


def test_a_slot_ends_before_its_project_does() -> None:
    ends = ProjectState(False, later(3))
    assert refused(answer_to(make_request(hours=3), make_snapshot(project=ends))) == set()
    answer = answer_to(make_request(hours=4), make_snapshot(project=ends))
    assert refused(answer) == {"project_standing"}
    found = rule(answer, "project_standing")
    assert (found.limit, found.actual) == (exact_json.moment(later(3)), exact_json.moment(later(4)))
    assert found.remedy == {"end": exact_json.moment(later(3))}
    assert answer.nearest is not None
    assert answer.nearest.end == later(3)


def test_a_project_that_is_over_has_no_shorter_slot() -> None:
    answer = answer_to(snapshot=make_snapshot(project=ProjectState(False, later(-24))))
    assert refused(answer) == {"project_standing"}
    assert answer.nearest is None


@pytest.mark.parametrize(("hours", "is_refused"), [(4, False), (4.25, True)])
def test_a_member_books_up_to_the_cap_exactly(hours: float, is_refused: bool) -> None:
    cap = MemberCap(Decimal(20), (MonthHeld("2026-11", Fraction(12)), MonthHeld("2026-12", Fraction(99))))
    answer = answer_to(make_request(hours=hours), make_snapshot(member=cap))  # two devices
    assert (refused(answer) == {"member_cap"}) is is_refused
    found = rule(answer, "member_cap")
    assert (found.limit, found.actual) == ("20", f"{12 + 2 * hours:.6f}")
    if is_refused:
        assert found.remedy == {"end": exact_json.moment(later(4))}


def test_hours_count_in_the_month_in_which_their_slot_begins() -> None:
    cap = MemberCap(Decimal(20), (MonthHeld("2026-11", Fraction(20)),))
    new_year = later(days=7)  # 1 December
    assert refused(answer_to(make_request(new_year), make_snapshot(member=cap))) == set()
    assert refused(answer_to(make_request(), make_snapshot(member=cap))) == {"member_cap"}


# --- level ---
def test_the_level_is_promised_share_over_received_share() -> None:
    standing = make_standing(committed=Decimal(100), committed_by_all=Decimal(2000))
    level = answer_to(snapshot=make_snapshot(standing=standing)).level
    assert level.before == Decimal("2.000000")  # a tenth promised, a twentieth received
    assert level.after == Decimal("1.796428")  # (1/10) x 2012/112


def test_who_used_nothing_has_no_level_yet() -> None:
    level = answer_to().level
    assert (level.before, level.after) == (None, Decimal("0.100000"))


# --- record ---
def test_request_snapshot_and_answer_survive_json_unchanged() -> None:
    request = make_request(later(days=2), 200)
    snapshot = make_snapshot(taken=(make_taken(later(), later(1)),), next_free=later(1))
    answer = answer_to(request, snapshot)
    for value in (request, snapshot, answer):
        text = json.dumps(exact_json.written(value))
        assert exact_json.read(type(value), json.loads(text)) == value


def test_the_same_question_has_the_same_answer_bit_for_bit() -> None:
    request, snapshot = make_request(later(days=2), 200), make_snapshot(budget="3.14")
    first = exact_json.written(answer_to(request, snapshot))
    again = decide(
        exact_json.read(Request, exact_json.written(request)),
        exact_json.read(Snapshot, exact_json.written(snapshot)),
        Policy.from_json(POLICY.to_json()),
    )
    assert exact_json.written(again) == first
    assert json.dumps(exact_json.written(again)) == json.dumps(first)


def test_the_digest_depends_on_every_part() -> None:
    request, snapshot = make_request(), make_snapshot()
    parts = {
        "request": exact_json.written(request), "snapshot": exact_json.written(snapshot),
        "answer": exact_json.written(answer_to(request, snapshot)),
    }  # fmt: skip
    whole = decision.digest(policy=POLICY, **parts)
    assert decision.digest(policy=replace(POLICY, free_cancel_hours=25), **parts) != whole
    for name in parts:
        assert decision.digest(policy=POLICY, **{**parts, name: {}}) != whole


@given(
    start=st.integers(-8, 2900), quarters=st.integers(-4, 800), held=st.integers(0, 5000),
    budget=st.integers(0, 2000), capacity=st.integers(0, 30_000), next_free=st.none() | st.integers(0, 2600),
)  # fmt: skip
def test_the_nearest_alternative_passes_every_rule(
    start: int, quarters: int, held: int, budget: int, capacity: int, next_free: int | None
) -> None:
    begin = later(start / 4)
    request = make_request(begin, end=begin + timedelta(minutes=15 * quarters))
    taken = () if next_free is None else (make_taken(begin, begin + timedelta(hours=1)),)
    standing = make_standing(held=Fraction(held), capacity=Decimal(capacity))
    free = None if next_free is None else TODAY + timedelta(minutes=15 * next_free)
    snapshot = make_snapshot(standing=standing, budget=str(budget), taken=taken, next_free=free)
    nearest = answer_to(request, snapshot).nearest
    if nearest:
        moved = replace(request, start=nearest.start, end=nearest.end)
        again = answer_to(moved, replace(snapshot, taken=()))
        assert again.is_granted
        assert again.quote is not None
        assert again.quote.total == nearest.total


def test_a_price_of_nothing_needs_no_budget() -> None:
    free = replace(PRICE, price=Decimal(0), fee=Decimal(0))
    assert answer_to(snapshot=make_snapshot(price=free, budget="0", grants=())).is_granted


def test_a_grant_of_hours_pays_for_its_device_hours_and_the_budget_names_both_shortages() -> None:
    hours_of = GrantLeft(1, "Allowance", None, None, Decimal("100"), Decimal(20))
    answer = answer_to(make_request(hours=8, devices=4), make_snapshot(grants=(hours_of,), devices=4))
    budget = rule(answer, "budget")
    assert answer.quote is not None
    assert answer.quote.payments[0].hours == Decimal(20)
    assert budget.refuses
    assert budget.facts["short_hours"] == "12.00000000"


def test_a_decision_without_hours_says_nothing_of_them() -> None:
    assert exact_json.written(answer_to().quote.payments[0]).keys() == {"grant", "name", "amount"}
    assert "short_hours" not in rule(answer_to(), "budget").facts
