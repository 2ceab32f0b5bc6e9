"""What a decision is taken on: the request, and a snapshot of everything that bears on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from pricing.domain.grants import Funds, Period
from reservations.domain.easing import Easing
from reservations.domain.exact_json import newer
from reservations.domain.room import Standing
from reservations.domain.slots import Slot


@dataclass(frozen=True)
class Request:
    """Which devices a project asks for, when, and at what moment it asked. No person."""

    project: str
    devices: tuple[str, ...]
    start: datetime
    end: datetime
    at: datetime

    @property
    def slot(self) -> Slot:
        return Slot(self.start, self.end)

    @property
    def has_length(self) -> bool:
        return self.end > self.start


@dataclass(frozen=True)
class Price:
    """The rate in force at the request. EUR per device-hour, but for the weight."""

    weight: Decimal  # cost-weighted hours per device-hour
    price: Decimal
    fee: Decimal
    tariff: int
    statement: int

    @property
    def to_pay(self) -> Decimal:
        return self.price + self.fee


@dataclass(frozen=True)
class WantedDevice:
    uid: str
    node: str
    model: str
    price: Price | None  # None: no published statement and tariff in force


@dataclass(frozen=True)
class NodeSize:
    slug: str
    devices: int


@dataclass(frozen=True)
class WeekHeld:
    """Device-hours of one model that the project holds in a week, later than the exempt hours."""

    week: str
    hours: Fraction


@dataclass(frozen=True)
class ModelStock:
    """One device model: how many of it there are, and what the project holds of it."""

    key: str
    name: str
    devices: int
    held: tuple[WeekHeld, ...]

    def held_in(self, week: str) -> Fraction:
        return sum((held.hours for held in self.held if held.week == week), Fraction(0))


@dataclass(frozen=True)
class Taken:
    """Who is in the way: a hold on a wanted device during the slot. `holder` is a public name."""

    device: str
    start: datetime
    end: datetime
    kind: str
    holder: str


@dataclass(frozen=True)
class GrantLeft:
    """What a grant has left, and when its hours may lie."""

    id: int
    name: str
    start: datetime | None
    end: datetime | None
    left: Decimal
    hours_left: Decimal | None = newer()  # device-hours; None where only money counts

    @property
    def funds(self) -> Funds:
        return Funds(self.id, Period(self.start, self.end), self.left, self.hours_left)


@dataclass(frozen=True)
class MonthHeld:
    """Device-hours of slots that begin in a month (UTC)."""

    month: str  # 2026-11
    hours: Fraction


@dataclass(frozen=True)
class MemberCap:
    """The most device-hours a month that the leads let whoever asks book, and what is booked. No name."""

    limit: Decimal
    held: tuple[MonthHeld, ...]

    def held_in(self, month: str) -> Fraction:
        return sum((held.hours for held in self.held if held.month == month), Fraction(0))


@dataclass(frozen=True)
class ProjectState:
    """Whether the project may book at all, and until when."""

    is_suspended: bool
    expires_at: datetime | None


@dataclass(frozen=True)
class Snapshot:
    devices: tuple[WantedDevice, ...]
    nodes: tuple[NodeSize, ...]
    models: tuple[ModelStock, ...]
    taken: tuple[Taken, ...]
    next_free: datetime | None  # when all wanted devices are free for that long; only where one is taken
    standing: Standing
    grants: tuple[GrantLeft, ...]
    # Snapshots of before there was such a rule say nothing of it.
    project: ProjectState | None = newer()
    member: MemberCap | None = newer()  # None: no cap
    # Why the universal allowance does not pay what is short; None where it is not for this project.
    allowance: str | None = newer()
    # In force for the project when it asked.
    exceptions: tuple[Easing, ...] = newer(())

    @property
    def is_priced(self) -> bool:
        return all(device.price for device in self.devices)

    @property
    def prices(self) -> list[Price]:
        return [device.price for device in self.devices if device.price]
