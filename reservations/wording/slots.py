"""The rules of a slot’s time and devices in words."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from common import formats
from reservations.domain.rules import IDLE, Rule
from reservations.wording.told import (
    RuleWords,
    as_moment,
    days,
    decimal,
    length,
    moment,
    told,
    whole_days,
)


def grid(rule: Rule) -> RuleWords:
    minutes = rule.limit
    if not rule.refuses:
        return told(
            rule,
            _("Slots start now or on a %(minutes)s-minute mark, and end on one.") % {"minutes": minutes},
        )
    if not rule.facts["start"] and not rule.facts["end"]:
        text = _("The start and the end are not on a %(minutes)s-minute mark.")
    elif not rule.facts["start"]:
        text = _("The start is not on a %(minutes)s-minute mark, and is not now.")
    else:
        text = _("The end is not on a %(minutes)s-minute mark.")
    remedy = _("%(start)s to %(end)s.") % {"start": moment(rule, "start"), "end": moment(rule, "end")}
    return told(rule, text % {"minutes": minutes}, remedy=remedy)


def order(rule: Rule) -> RuleWords:
    if not rule.refuses:
        return told(rule, "")
    remedy = _("An end at %(end)s or later.") % {"end": moment(rule, "end")}
    return told(rule, _("The end is not later than the start."), remedy=remedy)


def past(rule: Rule) -> RuleWords:
    if not rule.refuses:
        return told(rule, _("The slot starts now or later."))
    text = _("The start is %(ago)s ago.") % {"ago": length(rule.actual)}
    remedy = _("Start now, or at %(start)s.") % {"start": moment(rule, "start")}
    return told(rule, text, remedy=remedy)


def length_of(rule: Rule) -> RuleWords:
    if rule.verdict == IDLE:
        return told(rule, _("The slot has no length."))
    bounds = {
        "shortest": length(rule.facts["shortest"]),
        "actual": length(rule.actual),
        "limit": length(rule.limit),
    }
    if not rule.refuses:
        text = _("A slot is between %(shortest)s and %(limit)s long.") % bounds
        return told(rule, text, _("%(actual)s of at most %(limit)s") % bounds)
    end = {"end": moment(rule, "end")}
    over = length(rule.excess)
    if rule.facts["bound"] == "shortest":
        text = _("The shortest slot is %(limit)s; this is %(actual)s.") % bounds
        figures = (
            _("at least %(limit)s") % bounds,
            bounds["actual"],
            _("short by %(excess)s") % {"excess": over},
        )
        return told(rule, text, *figures, remedy=_("An end at %(end)s.") % end)
    text = _("The longest slot is %(limit)s; this is %(actual)s.") % bounds
    figures = _("at most %(limit)s") % bounds, bounds["actual"], _("over by %(excess)s") % {"excess": over}
    return told(rule, text, *figures, remedy=_("An end at %(end)s.") % end)


def horizon(rule: Rule) -> RuleWords:
    told_days = {"limit": whole_days(rule.limit), "actual": days(rule.actual), "excess": days(rule.excess)}
    latest = {"latest": formats.moment(as_moment(rule.facts["latest"]))}
    text = _("A slot is over within %(limit)s days, now by %(latest)s.") % {**told_days, **latest}
    if not rule.refuses:
        is_over = decimal(rule.actual) < 0
        return told(rule, text, *(() if is_over else (_("%(actual)s of %(limit)s days") % told_days,)))
    figures = (
        _("limit %(limit)s days") % told_days,
        _("ends in %(actual)s") % told_days,
        _("over by %(excess)s") % told_days,
    )
    return told(rule, text, *figures, remedy=_("An end at %(latest)s or before.") % latest)


def free(rule: Rule) -> RuleWords:
    if rule.verdict == IDLE:
        return told(rule, "")
    figure = _("%(actual)s of %(limit)s") % {"actual": rule.actual, "limit": rule.limit}
    if not rule.refuses:
        return told(rule, _("Nobody holds them in that time."), figure)
    holders: Any = rule.facts["holders"]
    text = " ".join(dict.fromkeys(_held_by(holder) for holder in holders))
    remedy = _(
        "No other time within the horizon is free for that long. Take fewer devices or a shorter slot."
    )
    if rule.remedy:
        remedy = _("The same length from %(start)s.") % {"start": moment(rule, "next_free")}
    return told(rule, text, figure, remedy=remedy)


def _held_by(holder: dict[str, str]) -> str:
    until = formats.moment(as_moment(holder["until"]))
    if holder["holder"]:
        return _("Held by %(holder)s until %(until)s.") % {"holder": holder["holder"], "until": until}
    if holder["kind"] == "owner":
        return _("Used by its owner until %(until)s.") % {"until": until}
    return _("Closed for maintenance until %(until)s.") % {"until": until}


def price(rule: Rule) -> RuleWords:
    figure = _("%(actual)s of %(limit)s") % {"actual": rule.actual, "limit": rule.limit}
    if not rule.refuses:
        return told(rule, _("Cost and price of every device are published."), figure)
    nodes: Any = rule.facts["nodes"]
    text = _("No cost statement and price in force for: %(nodes)s. Without them nothing is booked.")
    remedy = _("Devices of another node, or the owner publishes both.")
    return told(rule, text % {"nodes": ", ".join(nodes)}, figure, remedy=remedy)
