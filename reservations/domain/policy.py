"""Every number of the rules, in one immutable value that is published as JSON, and its linter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import timedelta
from fractions import Fraction

from reservations.domain import exact_json
from reservations.domain.exact_json import Json


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


@dataclass(frozen=True)
class Fault:
    """Why a policy cannot be published. `code` chooses the sentence in reservations.wording."""

    code: str
    field: str
    value: str
    other: str = ""  # the field it clashes with


def lint(policy: Policy) -> list[Fault]:
    """Every fault at once, in the order of the fields."""
    return [*_out_of_bounds(policy), *_clashes(policy)]


def _out_of_bounds(policy: Policy) -> Iterator[Fault]:
    at_least_zero = {"exempt_hours", "least_node_hours", "free_cancel_hours"}
    for field in fields(policy):
        value = getattr(policy, field.name)
        if value < 0 or (not value and field.name not in at_least_zero):
            code = "half_life_of_nothing" if field.name == "half_life_hours" else "too_small"
            yield Fault(code, field.name, str(value))
    if policy.model_share > 1:
        yield Fault("more_than_all", "model_share", str(policy.model_share))


def _clashes(policy: Policy) -> Iterator[Fault]:
    # Free time is looked for on quarter hours; other marks would offer slots that rules then refuse.
    if policy.mark_minutes > 0 and (policy.mark_minutes % 15 or 1440 % policy.mark_minutes):
        yield Fault("mark_does_not_fit_a_day", "mark_minutes", str(policy.mark_minutes))
    elif policy.mark_minutes > 0 and policy.shortest_minutes % policy.mark_minutes:
        yield Fault("not_on_marks", "shortest_minutes", str(policy.shortest_minutes), "mark_minutes")
    orders = [
        ("shortest_minutes", policy.shortest, "longest_hours", policy.longest),
        ("longest_hours", policy.longest, "horizon_days", policy.horizon),
        ("exempt_hours", policy.exempt, "horizon_days", policy.horizon),
    ]
    for smaller, low, larger, high in orders:
        if low > high:
            yield Fault("longer_than", smaller, str(getattr(policy, smaller)), larger)
    if policy.least_factor > policy.most_factor:
        yield Fault("more_than", "least_factor", str(policy.least_factor), "most_factor")
