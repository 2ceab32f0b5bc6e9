"""The rule of the budget in words."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext as _

from common import formats
from reservations.domain.rules import IDLE, Rule
from reservations.wording.told import (
    RuleWords,
    decimal,
    moment,
    told,
)


def budget(rule: Rule) -> RuleWords:
    if rule.verdict == IDLE:
        return told(rule, "")
    if not rule.refuses:
        return told(rule, _("The price fits in your grants."), formats.money(rule.actual))
    shown = _places(rule)
    price, limit = formats.money(rule.actual, shown), formats.money(rule.limit, shown)
    text = _("This costs %(price)s. Grants valid for these hours pay %(limit)s.") % {
        "price": price, "limit": limit,
    }  # fmt: skip
    if "short_hours" in rule.facts:
        hours = formats.device_hours(decimal(rule.facts["short_hours"]), 2)
        text += " " + _("They count device-hours, too: %(hours)s are missing.") % {"hours": hours}
    if not rule.facts["grants"]:
        text = _("This costs %(price)s, and your project has no grant yet.") % {"price": price}
    short = _short(rule, shown)
    remedy = _("A grant with %(short)s more for these hours.") % {"short": short}
    if "end" in rule.remedy:
        remedy = _("An end at %(end)s; or a grant with %(short)s more.") % {
            "end": moment(rule, "end"),
            "short": short,
        }
    remedy = " ".join(filter(None, (remedy, _allowance(rule))))
    figures = (
        _("limit %(limit)s") % {"limit": limit},
        _("needed %(actual)s") % {"actual": price},
        _("short by %(excess)s") % {"excess": short},
    )
    return told(
        rule, text, *figures, remedy=remedy,
        used=Decimal(0), limit=decimal(rule.limit), adding=decimal(rule.actual),
    )  # fmt: skip


def _allowance(rule: Rule) -> str:
    """Why the universal allowance does not pay it, for those it is for."""
    why = rule.facts.get("allowance")
    if why == "used":
        return _("Your universal allowance of that month does not reach; the next month brings another.")
    if why == "exhausted":
        return _("The line that pays the universal allowance is used up: stewards look for another.")
    if why == "no_line":
        return _("Nobody pays the universal allowance at present: stewards look for a funder.")
    return ""


def _places(rule: Rule) -> int:
    """Cents, or as many places as it takes for limit, price and what is short to add up as they are shown."""
    limit, actual, excess = (decimal(value) for value in (rule.limit, rule.actual, rule.excess))
    adds_up = (
        places
        for places in range(2, 6)
        if round(limit, places) + round(excess, places) == round(actual, places)
    )
    return next(adds_up, 6)


def _short(rule: Rule, places: int) -> str:
    """`EUR 12.00`, and the device-hours where a grant counts them."""
    short = formats.money(rule.excess, places)
    if "short_hours" not in rule.facts:
        return short
    return _("%(money)s and %(hours)s") % {
        "money": short,
        "hours": formats.device_hours(decimal(rule.facts["short_hours"]), 2),
    }


def budget_kept(rule: Rule, grants_left: Decimal) -> RuleWords:
    figure = _("%(actual)s of %(limit)s") % {
        "actual": formats.money(rule.actual), "limit": formats.money(grants_left),
    }  # fmt: skip
    return told(rule, _("Grants valid for these hours have that much left."), figure)
