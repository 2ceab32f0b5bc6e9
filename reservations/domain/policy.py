"""Every number of the rules, in one immutable value that is published as JSON.

A policy that says nothing of a rule has no such rule, so what was published before there was one reads,
digests and decides as it did. Whether the numbers make sense is for reservations.domain.linter.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

from reservations.domain import calendar, exact_json
from reservations.domain.calendar import Calendar
from reservations.domain.exact_json import Json, newer

# accounts.models.Project.Class, in its order.
CLASSES = ("research", "student", "citizen", "public", "startup", "industry", "independent")
PUBLIC_INTEREST = ("student", "citizen", "public")
COMMERCIAL = ("startup", "industry")


@dataclass(frozen=True)
class ClassNumbers:
    """What holds for the projects of a class. None: as for everybody."""

    code: str
    is_public_interest: bool = False  # the floor is kept for it
    is_commercial: bool = False  # what commerce may have of a publicly funded node binds it
    longest_hours: int | None = None
    horizon_days: int | None = None
    exempt_hours: int | None = None
    least_factor: Fraction | None = None
    most_factor: Fraction | None = None
    least_node_hours: int | None = None
    model_share: Fraction | None = None
    free_cancel_hours: int | None = None

    @property
    def own(self) -> dict[str, int | Fraction]:
        """The numbers that it has for itself, by their names in the policy."""
        named = ((name, getattr(self, name)) for name in BY_CLASS)
        return {name: value for name, value in named if value is not None}


# The numbers of the policy that a class can have for itself, in the order of the policy.
BY_CLASS = tuple(
    member.name
    for member in fields(ClassNumbers)
    if member.name not in ("code", "is_public_interest", "is_commercial")
)


@dataclass(frozen=True)
class Policy:
    """The defaults are those of docs/fair-share.md; a steward publishes others, with a reason."""

    mark_minutes: int = 15  # slots start now or on a mark, and end on one
    shortest_minutes: int = 30
    longest_hours: int = 168
    horizon_days: int = 28
    exempt_hours: int = 24  # hours nearer than this need no room
    least_factor: Fraction = Fraction(1, 2)
    most_factor: Fraction = Fraction(2)
    least_node_hours: int = 8  # room is never less than one whole node for this long
    model_share: Fraction = Fraction(1, 2)  # of a device model's hours in a week, for one project
    active_days: int = 28  # room is shared among those active in this time
    half_life_hours: int = 336
    free_cancel_hours: int = 24

    # Of each device model's hours, in peak and in off-peak hours of a week, what other projects leave to
    # those of public interest; counted are hours further ahead than this when they are granted.
    floor_share: Fraction | None = newer()
    floor_ahead_hours: int | None = newer()
    peak: Calendar | None = newer()
    commerce_share: Fraction | None = newer()  # of a publicly funded node's hours, a quarter and a year
    # Without a run or check-in for so long, or for this part of the slot, the rest is released.
    no_show_minutes: int | None = newer()
    no_show_part: Fraction | None = newer()
    # So many within so many days: for so long hours within the exempt ones need room, too.
    no_shows_most: int | None = newer()
    no_show_days: int | None = newer()
    sanction_days: int | None = newer()
    classes: tuple[ClassNumbers, ...] = newer(())

    def of_class(self, code: str | None) -> ClassNumbers | None:
        return next((numbers for numbers in self.classes if numbers.code == code), None)

    def for_class(self, code: str | None) -> Policy:
        """The numbers as they are for projects of a class, before any exception."""
        numbers = self.of_class(code)
        changes: dict[str, Any] = {**numbers.own} if numbers else {}
        return replace(self, **changes) if changes else self

    def is_public_interest(self, code: str | None) -> bool:
        numbers = self.of_class(code)
        return numbers is not None and numbers.is_public_interest

    def is_commercial(self, code: str | None) -> bool:
        numbers = self.of_class(code)
        return numbers is not None and numbers.is_commercial

    @property
    def mark(self) -> timedelta:
        return timedelta(minutes=self.mark_minutes)

    @property
    def shortest(self) -> timedelta:
        return timedelta(minutes=self.shortest_minutes)

    @property
    def longest(self) -> timedelta:
        return timedelta(hours=self.longest_hours)

    @property
    def horizon(self) -> timedelta:
        return timedelta(days=self.horizon_days)

    @property
    def exempt(self) -> timedelta:
        return timedelta(hours=self.exempt_hours)

    @property
    def active(self) -> timedelta:
        return timedelta(days=self.active_days)

    @property
    def half_life(self) -> timedelta:
        return timedelta(hours=self.half_life_hours)

    @property
    def free_cancel(self) -> timedelta:
        return timedelta(hours=self.free_cancel_hours)

    def to_json(self) -> dict[str, Json]:
        written = exact_json.written(self)
        assert isinstance(written, dict)
        return written

    @classmethod
    def from_json(cls, rules: Json) -> Policy:
        """Raises ValueError, TypeError or KeyError unless every number is there and no other is."""
        return exact_json.read(cls, rules)

    @property
    def digest(self) -> str:
        return exact_json.digest(self.to_json())


def standard() -> Policy:
    """The policy with every rule, as a fresh site publishes it first."""
    return Policy(
        floor_share=Fraction(1, 5),
        floor_ahead_hours=48,
        peak=calendar.standard(),
        commerce_share=Fraction(1, 5),
        no_show_minutes=30,
        no_show_part=Fraction(1, 2),
        no_shows_most=3,
        no_show_days=30,
        sanction_days=14,
        classes=tuple(
            ClassNumbers(code, is_public_interest=code in PUBLIC_INTEREST, is_commercial=code in COMMERCIAL)
            for code in CLASSES
        ),
    )
