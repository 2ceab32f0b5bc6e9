"""The differences between two policies in words: what changes, from what to what, and what it means."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.utils.dates import WEEKDAYS
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from reservations.domain.calendar import Hours
from reservations.domain.policy_changes import (
    Change,
    DayChange,
    HolidayChange,
    KindChange,
    Number,
    NumberChange,
)
from reservations.wording.policies import class_name, day_minute, policy_number_name, policy_value


@dataclass(frozen=True)
class Difference:
    name: str
    before: str
    after: str
    means: str


def differences(changes: Iterable[Change]) -> tuple[Difference, ...]:
    return tuple(_difference(change) for change in changes)


def _difference(change: Change) -> Difference:
    match change:
        case NumberChange():
            return _of_number(change)
        case DayChange():
            name = _("Peak hours, %(day)s") % {"day": WEEKDAYS[change.weekday]}
            means = _("Hours further ahead count in the cell that their band names from then on.")
            return Difference(name, hours_of_day(change.before), hours_of_day(change.after), means)
        case HolidayChange():
            means = _("By the site’s country, from midnight to midnight of its clocks.")
            return Difference(_("Public holidays"), _holidays(change.before), _holidays(change.after), means)
        case KindChange():
            return Difference(
                class_name(change.class_code), kind_name(change.before), kind_name(change.after),
                _kind_means(change.after),
            )  # fmt: skip


def _of_number(change: NumberChange) -> Difference:
    name, means = policy_number_name(change.name), _means(change)
    if not change.class_code:
        return Difference(
            name, policy_value(change.name, change.before), policy_value(change.name, change.after), means
        )
    return Difference(
        _("%(class)s: %(name)s") % {"class": class_name(change.class_code), "name": name},
        _of_class(change.name, change.before), _of_class(change.name, change.after), means,
    )  # fmt: skip


def _of_class(name: str, value: Number) -> str:
    return _("as everybody") if value is None else policy_value(name, value)


def hours_of_day(hours: Iterable[Hours]) -> str:
    """`08:00–20:00`; without peak hours: `none`."""
    said = [f"{day_minute(one.start_minute)}–{day_minute(one.end_minute)}" for one in hours]
    return ", ".join(said) or _("none")


def weekday_name(weekday: int) -> str:
    return str(capfirst(WEEKDAYS[weekday]))


def kind_name(kind: str) -> str:
    return {
        "public_interest": _("of public interest"),
        "commercial": _("commercial"),
        "": _("neither"),
    }[kind]


def _holidays(are_off_peak: bool | None) -> str:
    if are_off_peak is None:
        return _("none")
    return _("off-peak") if are_off_peak else _("as other days")


def _kind_means(kind: str) -> str:
    return {
        "public_interest": _("The floor is kept for its projects, too."),
        "commercial": _("Its projects share the part of publicly funded nodes that commerce may have."),
        "": _("Its projects keep to what the floor leaves, and no part of a node is closed to them."),
    }[kind]


def _means(change: NumberChange) -> str:
    if change.before is None or change.after is None:
        return _of_whole_rule(change)
    more, less = _MEANS[change.name]
    return (more if change.after > change.before else less)()


def _of_whole_rule(change: NumberChange) -> str:
    if change.class_code:
        if change.after is None:
            return _("The number of everybody holds for this class.")
        return _("This class has a number of its own.")
    return _("This rule ends.") if change.after is None else _("This rule is new.")


# Where the number grows, and where it shrinks.
_MEANS: dict[str, tuple[Callable[[], str], Callable[[], str]]] = {
    "mark_minutes": (
        lambda: _("Slots begin and end at fewer moments."),
        lambda: _("Slots begin and end at more moments, and leave smaller pieces over."),
    ),
    "shortest_minutes": (
        lambda: _("Very short slots are refused."),
        lambda: _("Shorter slots are possible, and leave smaller pieces over."),
    ),
    "longest_hours": (
        lambda: _("One slot may keep a device longer from others."),
        lambda: _("Long work needs several slots."),
    ),
    "horizon_days": (
        lambda: _("Slots can be booked further ahead, and what room is measured by grows with it."),
        lambda: _("Nothing is booked as far ahead; slots that are booked stay."),
    ),
    "exempt_hours": (
        lambda: _("More hours can be taken at short notice without room."),
        lambda: _("Fewer hours can be taken at short notice without room."),
    ),
    "least_factor": (
        lambda: _("Whoever used much keeps more room."),
        lambda: _("Whoever used much is left less room."),
    ),
    "most_factor": (
        lambda: _("Whoever used little gets more room."),
        lambda: _("Whoever used little gets less room."),
    ),
    "least_node_hours": (
        lambda: _("Small projects may hold more."),
        lambda: _("Small projects may hold less."),
    ),
    "model_share": (
        lambda: _("One project may take more of a device model in a week."),
        lambda: _("More projects get at a device model in a week."),
    ),
    "active_days": (
        lambda: _("Shares are parted among more projects: each has less room."),
        lambda: _("Shares are parted among fewer projects: each has more room."),
    ),
    "half_life_hours": (
        lambda: _("Use is remembered longer. As it takes effect, all use is counted again from events."),
        lambda: _("Use is forgotten sooner. As it takes effect, all use is counted again from events."),
    ),
    "free_cancel_hours": (
        lambda: _("Cancelling costs from earlier on. What is booked keeps its own time."),
        lambda: _("Cancelling is free for longer. What is booked keeps its own time."),
    ),
    "floor_share": (
        lambda: _("More is kept for projects of public interest, and others are refused sooner."),
        lambda: _("Less is kept for projects of public interest."),
    ),
    "floor_ahead_hours": (
        lambda: _("What is kept is free to others sooner."),
        lambda: _("What is kept stays so until later."),
    ),
    "commerce_share": (
        lambda: _("Companies may have more of publicly funded nodes."),
        lambda: _("Companies are refused sooner on publicly funded nodes."),
    ),
    "no_show_minutes": (
        lambda: _("An unused slot is released later."),
        lambda: _("An unused slot is released sooner."),
    ),
    "no_show_part": (
        lambda: _("A short unused slot is released later."),
        lambda: _("A short unused slot is released sooner."),
    ),
    "no_shows_most": (
        lambda: _("More no-shows pass without consequence."),
        lambda: _("Fewer no-shows pass without consequence."),
    ),
    "no_show_days": (
        lambda: _("A no-show counts for longer."),
        lambda: _("A no-show is forgotten sooner."),
    ),
    "sanction_days": (
        lambda: _("After too many no-shows, near hours need room for longer."),
        lambda: _("After too many no-shows, near hours need room for a shorter time."),
    ),
}
