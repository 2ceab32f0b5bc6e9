"""The rules of what a project and its members may hold in words."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _, ngettext

from common import formats
from reservations.domain.rules import IDLE, Rule
from reservations.domain.slots import Week
from reservations.wording.told import (
    RuleWords,
    against,
    as_moment,
    days,
    decimal,
    moment,
    places,
    told,
)


def room(rule: Rule) -> RuleWords:
    if rule.verdict == IDLE:
        return told(
            rule, _("Hours within the next %(hours)s need no room.") % {"hours": rule.facts["exempt_hours"]}
        )
    held, wanted, shown = decimal(rule.facts["held"]), decimal(rule.facts["wanted"]), places(rule)
    numbers = {
        "limit": formats.number(rule.limit, shown), "held": formats.number(held, shown),
        "wanted": formats.number(wanted, shown), "hours": rule.facts["exempt_hours"],
    }  # fmt: skip
    text = _(
        "Your project may hold %(limit)s cost-weighted hours later than %(hours)s hours from now. "
        "It holds %(held)s; this would add %(wanted)s."
    )
    if "sanction_until" in rule.facts:
        numbers |= {
            "until": formats.moment(as_moment(rule.facts["sanction_until"])),
            "count": rule.facts["no_shows"],
        }
        text = _(
            "Your project may hold %(limit)s cost-weighted hours. It holds %(held)s; this would add "
            "%(wanted)s. You did not come to %(count)s slots: until %(until)s your hours within the next "
            "%(hours)s count, too."
        )
    remedy = _("Release %(excess)s cost-weighted hours you hold.") % {
        "excess": formats.number(rule.excess, shown)
    }
    if "end" in rule.remedy:
        remedy = _("An end at %(end)s; or release %(excess)s cost-weighted hours you hold.") % {
            "end": moment(rule, "end"), "excess": formats.number(rule.excess, shown),
        }  # fmt: skip
    return told(
        rule, text % numbers, *against(rule), remedy=remedy,
        used=held, limit=decimal(rule.limit), adding=wanted,
    )  # fmt: skip


def model_half(rule: Rule) -> RuleWords:
    if rule.verdict == IDLE:
        return told(
            rule, _("Hours within the next %(hours)s do not count.") % {"hours": rule.facts["exempt_hours"]}
        )
    week = Week.parse(str(rule.facts["week"]))
    text = _(
        "One project holds at most %(limit)s of %(model)s in week %(week)s, from %(start)s to %(end)s."
    ) % {
        "limit": formats.device_hours(rule.limit, places(rule)), "model": rule.facts["model"], "week": week,
        "start": formats.moment(week.start), "end": formats.moment(week.end),
    }  # fmt: skip
    remedy = _("Fewer devices, another week or another model.")
    if "end" in rule.remedy:
        remedy = _("An end at %(end)s; or fewer devices, another week or another model.")
        remedy = remedy % {"end": moment(rule, "end")}
    return told(rule, text, *against(rule), remedy=remedy)


def project_standing(rule: Rule) -> RuleWords:
    if rule.facts["suspended"]:
        text = _("A steward has suspended this project: nothing is booked for it.")
        remedy = _("Another project of yours; or its leads answer the reason that stands on its page.")
        return told(rule, text, remedy=remedy)
    if rule.limit is None:
        return told(rule, _("The project is open and has no end."))
    until = {"until": formats.moment(as_moment(rule.limit))}
    text = _("The project ends on %(until)s, and no slot ends later.") % until
    if not rule.refuses:
        return told(rule, text)
    remedy = _("Another project of yours; or its leads ask a steward for a later end.")
    if "end" in rule.remedy:
        remedy = _("An end at %(end)s; or the leads ask a steward for a later end of the project.") % {
            "end": moment(rule, "end")
        }
    over = ngettext("over by %(excess)s day", "over by %(excess)s days", _plural(decimal(rule.excess)))
    return told(rule, text, over % {"excess": days(rule.excess)}, remedy=remedy)


def _plural(amount: Decimal) -> int:
    """Parts are plural in English and, up to two, singular in French: as none is."""
    shown = round(amount, 1)
    return int(shown) if shown >= 2 or shown == 1 else 0


def member_cap(rule: Rule) -> RuleWords:
    month = formats.month(datetime.strptime(f"{rule.facts['month']}-01Z", "%Y-%m-%d%z"))
    if rule.verdict == IDLE:
        return told(rule, "")
    held, wanted, shown = decimal(rule.facts["held"]), decimal(rule.facts["wanted"]), places(rule)
    text = _(
        "The project’s leads let you book %(limit)s of slots that begin in %(month)s. "
        "You have booked %(held)s; this would add %(wanted)s."
    ) % {
        "limit": formats.device_hours(rule.limit, shown), "month": month,
        "held": formats.number(held, shown), "wanted": formats.number(wanted, shown),
    }  # fmt: skip
    remedy = _("Cancel a slot of yours, begin in another month, or ask a lead for a higher cap.")
    if "end" in rule.remedy:
        remedy = _("An end at %(end)s; or cancel a slot of yours, or ask a lead for a higher cap.") % {
            "end": moment(rule, "end")
        }
    return told(
        rule, text, *against(rule), remedy=remedy, used=held, limit=decimal(rule.limit), adding=wanted
    )
