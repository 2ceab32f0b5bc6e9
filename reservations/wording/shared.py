"""The rules of what all projects hold together in words: the public-interest floor, and commerce."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Project
from common import formats
from reservations.domain.counted import NODE
from reservations.domain.exact_json import Json
from reservations.domain.rules import IDLE, Rule
from reservations.wording.told import RuleWords, against, as_moment, decimal, moment, places, told


def floor(rule: Rule) -> RuleWords:
    if rule.verdict == IDLE:
        return told(rule, _not_counted(rule))
    if "unknown" in rule.facts:
        return told(rule, _("How much others hold in that time has not been looked at."))
    held, wanted, shown = decimal(rule.facts["held"]), decimal(rule.facts["wanted"]), places(rule)
    said = {
        "kept": _percent(rule.facts["kept"]), "cell": _cell(rule), "classes": _classes(rule),
        "hours": rule.facts["ahead_hours"], "limit": formats.device_hours(rule.limit, shown),
        "held": formats.number(held, shown), "wanted": formats.number(wanted, shown),
    }  # fmt: skip
    text = _(
        "%(kept)s of %(cell)s is kept for projects of public interest (%(classes)s). All others together "
        "hold at most %(limit)s further than %(hours)s hours ahead. They hold %(held)s; this would add "
        "%(wanted)s."
    )
    text = " ".join(filter(None, (text % said, _class_ends(rule))))
    remedy = " ".join(filter(None, (_shorter(rule), _open_from(rule), _elsewhere(rule))))
    return told(
        rule, text, *against(rule), remedy=remedy, used=held, limit=decimal(rule.limit), adding=wanted
    )


def commerce(rule: Rule) -> RuleWords:
    if rule.verdict == IDLE:
        if rule.facts["is_commercial"]:
            return told(rule, _("No public money is in these nodes."))
        return told(rule, _("Only projects of the classes %(classes)s count.") % {"classes": _classes(rule)})
    if "unknown" in rule.facts:
        return told(rule, _("How much others hold in that time has not been looked at."))
    held, wanted, shown = decimal(rule.facts["held"]), decimal(rule.facts["wanted"]), places(rule)
    text = _(
        "Public money is in %(node)s: commercial projects (%(classes)s) together hold at most %(share)s of "
        "its hours in %(period)s, %(limit)s. They hold %(held)s; this would add %(wanted)s."
    ) % {
        "node": rule.facts["name"], "classes": _classes(rule),
        "share": _percent(rule.facts["share"]), "period": rule.facts["period"],
        "limit": formats.device_hours(rule.limit, shown), "held": formats.number(held, shown),
        "wanted": formats.number(wanted, shown),
    }  # fmt: skip
    is_quarter = "Q" in str(rule.facts["period"])
    otherwise = _("A node without public money, or another quarter.")
    if not is_quarter:
        otherwise = _("A node without public money, or another year.")
    remedy = " ".join(filter(None, (_shorter(rule), otherwise)))
    return told(
        rule, text, *against(rule), remedy=remedy, used=held, limit=decimal(rule.limit), adding=wanted
    )


def _not_counted(rule: Rule) -> str:
    if "kept_for" in rule.facts:
        return _("These hours are kept for projects like yours, of the class %(class)s: nothing counts.") % {
            "class": _class(rule.facts["kept_for"])
        }
    return _("Hours within the next %(hours)s are open to everybody.") % {"hours": rule.facts["ahead_hours"]}


def _cell(rule: Rule) -> str:
    """The peak hours of H100 SXM5 in week 2026-W49."""
    said = {"name": rule.facts["name"], "week": rule.facts["week"]}
    if rule.facts["is_peak"]:
        return _("the peak hours of %(name)s in week %(week)s") % said
    return _("the off-peak hours of %(name)s in week %(week)s") % said


def _class_ends(rule: Rule) -> str:
    if "class_until" not in rule.facts:
        return ""
    return _("Your project’s class ends on %(until)s: hours after that count like those of others.") % {
        "until": formats.moment(as_moment(rule.facts["class_until"]))
    }


def _shorter(rule: Rule) -> str:
    return _("An end at %(end)s.") % {"end": moment(rule, "end")} if "end" in rule.remedy else ""


def _open_from(rule: Rule) -> str:
    return _("The same slot, where it is still free, from %(open_from)s on.") % {
        "open_from": formats.moment(as_moment(rule.facts["open_from"]))
    }


def _elsewhere(rule: Rule) -> str:
    is_peak, is_node = rule.facts["is_peak"], rule.facts["kind"] == NODE
    if is_peak:
        return (
            _("Off-peak hours, another week or another node.")
            if is_node
            else _("Off-peak hours, another week or another model.")
        )
    return _("Another week or another node.") if is_node else _("Another week or another model.")


def _classes(rule: Rule) -> str:
    codes: Any = rule.facts["classes"]
    return ", ".join(_class(code) for code in codes)


def _class(code: Json) -> str:
    return str(Project.Class(str(code)).label)


def _percent(part: Json) -> str:
    ratio = Fraction(str(part))
    return formats.percent(Decimal(ratio.numerator) / ratio.denominator)
