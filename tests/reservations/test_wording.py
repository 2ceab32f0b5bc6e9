from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.utils import timezone, translation

from reservations import wording
from reservations.domain import calendar
from reservations.domain.asking import GrantLeft, MemberCap, MonthHeld, ProjectState
from reservations.domain.decision import Answer
from reservations.domain.engines import decide
from reservations.domain.linter import lint
from reservations.domain.policy import Policy, standard
from reservations.domain.rules import REFUSE, Rule
from reservations.wording import RuleWords
from reservations.wording.rule import words
from tests.reservations.domain.test_policy import DEGENERATE
from tests.reservations.domain.worlds import (
    NOW,
    later,
    make_request,
    make_snapshot,
    make_standing,
    make_taken,
)

NB = "\N{NO-BREAK SPACE}"


@pytest.fixture(autouse=True)
def in_english_and_utc() -> object:
    with translation.override("en"), timezone.override("UTC"):
        yield


def refused_everywhere() -> Answer:
    """Six rules refuse at once."""
    snapshot = make_snapshot(
        devices=4, budget="1", taken=(make_taken(later(), later(99)),), next_free=later(99),
        standing=make_standing(held=Fraction(4000)),
    )  # fmt: skip
    return decide(make_request(later(days=1.5, hours=0.1), 200, devices=4), snapshot, Policy())


def said(answer: Answer, code: str) -> RuleWords:
    return next(rule for rule in wording.rules(answer) if rule.code == code)


def test_the_headline_counts_what_stands_in_the_way() -> None:
    assert wording.headline(refused_everywhere()) == "Not booked: six rules stand in the way."
    assert wording.headline(decide(make_request(), make_snapshot(), Policy())) == "Every rule passes."


def test_refusing_rules_come_first() -> None:
    outcomes = [rule.outcome for rule in wording.rules(refused_everywhere())]
    assert outcomes == ["refused"] * 6 + ["passed"] * 4


def test_a_refusal_names_limit_actual_excess_and_remedy() -> None:
    room = said(refused_everywhere(), "room")
    assert room.text == (
        "Your project may hold 4,000.0 cost-weighted hours later than 24 hours from now. "
        "It holds 4,000.0; this would add 1,200.0."
    )
    assert room.figures == ("limit 4,000.0", "would be 5,200.0", "over by 1,200.0")
    assert room.remedy == "Release 1,200.0 cost-weighted hours you hold."
    assert (room.used, room.limit, room.adding) == (Decimal(4000), Decimal(4000), Decimal(1200))


def test_a_taken_slot_says_who_until_when_and_what_is_free_next() -> None:
    free = said(refused_everywhere(), "free")
    assert free.text == "Held by Coastal flood atlas until Sat 28 Nov, 15:00."
    assert free.remedy == "The same length from Sat 28 Nov, 15:00."


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("closure", "Closed for maintenance until Tue 24 Nov, 13:00."),
        ("owner", "Used by its owner until Tue 24 Nov, 13:00."),
    ],
)
def test_closures_and_owners_time_are_told_apart(kind: str, text: str) -> None:
    taken = replace(make_taken(later(), later(1)), kind=kind, holder="")
    assert said(decide(make_request(), make_snapshot(taken=(taken,)), Policy()), "free").text == text


def test_a_short_budget_says_what_length_it_pays() -> None:
    budget = said(decide(make_request(), make_snapshot(budget="10"), Policy()), "budget")
    assert budget.text == f"This costs EUR{NB}11.19. Grants valid for these hours pay EUR{NB}10.00."
    assert budget.remedy == f"An end at Tue 24 Nov, 15:30; or a grant with EUR{NB}1.19 more."


def test_times_rules_say_what_would_do() -> None:
    late = decide(make_request(NOW - timedelta(minutes=30), end=later()), make_snapshot(), Policy())
    assert said(late, "past").text == f"The start is 30{NB}min ago."
    assert said(late, "past").remedy == "Start now, or at Tue 24 Nov, 09:45."
    long = decide(make_request(hours=200), make_snapshot(), Policy())
    assert said(long, "length").text == f"The longest slot is 7{NB}d; this is 8{NB}d{NB}8{NB}h."
    assert said(long, "length").remedy == "An end at Tue 1 Dec, 12:00."


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_rule_has_words_in_every_verdict(language: str) -> None:
    empty = make_request(later(1), end=later(1))
    answers = [
        refused_everywhere(),
        decide(make_request(), make_snapshot(), Policy()),
        decide(make_request(later(days=2)), make_snapshot(), Policy()),
        decide(empty, make_snapshot(), Policy()),
        decide(make_request(), make_snapshot(price=None), Policy()),
        decide(make_request(), make_snapshot(grants=()), Policy()),
        decide(make_request(later(days=27), 168), make_snapshot(), Policy()),
        decide(make_request(later(-5), hours=0.3), make_snapshot(), Policy()),
        decide(make_request(later(days=2), 167), make_snapshot(budget="200"), Policy()),
    ]
    with translation.override(language):
        for answer in answers:
            for rule in wording.rules(answer):
                assert rule.name
                assert bool(rule.remedy) == (rule.outcome == "refused")
                assert "%(" not in rule.text + rule.remedy + "".join(rule.figures)
            wording.as_json(answer)
            wording.nearest(answer)


def test_the_shortest_way_through_is_one_sentence() -> None:
    answer = decide(make_request(), make_snapshot(budget="10"), Policy())
    assert wording.nearest(answer) == (
        f"Tue 24 Nov, 12:00 to Tue 24 Nov, 15:30 on the same devices passes every rule and costs EUR{NB}9.79."
    )


def test_every_fault_of_a_policy_has_a_sentence() -> None:
    faulty = Policy(
        mark_minutes=20, shortest_minutes=6000, longest_hours=0, half_life_hours=0, model_share=Fraction(2),
        least_factor=Fraction(3), exempt_hours=10_000, horizon_days=1,
    )  # fmt: skip
    sentences = [wording.fault(fault) for fault in [*lint(faulty), *lint(Policy(mark_minutes=60))]]
    assert len(sentences) == 8
    for numbers, code, field in DEGENERATE:
        found = [
            one for one in lint(replace(standard(), **numbers)) if (one.code, one.field) == (code, field)
        ]
        sentences += [wording.fault(one) for one in found]
    assert all(sentence.endswith(".") and "%(" not in sentence for sentence in sentences)
    assert len(sentences) > 8 + len(DEGENERATE)


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        ({"floor_share": Fraction(11, 10)}, f"A floor of 110{NB}% is more than there is."),
        (
            {"peak": replace(calendar.standard(), bands=calendar.standard().bands[1:])},
            "Monday 00:00–08:00 is in no band: make it peak or off-peak.",
        ),
        ({"exempt_hours": 700}, "700 hours is longer than “Horizon” allows; at most 672 hours."),
        ({"half_life_hours": 0}, "A half-life of 0 hours forgets nearly everything at once"),
        ({"no_show_part": None}, "“No-show after” says nothing without this number"),
    ],
)
def test_a_fault_says_what_would_work(numbers: dict[str, Any], sentence: str) -> None:
    (found,) = lint(replace(standard(), **numbers))
    assert wording.fault(found).startswith(sentence)


def test_a_suspension_says_who_can_answer_it() -> None:
    snapshot = make_snapshot(project=ProjectState(True, None))
    told = said(decide(make_request(), snapshot, Policy()), "project_standing")
    assert told.text == "A steward has suspended this project: nothing is booked for it."
    assert "its leads answer the reason" in told.remedy


def test_the_end_of_a_project_is_said_with_the_slot_that_would_do() -> None:
    snapshot = make_snapshot(project=ProjectState(False, later(3)))
    told = said(decide(make_request(), snapshot, Policy()), "project_standing")
    assert told.text == "The project ends on Tue 24 Nov, 15:00, and no slot ends later."
    assert told.remedy.startswith("An end at Tue 24 Nov, 15:00;")
    passed = said(decide(make_request(hours=2), snapshot, Policy()), "project_standing")
    assert (passed.outcome, passed.remedy) == ("passed", "")
    endless = make_snapshot(project=ProjectState(False, None))
    told = said(decide(make_request(), endless, Policy()), "project_standing")
    assert told.text == "The project is open and has no end."


@pytest.mark.parametrize(
    ("over", "english", "french"),
    [
        (0.8, "over by 0.8 days", "dépassé de 0,8 jour"),
        (1, "over by 1.0 day", "dépassé de 1,0 jour"),
        (1.5, "over by 1.5 days", "dépassé de 1,5 jour"),
        (3, "over by 3.0 days", "dépassé de 3,0 jours"),
    ],
)
def test_days_over_are_counted_as_each_language_does(over: float, english: str, french: str) -> None:
    request = make_request()
    snapshot = make_snapshot(project=ProjectState(False, request.end - timedelta(days=over)))
    answer = decide(request, snapshot, Policy())
    assert said(answer, "project_standing").figures == (english,)
    with translation.override("fr"):
        assert said(answer, "project_standing").figures == (french,)


def test_a_cap_is_said_with_the_month_it_counts_in() -> None:
    snapshot = make_snapshot(member=MemberCap(Decimal(10), (MonthHeld("2026-11", Fraction(4)),)))
    told = said(decide(make_request(), snapshot, Policy()), "member_cap")
    assert told.text == (
        "The project’s leads let you book 10.0 device-hours of slots that begin in November 2026. "
        "You have booked 4.0; this would add 8.0."
    )
    assert told.figures == ("limit 10.0", "would be 12.0", "over by 2.0")
    assert told.remedy.startswith("An end at Tue 24 Nov, 15:00;")


def test_a_limit_that_is_passed_by_little_is_said_with_the_places_that_show_it() -> None:
    """One place alone would say: limit 10.0, would be 10.0, over by 0.0."""
    snapshot = make_snapshot(member=MemberCap(Decimal(10), (MonthHeld("2026-11", Fraction(202, 100)),)))
    told = said(decide(make_request(), snapshot, Policy()), "member_cap")
    assert told.figures == ("limit 10.00", "would be 10.02", "over by 0.02")
    assert "You have booked 2.02; this would add 8.00." in told.text


def test_the_budget_says_which_device_hours_are_short() -> None:
    grant = GrantLeft(1, "Allowance", None, None, Decimal(1000), Decimal(5))
    answer = decide(make_request(hours=4, devices=2), make_snapshot(grants=(grant,)), Policy())
    budget = next(rule for rule in wording.rules(answer) if rule.code == "budget")
    assert budget.figures == (
        f"limit EUR{NB}6.991", f"needed EUR{NB}11.185", f"short by EUR{NB}4.194 and 3.00 device-hours",
    )  # fmt: skip
    assert budget.remedy.endswith("or a grant with EUR\xa04.194 and 3.00 device-hours more.")
    assert "They count device-hours, too: 3.00 device-hours are missing." in budget.text


def test_what_a_budget_is_short_of_is_what_its_two_other_numbers_differ_by() -> None:
    rule = Rule("budget", REFUSE, "10.094000", "23.746900", "13.652900", {"grants": ["Grant"]})
    assert words(rule).figures == (
        f"limit EUR{NB}10.094", f"needed EUR{NB}23.747", f"short by EUR{NB}13.653",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("why", "said"),
    [("used", "the next month brings another"), ("exhausted", "used up"), ("no_line", "Nobody pays")],
)
def test_who_had_an_allowance_in_mind_is_told_why_it_does_not_pay(why: str, said: str) -> None:
    snapshot = replace(make_snapshot(grants=()), allowance=why)
    answer = decide(make_request(), snapshot, Policy())
    budget = next(rule for rule in wording.rules(answer) if rule.code == "budget")
    assert said in budget.remedy
