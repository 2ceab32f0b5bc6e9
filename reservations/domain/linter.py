"""What is wrong with a policy, all of it at once: nothing degenerate is published. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from itertools import chain
from math import ceil

from reservations.domain.calendar import KINDS, Calendar, Hours, gaps, overlaps
from reservations.domain.policy import BY_CLASS, CLASSES, ClassNumbers, Policy

NUMBERS = tuple(field.name for field in fields(Policy) if field.name not in ("peak", "classes"))
_AT_LEAST_ZERO = {"exempt_hours", "least_node_hours", "free_cancel_hours"}
# Rules of several numbers: all of them, or none.
_TOGETHER = (
    ("floor_share", "floor_ahead_hours"),
    ("no_show_minutes", "no_show_part"),
    ("no_shows_most", "no_show_days", "sanction_days"),
)
# Nobody remembers a no-show for longer, and days stay in the calendar.
LONGEST_DAYS = 366
# Of whole numbers: moments stay in the calendar.
LARGEST = 100_000
# Beneath these nothing is left of a rule, or of what a project may do. Of parts and factors one in a hundred
# still lets somebody book; use that is forgotten within less than a day is hardly counted at all.
LEAST: Mapping[str, int | Fraction] = {
    "least_factor": Fraction(1, 100),
    "most_factor": Fraction(1, 100),
    "model_share": Fraction(1, 100),
    "half_life_hours": 24,
    "floor_share": Fraction(1, 100),
    "commerce_share": Fraction(1, 1000),
}
# A floor of more leaves other projects next to nothing.
LARGEST_FLOOR = Fraction(9, 10)
# Whoever comes a little late still has their slot; sweeps look around every minute.
LEAST_PATIENCE = 10  # minutes, in the shortest slot there can be


@dataclass(frozen=True)
class Fault:
    """Why a policy cannot be published. `code` chooses the sentence in reservations.wording."""

    code: str
    field: str  # as in the policy; of a class, "classes.student.longest_hours"
    value: str
    other: str = ""  # the field it clashes with
    limit: str = ""  # the nearest value that would do, in the field's own unit
    hours: Hours | None = None  # of the week, where the calendar is at fault
    class_code: str = ""  # whose number it is; empty: everybody's


def lint(policy: Policy) -> list[Fault]:
    """Every fault, in the order of the fields."""
    places = {name: place for place, name in enumerate(field.name for field in fields(policy))}
    found = chain(
        _of_numbers(policy, NUMBERS),
        _incomplete(policy),
        _of_floor(policy),
        _of_commerce(policy),
        _of_no_shows(policy),
        _of_calendar(policy.peak) if policy.peak else (),
        _of_classes(policy),
    )
    return sorted(found, key=lambda fault: places[fault.field.partition(".")[0]])


# --- numbers, one by one and two by two --------------------------------------------------------------
def _of_numbers(policy: Policy, names: Sequence[str]) -> Iterator[Fault]:
    for name in names:
        value = getattr(policy, name)
        if value is not None:
            yield from _out_of_bounds(name, value)
    if not any(isinstance(value, int) and value > LARGEST for value in _all_of(policy)):
        yield from (fault for fault in _clashes(policy) if fault.field in names or fault.other in names)


def _all_of(policy: Policy) -> Iterator[int | Fraction]:
    return (value for name in NUMBERS if (value := getattr(policy, name)) is not None)


def _out_of_bounds(name: str, value: int | Fraction) -> Iterator[Fault]:
    least = LEAST.get(name, 0 if name in _AT_LEAST_ZERO else 1 if isinstance(value, int) else 0)
    if value < least or (not value and name not in _AT_LEAST_ZERO):
        limit = str(least) if least or name in _AT_LEAST_ZERO else ""
        yield Fault(_TOO_SMALL.get(name, "too_small"), name, str(value), limit=limit)
    if name in _PARTS and value > 1:
        yield Fault(_PARTS[name], name, str(value), limit="1")
    if name in ("no_show_days", "sanction_days") and value > LONGEST_DAYS:
        yield Fault("too_large", name, str(value), limit=str(LONGEST_DAYS))
    elif isinstance(value, int) and value > LARGEST:
        yield Fault("too_large", name, str(value), limit=str(LARGEST))


_TOO_SMALL = {"half_life_hours": "half_life_of_nothing", "floor_share": "floor_of_nothing"}
_PARTS = {
    "model_share": "more_than_all",
    "floor_share": "floor_above_capacity",
    "commerce_share": "more_than_all",
    "no_show_part": "more_than_all",
}


def _clashes(policy: Policy) -> Iterator[Fault]:
    # Free time is looked for on quarter hours; other marks would offer slots that rules then refuse.
    if policy.mark_minutes > 0 and (policy.mark_minutes % 15 or 1440 % policy.mark_minutes):
        yield Fault("mark_does_not_fit_a_day", "mark_minutes", str(policy.mark_minutes))
    elif policy.mark_minutes > 0 and policy.shortest_minutes % policy.mark_minutes:
        yield Fault("not_on_marks", "shortest_minutes", str(policy.shortest_minutes), "mark_minutes")
    for smaller, larger, times in _ORDERS:
        low, high = getattr(policy, smaller), getattr(policy, larger)
        if low > high * times:
            code = "more_than" if isinstance(low, Fraction) else "longer_than"
            yield Fault(code, smaller, str(low), larger, str(high * times))
    # Who has no room left can still book: hours that are near, or on the node that room never falls below.
    missing = policy.shortest_minutes - 60 * (policy.exempt_hours + policy.least_node_hours)
    if missing > 0:
        least = str(policy.least_node_hours + ceil(Fraction(missing, 60)))
        yield Fault(
            "room_for_nothing", "least_node_hours", str(policy.least_node_hours), "exempt_hours", least
        )


# What is never longer than what, and how many of the first unit the second one is.
_ORDERS = (
    ("shortest_minutes", "longest_hours", 60),
    ("longest_hours", "horizon_days", 24),
    ("exempt_hours", "horizon_days", 24),
    ("least_factor", "most_factor", 1),
)


def _incomplete(policy: Policy) -> Iterator[Fault]:
    for names in _TOGETHER:
        said = [name for name in names if getattr(policy, name) is not None]
        if said:
            yield from (Fault("goes_with", name, "", said[0]) for name in names if name not in said)


# --- floor, commerce, no-shows -----------------------------------------------------------------------
def _of_floor(policy: Policy) -> Iterator[Fault]:
    if policy.floor_share is not None:
        if LARGEST_FLOOR < policy.floor_share <= 1:
            most = str(LARGEST_FLOOR)
            yield Fault("floor_of_everything", "floor_share", str(policy.floor_share), limit=most)
        if policy.peak is None:
            yield Fault("floor_without_calendar", "peak", "", "floor_share")
        if not any(numbers.is_public_interest for numbers in policy.classes):
            yield Fault("floor_for_nobody", "floor_share", str(policy.floor_share), "classes")
    ahead = policy.floor_ahead_hours
    if ahead is not None and ahead > policy.horizon_days * 24:
        most = str(policy.horizon_days * 24)
        yield Fault("longer_than", "floor_ahead_hours", str(ahead), "horizon_days", most)


def _of_commerce(policy: Policy) -> Iterator[Fault]:
    if policy.commerce_share is not None and not any(numbers.is_commercial for numbers in policy.classes):
        yield Fault("commerce_of_nobody", "commerce_share", str(policy.commerce_share), "classes")


def _of_no_shows(policy: Policy) -> Iterator[Fault]:
    minutes = policy.no_show_minutes
    if minutes is not None and minutes > policy.longest_hours * 60:
        yield Fault(
            "longer_than", "no_show_minutes", str(minutes), "longest_hours", str(policy.longest_hours * 60)
        )
    if minutes is not None and 0 < minutes < LEAST_PATIENCE:
        yield Fault("too_little_patience", "no_show_minutes", str(minutes), limit=str(LEAST_PATIENCE))
    part = policy.no_show_part
    if part is not None and part > 0 and policy.shortest_minutes > 0:
        least = min(Fraction(1), Fraction(LEAST_PATIENCE, policy.shortest_minutes))
        if part < least:
            yield Fault("too_small_a_part", "no_show_part", str(part), "shortest_minutes", str(least))
    if policy.no_shows_most is not None and minutes is None:
        yield Fault("goes_with", "no_show_minutes", "", "no_shows_most")


# --- the calendar ------------------------------------------------------------------------------------
def _of_calendar(peak: Calendar) -> Iterator[Fault]:
    for band in peak.bands:
        hours = Hours(band.weekday, band.start_minute, band.end_minute)
        if not hours.exist:
            yield Fault("no_such_hours", "peak", f"{band.weekday} {band.start_minute}-{band.end_minute}")
        elif band.kind not in KINDS:
            yield Fault("no_such_kind", "peak", band.kind, hours=hours)
    yield from (Fault("gap", "peak", "", hours=hours) for hours in gaps(peak))
    yield from (Fault("overlap", "peak", "", hours=hours) for hours in overlaps(peak))


# --- numbers by project class ------------------------------------------------------------------------
def _of_classes(policy: Policy) -> Iterator[Fault]:
    if not policy.classes:
        return
    named = Counter(numbers.code for numbers in policy.classes)
    for code, times in named.items():
        if code not in CLASSES:
            yield Fault("unknown_class", "classes", code)
        elif times > 1:
            yield Fault("class_twice", f"classes.{code}", code, class_code=code)
    yield from (Fault("class_missing", "classes", code) for code in CLASSES if code not in named)
    for numbers in policy.classes:
        yield from _of_class(policy, numbers)


def _of_class(policy: Policy, numbers: ClassNumbers) -> Iterator[Fault]:
    """What is wrong with the policy as it is for the class, and is not so for everybody."""
    code, own = numbers.code, tuple(name for name in BY_CLASS if name in numbers.own)
    if numbers.is_public_interest and numbers.is_commercial:
        yield Fault("both_kinds", f"classes.{code}", code, class_code=code)
    for_everybody = {(fault.code, fault.field) for fault in _of_numbers(policy, NUMBERS)}
    for fault in _of_numbers(policy.for_class(code), own):
        if fault.field in own:
            yield replace(fault, field=f"classes.{code}.{fault.field}", class_code=code)
        elif (fault.code, fault.field) not in for_everybody:
            yield _backwards(fault, numbers)


def _backwards(fault: Fault, numbers: ClassNumbers) -> Fault:
    """Everybody's number does not go with the class's: it is the class's that is too small."""
    if fault.code == "room_for_nothing":
        needed = int(fault.limit) - int(fault.value) + numbers.own["exempt_hours"]
        return Fault(
            fault.code, f"classes.{numbers.code}.exempt_hours", str(numbers.own["exempt_hours"]), fault.field,
            str(needed), class_code=numbers.code,
        )  # fmt: skip
    (times,) = (
        times for smaller, larger, times in _ORDERS if (smaller, larger) == (fault.field, fault.other)
    )
    least = Fraction(fault.value) / times
    return Fault(
        "less_than" if times == 1 else "shorter_than",
        f"classes.{numbers.code}.{fault.other}",
        str(numbers.own[fault.other]),
        fault.field,
        str(least if times == 1 else ceil(least)),
        class_code=numbers.code,
    )
