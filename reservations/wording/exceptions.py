"""Exceptions to the policy in words: their numbers, what they change, and why one cannot be granted."""

from __future__ import annotations

from fractions import Fraction

from django.utils.translation import gettext as _, ngettext

from common import formats
from reservations.domain.easing import Unfit
from reservations.domain.exact_json import Json
from reservations.wording.told import as_moment


def number_name(number: str) -> str:
    """What a number of the policy is called."""
    return {
        "longest_hours": _("Longest slot"),
        "horizon_days": _("Horizon"),
        "exempt_hours": _("Hours that need no room"),
        "least_factor": _("Least factor of room"),
        "least_node_hours": _("Least room, hours of a whole node"),
        "model_share": _("Part of a model’s hours in a week"),
    }[number]


def number_means(number: str) -> str:
    """What more of it allows, in one sentence."""
    return {
        "longest_hours": _("How long one slot may last."),
        "horizon_days": _("Within how many days a slot is over."),
        "exempt_hours": _("Hours nearer than this need no room and no part of a model."),
        "least_factor": _("How far what was used lowers the room: 1 leaves the whole share."),
        "least_node_hours": _("The room is never less than the largest wanted node for so many hours."),
        "model_share": _("What one project may hold of a device model’s hours in a week, such as 3/4."),
    }[number]


def value_said(number: str, value: Fraction) -> str:
    """`14 d`, `56 days`, `75 %`: never rounded, a part that is no whole per cent stays a fraction."""
    if number == "longest_hours":
        return formats.duration(int(value * 3600))
    if number == "horizon_days":
        return ngettext("%(count)s day", "%(count)s days", int(value)) % {"count": formats.number(int(value))}
    if number in ("exempt_hours", "least_node_hours"):
        return _hours(value)
    if number == "model_share" and (value * 100).denominator == 1:
        return formats.percent(float(value), 0)
    return str(value)


def value_entered(number: str, value: Fraction) -> str:
    """The same in the unit of the policy, in which a steward writes it: `168 hours`."""
    return _hours(value) if number == "longest_hours" else value_said(number, value)


def _hours(value: Fraction) -> str:
    hours = {"count": formats.number(int(value))}
    return ngettext("%(count)s hour", "%(count)s hours", int(value)) % hours


def exception_url(uid: str) -> str:
    """Its line on the page that everybody may read."""
    return f"/exceptions/#e-{uid}"


def told_by_rule(fact: dict[str, Json]) -> str:
    """What a rule's sentence is followed by where an exception has eased the rule."""
    number = str(fact["number"])
    return _(
        "An exception holds for this project until %(until)s: “%(name)s” is %(value)s instead of %(policy)s."
    ) % {
        "until": formats.moment_with_year(as_moment(fact["until"])),
        "name": number_name(number),
        "value": value_said(number, Fraction(str(fact["value"]))),
        "policy": value_said(number, Fraction(str(fact["policy"]))),
    }  # fmt: skip


def unfit(found: Unfit, *, number: str, value: Fraction) -> str:
    """Why a value is no exception: the rule, its limit, what was asked for, and what would work."""
    said = {
        "name": number_name(number),
        "limit": value_said(number, found.limit),
        "value": str(value) if found.code == "not_whole" else value_said(number, value),
    }
    return _sentence(found.code, number) % said


def _sentence(code: str, number: str) -> str:
    if code == "not_whole":
        return _("%(name)s: a whole number; %(value)s was asked for.")
    if code == "not_eased":
        return _("%(name)s: the policy says %(limit)s, and %(value)s would not ease it. More than that does.")
    return {
        "longest_hours": _("%(name)s: at most %(limit)s, as far as the project’s horizon; not %(value)s."),
        "horizon_days": _("%(name)s: at most %(limit)s, for nobody plans further; not %(value)s."),
        "exempt_hours": _("%(name)s: at most %(limit)s, as far as the project’s horizon; not %(value)s."),
        "least_factor": _("%(name)s: at most %(limit)s, the policy’s most factor; not %(value)s."),
        "least_node_hours": _("%(name)s: at most %(limit)s, as far as the project’s horizon; not %(value)s."),
        "model_share": _("%(name)s: at most %(limit)s, which is all there is; not %(value)s."),
    }[number]
