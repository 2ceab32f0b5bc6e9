"""A whole answer in words: what stands above a refusal, and every rule in the order to read them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from django.utils.translation import gettext as _, ngettext

from common import formats
from reservations.domain.decision import Answer
from reservations.domain.exact_json import Json
from reservations.domain.rules import IDLE, PASS, REFUSE, Rule
from reservations.wording.rule import words
from reservations.wording.told import RuleWords

_OF_HOURS = ("room", "model_half", "floor")  # where nothing counts, they say so of the slot's hours


def headline(answer: Answer) -> str:
    """What stands above a refusal, or above a preview that passes."""
    count = len(answer.refusing)
    if not count:
        return _("Every rule passes.")
    return ngettext(
        "Not booked: %(number)s rule stands in the way.",
        "Not booked: %(number)s rules stand in the way.",
        count,
    ) % {"number": _count(count)}


def _count(number: int) -> str:
    """Up to ten in words, as books do."""
    words = (
        _("one"), _("two"), _("three"), _("four"), _("five"),
        _("six"), _("seven"), _("eight"), _("nine"), _("ten"),
    )  # fmt: skip
    return words[number - 1] if number <= len(words) else str(number)


def nearest(answer: Answer) -> str:
    """The shortest way through, where one is known."""
    found = answer.nearest
    if found is None:
        return ""
    return _("%(start)s to %(end)s on the same devices passes every rule and costs %(price)s.") % {
        "start": formats.moment(found.start),
        "end": formats.moment(found.end),
        "price": formats.money(found.total),
    }


def rules(answer: Answer, grants_left: Decimal | None = None) -> list[RuleWords]:
    """Every rule: those that refuse first, then those that pass, then those that do not apply.

    `grants_left`: what the grants valid in the slot's hours have left, to stand beside a price that fits.
    """
    order = {REFUSE: 0, PASS: 1, IDLE: 2}
    found = sorted(answer.rules, key=lambda rule: order[rule.verdict])
    return [_told(rule, answer, grants_left) for rule in found]


def _told(rule: Rule, answer: Answer, grants_left: Decimal | None = None) -> RuleWords:
    """Of a slot that ends before it starts no hours are near or open: there are none."""
    said = words(rule, grants_left)
    speaks_of_hours = rule.code in _OF_HOURS or (rule.code == "commerce" and rule.facts["is_commercial"])
    if speaks_of_hours and rule.verdict == IDLE and "order" in {one.code for one in answer.refusing}:
        return replace(said, text=_("The slot has no length."), exceptions=())
    return said


def as_json(answer: Answer) -> list[dict[str, Json]]:
    """Every rule with its numbers and its sentences, as the API tells them."""
    told = []
    for rule in answer.rules:
        said = _told(rule, answer)
        told.append({
            "code": rule.code, "verdict": rule.verdict, "name": said.name,
            "text": " ".join([said.text, *(one.text for one in said.exceptions)]),
            "limit": rule.limit, "actual": rule.actual, "excess": rule.excess, "remedy": said.remedy,
            "exceptions": rule.facts.get("exceptions", []),
        })  # fmt: skip
    return told
