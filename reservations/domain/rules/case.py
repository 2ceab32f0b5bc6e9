"""What every rule is given and how it answers, and how its numbers are written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from reservations.domain import room, slots
from reservations.domain.asking import Request, Snapshot
from reservations.domain.easing import eased
from reservations.domain.exact_json import Json
from reservations.domain.policy import Policy
from reservations.domain.slots import Slot

PASS, REFUSE, IDLE = "pass", "refuse", "idle"


@dataclass(frozen=True)
class Rule:
    """One rule's answer. `facts` and `remedy` hold what its sentences need (reservations.wording)."""

    code: str
    verdict: str
    limit: str | None = None
    actual: str | None = None
    excess: str | None = None
    facts: dict[str, Json] = field(default_factory=dict)
    remedy: dict[str, Json] = field(default_factory=dict)

    @property
    def refuses(self) -> bool:
        return self.verdict == REFUSE


@dataclass(frozen=True)
class Case:
    """All that rules look at."""

    request: Request
    snapshot: Snapshot
    policy: Policy

    @classmethod
    def of(cls, request: Request, snapshot: Snapshot, policy: Policy) -> Case:
        """By the numbers of the project's class, and then as its exceptions ease them."""
        code = snapshot.project.project_class if snapshot.project else None
        return cls(request, snapshot, eased(policy.for_class(code), snapshot.exceptions))

    def ending(self, end: datetime) -> Case:
        """The same case with another end."""
        asked = self.request
        return Case(
            Request(asked.project, asked.devices, asked.start, end, asked.at), self.snapshot, self.policy
        )

    @property
    def hours(self) -> Fraction:
        return self.request.slot.hours

    @property
    def late_slot(self) -> Slot | None:
        """The part of the slot later than the exempt hours."""
        return self.part_after(self.request.at + self.policy.exempt)

    def part_after(self, moment: datetime) -> Slot | None:
        asked = self.request
        return Slot(max(asked.start, moment), asked.end) if asked.end > max(asked.start, moment) else None

    @property
    def weight(self) -> Fraction:
        """Cost-weighted hours per hour of the whole slot."""
        return sum((Fraction(price.weight) for price in self.snapshot.prices), Fraction(0))

    @property
    def price_per_hour(self) -> Decimal:
        return sum((price.to_pay for price in self.snapshot.prices), Decimal(0))


# None: the snapshot says nothing of it, so neither does the answer.
Asks = Callable[[Case], Rule | None]


def compared(code: str, limit: Decimal, actual: Decimal, facts: dict[str, Json]) -> Rule:
    excess = format(actual - limit, "f") if actual > limit else None
    verdict = REFUSE if excess else PASS
    return Rule(
        code, verdict, limit=format(limit, "f"), actual=format(actual, "f"), excess=excess, facts=facts
    )


def exempt(case: Case) -> dict[str, Json]:
    return {"exempt_hours": case.policy.exempt_hours}


def shown(number: Fraction) -> str:
    return format(room.rounded_up(number), "f")


def hours(length: timedelta) -> str:
    return shown(slots.hours(length))


def days(length: timedelta) -> str:
    return shown(slots.hours(length) / 24)
