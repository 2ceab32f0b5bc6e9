"""The answer to a request, as it is stored: every rule, the quote, what would be granted instead.

Who gives it: reservations.domain.engines.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from reservations.domain import exact_json
from reservations.domain.exact_json import Json
from reservations.domain.policy import Policy
from reservations.domain.rules import Rule

GRANTED, REFUSED = "granted", "refused"


@dataclass(frozen=True)
class Line:
    """One line of the quote: device-hours of a node, or the site's fee for them. EUR."""

    item: str  # "slot" or "fee"
    node: str
    devices: int
    quantity: Decimal  # device-hours
    unit_price: Decimal
    amount: Decimal


@dataclass(frozen=True)
class Payment:
    """What one grant pays."""

    grant: int
    name: str
    amount: Decimal
    hours: Decimal | None = exact_json.newer()  # device-hours, of a grant that counts them


@dataclass(frozen=True)
class Quote:
    """The price, frozen with the decision. Lines add up to the total; so do payments and what is short."""

    lines: tuple[Line, ...]
    total: Decimal
    per_hour: Decimal
    cost_weighted_hours: Decimal
    payments: tuple[Payment, ...]
    short: Decimal


@dataclass(frozen=True)
class LevelChange:
    """Promised share over received share, now and with this booking. None: nothing used yet."""

    before: Decimal | None
    after: Decimal | None


@dataclass(frozen=True)
class Alternative:
    """The nearest slot on the same devices that passes every rule, as far as the snapshot shows."""

    start: datetime
    end: datetime
    total: Decimal


@dataclass(frozen=True)
class Offer:
    """Another request, near to this one, that passes every rule as far as the snapshot shows."""

    kind: str  # devices, earlier, later, fewer, elsewhere or model: what differs
    devices: tuple[str, ...]
    start: datetime
    end: datetime
    total: Decimal


@dataclass(frozen=True)
class Answer:
    """An engine's answer; the columns of a stored decision."""

    engine: str
    outcome: str
    rules: tuple[Rule, ...]
    quote: Quote | None
    level: LevelChange
    nearest: Alternative | None
    alternatives: tuple[Offer, ...] = exact_json.newer(())  # of a refusal, since engine 2

    @property
    def is_granted(self) -> bool:
        return self.outcome == GRANTED

    @property
    def refusing(self) -> list[Rule]:
        return [rule for rule in self.rules if rule.refuses]

    def to_json(self) -> dict[str, Json]:
        written = exact_json.written(self)
        assert isinstance(written, dict)
        return written

    @classmethod
    def from_json(cls, answer: Json) -> Answer:
        return exact_json.read(cls, answer)


def digest(*, policy: Policy, request: Json, snapshot: Json, answer: Json) -> str:
    """What the ledger keeps of a decision: the SHA-256 of all it was taken on and of all it says."""
    return exact_json.digest(
        {"policy": policy.to_json(), "request": request, "snapshot": snapshot, "answer": answer}
    )
