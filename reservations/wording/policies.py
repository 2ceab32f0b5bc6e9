"""A policy in words: what its numbers are called and come to, and why one cannot be published."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from django.utils.dates import WEEKDAYS
from django.utils.text import capfirst
from django.utils.translation import gettext as _, ngettext

from accounts.models import Project
from common import formats
from reservations.domain.calendar import OFF_PEAK, PEAK, Hours
from reservations.domain.easing import NUMBERS
from reservations.domain.linter import Fault
from reservations.wording import exceptions

MINUTES, HOURS, DAYS, PART, FACTOR, TIMES = "minutes", "hours", "days", "part", "factor", "times"
# In which unit each number of the policy is written.
UNITS = {
    "mark_minutes": MINUTES,
    "shortest_minutes": MINUTES,
    "longest_hours": HOURS,
    "horizon_days": DAYS,
    "exempt_hours": HOURS,
    "least_factor": FACTOR,
    "most_factor": FACTOR,
    "least_node_hours": HOURS,
    "model_share": PART,
    "active_days": DAYS,
    "half_life_hours": HOURS,
    "free_cancel_hours": HOURS,
    "floor_share": PART,
    "floor_ahead_hours": HOURS,
    "commerce_share": PART,
    "no_show_minutes": MINUTES,
    "no_show_part": PART,
    "no_shows_most": TIMES,
    "no_show_days": DAYS,
    "sanction_days": DAYS,
}


def policy_number_name(name: str) -> str:
    """What a number of the policy is called."""
    if name in NUMBERS:
        return exceptions.number_name(name)
    return {
        "mark_minutes": _("Marks"),
        "shortest_minutes": _("Shortest slot"),
        "most_factor": _("Most factor of room"),
        "active_days": _("Time in which a project counts as active"),
        "half_life_hours": _("Half-life of use"),
        "free_cancel_hours": _("Free cancelling until before the start"),
        "floor_share": _("Public-interest floor"),
        "floor_ahead_hours": _("Floor counts hours further ahead than"),
        "peak": _("Peak hours"),
        "commerce_share": _("Most for commerce"),
        "no_show_minutes": _("No-show after"),
        "no_show_part": _("No-show after this part of the slot"),
        "no_shows_most": _("No-shows that are too many"),
        "no_show_days": _("No-shows are counted over"),
        "sanction_days": _("Near hours need room for"),
        "classes": _("Numbers by project class"),
    }[name]


def unit_name(name: str) -> str:
    """In which unit a number is entered."""
    return {
        MINUTES: _("minutes"),
        HOURS: _("hours"),
        DAYS: _("days"),
        PART: _("part of all, such as 1/5"),
        FACTOR: _("factor, such as 1/2"),
        TIMES: _("times"),
    }[UNITS[name]]


def policy_value(name: str, value: int | Fraction | None) -> str:
    """`168 hours`, `20 %`, `1/2`; nothing where there is no such rule."""
    if value is None:
        return _("none")
    unit = UNITS[name]
    if unit == PART and (value * 100) % 1 == 0:
        return formats.percent(float(value), 0)
    if unit in (PART, FACTOR):
        return str(value)
    return _counted(unit, int(value))


def _counted(unit: str, count: int) -> str:
    said = {"count": formats.number(count)}
    return {
        MINUTES: ngettext("%(count)s minute", "%(count)s minutes", count),
        HOURS: ngettext("%(count)s hour", "%(count)s hours", count),
        DAYS: ngettext("%(count)s day", "%(count)s days", count),
        TIMES: ngettext("%(count)s time", "%(count)s times", count),
    }[unit] % said


def band_kind(kind: str) -> str:
    return {PEAK: _("peak"), OFF_PEAK: _("off-peak")}[kind]


def week_hours(hours: Hours) -> str:
    """`Tuesday 08:00–09:00`."""
    return (
        f"{capfirst(WEEKDAYS[hours.weekday])} {day_minute(hours.start_minute)}–{day_minute(hours.end_minute)}"
    )


def day_minute(minute: int) -> str:
    """`08:00`; a day ends at 24:00."""
    return f"{minute // 60:02}:{minute % 60:02}"


def class_name(code: str) -> str:
    """Of a project class; a code that there is none of stays as it is."""
    return str(dict(Project.Class.choices).get(code, code))


def fault(fault: Fault) -> str:
    """Why a policy cannot be published, and what would work."""
    name = fault.field.rpartition(".")[2]
    is_number = name in UNITS
    said = {
        "value": _value(name, fault.value) if is_number else fault.value,
        "limit": _value(name, fault.limit) if is_number and fault.limit else fault.limit,
        "other": policy_number_name(fault.other) if fault.other else "",
        "hours": week_hours(fault.hours) if fault.hours else "",
        "class": class_name(fault.class_code or fault.value),
    }
    return _sentence(fault) % said


def _value(name: str, value: str) -> str:
    return policy_value(name, Fraction(value) if value else None)


def _sentence(fault: Fault) -> str:
    if fault.code == "too_small":
        return (
            _("%(value)s is too small; at least %(limit)s.")
            if fault.limit
            else _("%(value)s is too small; it has to be more than 0.")
        )
    return _SENTENCES[fault.code]()


_SENTENCES: dict[str, Callable[[], str]] = {
    "half_life_of_nothing": lambda: _(
        "A half-life of %(value)s forgets nearly everything at once: fair share would be off."
        " At least %(limit)s."
    ),
    "too_large": lambda: _("%(value)s is too much; at most %(limit)s."),
    "more_than_all": lambda: _("%(value)s is more than all there is; at most %(limit)s."),
    "mark_does_not_fit_a_day": lambda: _(
        "Marks every %(value)s do not fit a day in whole quarter hours; 15, 30 or 60 minutes do."
    ),
    "not_on_marks": lambda: _("%(value)s do not end on a mark."),
    "longer_than": lambda: _("%(value)s is longer than “%(other)s” allows; at most %(limit)s."),
    "more_than": lambda: _("%(value)s is more than “%(other)s”; at most %(limit)s."),
    "shorter_than": lambda: _("%(value)s is too short for “%(other)s”; at least %(limit)s."),
    "less_than": lambda: _("%(value)s is less than “%(other)s”; at least %(limit)s."),
    "goes_with": lambda: _("“%(other)s” says nothing without this number: give both, or leave both empty."),
    "floor_of_nothing": lambda: _(
        "A floor of %(value)s keeps nothing. More than 0 does, such as 1/5; empty, there is no floor."
    ),
    "floor_above_capacity": lambda: _(
        "A floor of %(value)s is more than there is. Less than 1, such as 1/5, leaves something to others."
    ),
    "floor_of_everything": lambda: _(
        "A floor of %(value)s leaves other projects next to nothing; at most %(limit)s."
    ),
    "room_for_nothing": lambda: _(
        "%(value)s: with this and “%(other)s” together, a project without room left could not book the"
        " shortest slot. At least %(limit)s here."
    ),
    "too_little_patience": lambda: _(
        "After %(value)s nobody can be called a no-show: who is a little late would lose the slot."
        " At least %(limit)s."
    ),
    "too_small_a_part": lambda: _(
        "%(value)s of the shortest slot is over before anybody can come: 10 minutes of it are the least."
        " At least %(limit)s."
    ),
    "floor_without_calendar": lambda: _(
        "The floor is kept in peak and in off-peak hours: say which hours are peak, or leave the floor empty."
    ),
    "floor_for_nobody": lambda: _(
        "No project class is of public interest, so nobody could use the floor: mark one, or leave it empty."
    ),
    "commerce_of_nobody": lambda: _(
        "No project class is commercial, so this binds nobody: mark one, or leave it empty."
    ),
    "no_such_hours": lambda: _(
        "There are no such hours: %(value)s. A band lies within a day, 00:00 to 24:00, and ends after it"
        " begins."
    ),
    "no_such_kind": lambda: _("%(hours)s: a band is “peak” or “off_peak”, not “%(value)s”."),
    "gap": lambda: _("%(hours)s is in no band: make it peak or off-peak."),
    "overlap": lambda: _("%(hours)s is in two bands: shorten one of them."),
    "unknown_class": lambda: _("There is no project class “%(value)s”."),
    "class_twice": lambda: _("The class “%(class)s” is named twice; once is enough."),
    "class_missing": lambda: _("The class “%(class)s” is missing: each is named, if only as everybody is."),
    "both_kinds": lambda: _("“%(class)s” is of public interest or commercial, not both."),
}
