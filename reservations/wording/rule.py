"""One rule in words: its code and numbers in, name, sentence, figures and remedy out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from common import formats
from reservations.domain.exact_json import Json
from reservations.domain.rules import IDLE, PASS, REFUSE, Rule

OUTCOMES = {PASS: "passed", REFUSE: "refused", IDLE: "idle"}


@dataclass(frozen=True)
class RuleWords:
    """One rule as a page shows it; `used`, `limit` and `adding` are for a meter, where there is one."""

    code: str
    outcome: str  # passed, refused or idle
    name: str
    text: str
    figures: tuple[str, ...]
    remedy: str
    used: Decimal | None = None
    limit: Decimal | None = None
    adding: Decimal = Decimal(0)


def words(rule: Rule, grants_left: Decimal | None = None) -> RuleWords:
    """One rule in words. `grants_left`: what the grants valid in the slot's hours have left."""
    if rule.code == "budget" and grants_left is not None and rule.verdict == PASS:
        return _budget_kept(rule, grants_left)
    return _WORDS[rule.code](rule)


def name(code: str) -> str:
    """What a rule is called."""
    return {
        "grid": _("On the grid"),
        "order": _("Ends after it starts"),
        "past": _("Not in the past"),
        "length": _("Length"),
        "horizon": _("Horizon"),
        "free": _("Devices free"),
        "price": _("Published price"),
        "room": _("Room"),
        "model_half": _("Half of a model’s hours"),
        "budget": _("Budget"),
        "project_standing": _("Project open"),
        "member_cap": _("Your cap in this project"),
    }[code]


def _told(rule: Rule, text: str, *figures: str, remedy: str = "", **meter: Any) -> RuleWords:
    return RuleWords(
        rule.code,
        OUTCOMES[rule.verdict],
        name(rule.code),
        text,
        figures,
        remedy if rule.refuses else "",
        **meter,
    )


def _grid(rule: Rule) -> RuleWords:
    minutes = rule.limit
    if not rule.refuses:
        return _told(
            rule,
            _("Slots start now or on a %(minutes)s-minute mark, and end on one.") % {"minutes": minutes},
        )
    if not rule.facts["start"] and not rule.facts["end"]:
        text = _("The start and the end are not on a %(minutes)s-minute mark.")
    elif not rule.facts["start"]:
        text = _("The start is not on a %(minutes)s-minute mark, and is not now.")
    else:
        text = _("The end is not on a %(minutes)s-minute mark.")
    remedy = _("%(start)s to %(end)s.") % {"start": _moment(rule, "start"), "end": _moment(rule, "end")}
    return _told(rule, text % {"minutes": minutes}, remedy=remedy)


def _order(rule: Rule) -> RuleWords:
    if not rule.refuses:
        return _told(rule, "")
    remedy = _("An end at %(end)s or later.") % {"end": _moment(rule, "end")}
    return _told(rule, _("The end is not later than the start."), remedy=remedy)


def _past(rule: Rule) -> RuleWords:
    if not rule.refuses:
        return _told(rule, _("The slot starts now or later."))
    text = _("The start is %(ago)s ago.") % {"ago": _length(rule.actual)}
    remedy = _("Start now, or at %(start)s.") % {"start": _moment(rule, "start")}
    return _told(rule, text, remedy=remedy)


def _length_of(rule: Rule) -> RuleWords:
    if rule.verdict == IDLE:
        return _told(rule, _("The slot has no length."))
    bounds = {
        "shortest": _length(rule.facts["shortest"]),
        "actual": _length(rule.actual),
        "limit": _length(rule.limit),
    }
    if not rule.refuses:
        text = _("A slot is between %(shortest)s and %(limit)s long.") % bounds
        return _told(rule, text, _("%(actual)s of at most %(limit)s") % bounds)
    end = {"end": _moment(rule, "end")}
    over = _length(rule.excess)
    if rule.facts["bound"] == "shortest":
        text = _("The shortest slot is %(limit)s; this is %(actual)s.") % bounds
        figures = (
            _("at least %(limit)s") % bounds,
            bounds["actual"],
            _("short by %(excess)s") % {"excess": over},
        )
        return _told(rule, text, *figures, remedy=_("An end at %(end)s.") % end)
    text = _("The longest slot is %(limit)s; this is %(actual)s.") % bounds
    figures = _("at most %(limit)s") % bounds, bounds["actual"], _("over by %(excess)s") % {"excess": over}
    return _told(rule, text, *figures, remedy=_("An end at %(end)s.") % end)


def _horizon(rule: Rule) -> RuleWords:
    days = {"limit": _whole_days(rule.limit), "actual": _days(rule.actual), "excess": _days(rule.excess)}
    latest = {"latest": formats.moment(_as_moment(rule.facts["latest"]))}
    text = _("A slot is over within %(limit)s days, now by %(latest)s.") % {**days, **latest}
    if not rule.refuses:
        return _told(rule, text, _("%(actual)s of %(limit)s days") % days)
    figures = _("limit %(limit)s days") % days, _("ends in %(actual)s") % days, _("over by %(excess)s") % days
    return _told(rule, text, *figures, remedy=_("An end at %(latest)s or before.") % latest)


def _free(rule: Rule) -> RuleWords:
    if rule.verdict == IDLE:
        return _told(rule, "")
    figure = _("%(actual)s of %(limit)s") % {"actual": rule.actual, "limit": rule.limit}
    if not rule.refuses:
        return _told(rule, _("Nobody holds them in that time."), figure)
    holders: Any = rule.facts["holders"]
    text = " ".join(dict.fromkeys(_held_by(holder) for holder in holders))
    remedy = _(
        "No other time within the horizon is free for that long. Take fewer devices or a shorter slot."
    )
    if rule.remedy:
        remedy = _("The same length from %(start)s.") % {"start": _moment(rule, "next_free")}
    return _told(rule, text, figure, remedy=remedy)


def _held_by(holder: dict[str, str]) -> str:
    until = formats.moment(_as_moment(holder["until"]))
    if holder["holder"]:
        return _("Held by %(holder)s until %(until)s.") % {"holder": holder["holder"], "until": until}
    if holder["kind"] == "owner":
        return _("Used by its owner until %(until)s.") % {"until": until}
    return _("Closed for maintenance until %(until)s.") % {"until": until}


def _price(rule: Rule) -> RuleWords:
    figure = _("%(actual)s of %(limit)s") % {"actual": rule.actual, "limit": rule.limit}
    if not rule.refuses:
        return _told(rule, _("Cost and price of every device are published."), figure)
    nodes: Any = rule.facts["nodes"]
    text = _("No cost statement and price in force for: %(nodes)s. Without them nothing is booked.")
    remedy = _("Devices of another node, or the owner publishes both.")
    return _told(rule, text % {"nodes": ", ".join(nodes)}, figure, remedy=remedy)


def _room(rule: Rule) -> RuleWords:
    if rule.verdict == IDLE:
        return _told(
            rule, _("Hours within the next %(hours)s need no room.") % {"hours": rule.facts["exempt_hours"]}
        )
    held, wanted = _decimal(rule.facts["held"]), _decimal(rule.facts["wanted"])
    numbers = {
        "limit": formats.number(rule.limit, 1), "held": formats.number(held, 1),
        "wanted": formats.number(wanted, 1), "hours": rule.facts["exempt_hours"],
    }  # fmt: skip
    text = _(
        "Your project may hold %(limit)s cost-weighted hours later than %(hours)s hours from now. "
        "It holds %(held)s; this would add %(wanted)s."
    )
    remedy = _("Release %(excess)s cost-weighted hours you hold.") % {
        "excess": formats.number(rule.excess, 1)
    }
    if "end" in rule.remedy:
        remedy = _("An end at %(end)s; or release %(excess)s cost-weighted hours you hold.") % {
            "end": _moment(rule, "end"), "excess": formats.number(rule.excess, 1),
        }  # fmt: skip
    return _told(
        rule, text % numbers, *_against(rule), remedy=remedy,
        used=held, limit=_decimal(rule.limit), adding=wanted,
    )  # fmt: skip


def _model_half(rule: Rule) -> RuleWords:
    if rule.verdict == IDLE:
        return _told(
            rule, _("Hours within the next %(hours)s do not count.") % {"hours": rule.facts["exempt_hours"]}
        )
    text = _("One project holds at most %(limit)s device-hours of %(model)s in week %(week)s.") % {
        "limit": formats.number(rule.limit, 1), "model": rule.facts["model"], "week": rule.facts["week"],
    }  # fmt: skip
    remedy = _("Fewer devices, another week or another model.")
    if "end" in rule.remedy:
        remedy = _("An end at %(end)s; or fewer devices, another week or another model.")
        remedy = remedy % {"end": _moment(rule, "end")}
    return _told(rule, text, *_against(rule), remedy=remedy)


def _budget(rule: Rule) -> RuleWords:
    if rule.verdict == IDLE:
        return _told(rule, "")
    price = formats.money(rule.actual)
    if not rule.refuses:
        return _told(rule, _("The price fits in your grants."), price)
    text = _("This costs %(price)s. Grants valid for these hours pay %(limit)s.") % {
        "price": price, "limit": formats.money(rule.limit),
    }  # fmt: skip
    if not rule.facts["grants"]:
        text = _("This costs %(price)s, and your project has no grant yet.") % {"price": price}
    short = _short(rule)
    remedy = _("A grant with %(short)s more for these hours.") % {"short": short}
    if "end" in rule.remedy:
        remedy = _("An end at %(end)s; or a grant with %(short)s more.") % {
            "end": _moment(rule, "end"),
            "short": short,
        }
    remedy = " ".join(filter(None, (remedy, _allowance(rule))))
    figures = (
        _("limit %(limit)s") % {"limit": formats.money(rule.limit)},
        _("needed %(actual)s") % {"actual": price},
        _("short by %(excess)s") % {"excess": short},
    )
    return _told(
        rule, text, *figures, remedy=remedy,
        used=Decimal(0), limit=_decimal(rule.limit), adding=_decimal(rule.actual),
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


def _short(rule: Rule) -> str:
    """`EUR 12.00`, and the device-hours where a grant counts them."""
    short = formats.money(rule.excess)
    if "short_hours" not in rule.facts:
        return short
    return _("%(money)s and %(hours)s device-hours") % {
        "money": short,
        "hours": formats.number(_decimal(rule.facts["short_hours"]), 2),
    }


def _budget_kept(rule: Rule, grants_left: Decimal) -> RuleWords:
    figure = _("%(actual)s of %(limit)s") % {
        "actual": formats.money(rule.actual), "limit": formats.money(grants_left),
    }  # fmt: skip
    return _told(rule, _("Grants valid for these hours have that much left."), figure)


def _project_standing(rule: Rule) -> RuleWords:
    if rule.facts["suspended"]:
        text = _("A steward has suspended this project: nothing is booked for it.")
        remedy = _("Another project of yours; or its leads answer the reason that stands on its page.")
        return _told(rule, text, remedy=remedy)
    if rule.limit is None:
        return _told(rule, _("The project is open and has no end."))
    until = {"until": formats.moment(_as_moment(rule.limit))}
    text = _("The project ends on %(until)s, and no slot ends later.") % until
    if not rule.refuses:
        return _told(rule, text)
    remedy = _("Another project of yours; or its leads ask a steward for a later end.")
    if "end" in rule.remedy:
        remedy = _("An end at %(end)s; or the leads ask a steward for a later end of the project.") % {
            "end": _moment(rule, "end")
        }
    return _told(rule, text, _("over by %(excess)s days") % {"excess": _days(rule.excess)}, remedy=remedy)


def _member_cap(rule: Rule) -> RuleWords:
    month = formats.month(datetime.strptime(f"{rule.facts['month']}-01Z", "%Y-%m-%d%z"))
    if rule.verdict == IDLE:
        return _told(rule, "")
    held, wanted = _decimal(rule.facts["held"]), _decimal(rule.facts["wanted"])
    text = _(
        "The project’s leads let you book %(limit)s device-hours of slots that begin in %(month)s. "
        "You have booked %(held)s; this would add %(wanted)s."
    ) % {
        "limit": formats.number(rule.limit, 1), "month": month,
        "held": formats.number(held, 1), "wanted": formats.number(wanted, 1),
    }  # fmt: skip
    remedy = _("Cancel a slot of yours, begin in another month, or ask a lead for a higher cap.")
    if "end" in rule.remedy:
        remedy = _("An end at %(end)s; or cancel a slot of yours, or ask a lead for a higher cap.") % {
            "end": _moment(rule, "end")
        }
    return _told(
        rule, text, *_against(rule), remedy=remedy, used=held, limit=_decimal(rule.limit), adding=wanted
    )


_WORDS: dict[str, Callable[[Rule], RuleWords]] = {
    "grid": _grid, "order": _order, "past": _past, "length": _length_of, "horizon": _horizon, "free": _free,
    "price": _price, "room": _room, "model_half": _model_half, "budget": _budget,
    "project_standing": _project_standing, "member_cap": _member_cap,
}  # fmt: skip


def _against(rule: Rule) -> tuple[str, ...]:
    limit, actual = formats.number(rule.limit, 1), formats.number(rule.actual, 1)
    if not rule.refuses:
        return (_("%(actual)s of %(limit)s") % {"actual": actual, "limit": limit},)
    return (
        _("limit %(limit)s") % {"limit": limit},
        _("would be %(actual)s") % {"actual": actual},
        _("over by %(excess)s") % {"excess": formats.number(rule.excess, 1)},
    )


def _moment(rule: Rule, name: str) -> str:
    return formats.moment(_as_moment(rule.remedy[name]))


def _as_moment(value: Json) -> datetime:
    return datetime.fromisoformat(str(value))


def _decimal(value: Json) -> Decimal:
    return Decimal(str(value))


def _length(hours: Json) -> str:
    return formats.duration(int(_decimal(hours) * 3600))


def _whole_days(days: Json) -> str:
    """`28`, or `27.5` where a policy says so."""
    return formats.number(_decimal(days or 0).normalize())


def _days(days: Json) -> str:
    return formats.number(_decimal(days or 0), 1)
