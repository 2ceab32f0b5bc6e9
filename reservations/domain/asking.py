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
    """A node with wanted devices. What stands behind the number of them is newer than some snapshots."""

    slug: str
    devices: int
    zone: str | None = newer()  # of its site: what the clocks on its wall show
    # Public ones within the slot, up to the end of the next one that is free; such as 2026-12-25.
    holidays: tuple[str, ...] = newer(())
    funded: Decimal | None = newer()  # the publicly funded share of its purchase


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
class FloorCell:
    """The peak or off-peak hours of a week, of one device model or one node.

    Device-hours. `held`: by projects of other than public interest, in hours that were further ahead than
    the policy says when they were granted.
    """

    kind: str  # model or node
    key: str  # of the model, or the node's slug
    name: str
    week: str  # 2026-W48
    band: str  # peak or off_peak
    bookable: Fraction  # less closures and owners' own time
    held: Fraction
    funded: Decimal | None = newer()  # a node's publicly funded share; None for a model


@dataclass(frozen=True)
class CommerceCell:
    """A publicly funded node's device-hours of a quarter or a year, and what commercial projects hold."""

    node: str
    name: str
    period: str  # 2026-Q4 or 2026
    bookable: Fraction
    held: Fraction


@dataclass(frozen=True)
class NoShows:
    """Slots of whoever asks that nobody came to. No name."""

    count: int  # within the days that the policy says
    until: datetime | None  # while the sanction lasts; None: there is none
    # Cost-weighted hours that the project holds before those that always need room.
    near: Fraction = Fraction(0)


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
    """Whether the project may book at all, and until when; and what it is for."""

    is_suspended: bool
    expires_at: datetime | None
    project_class: str | None = newer()  # accounts.models.Project.Class; None in older snapshots
    class_until: datetime | None = newer()  # None: no end is set


@dataclass(frozen=True)
class Candidate:
    """Another request, free as far as holds tell when the one it stands for was refused."""

    kind: str  # reservations.domain.decision.Offer
    devices: tuple[str, ...]  # of fewer: as many as are free, the first of them to be taken first
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Nearby:
    """What could be granted instead of what is refused, and what bears on it beside the snapshot.

    Candidates of one kind stand in the order in which they are tried: the first that passes is offered.
    """

    requests: tuple[Candidate, ...]
    devices: tuple[WantedDevice, ...]  # that were not asked for
    nodes: tuple[NodeSize, ...]  # with the holidays of all the candidates' slots
    models: tuple[ModelStock, ...]
    cells: tuple[FloorCell, ...] = ()
    commerce: tuple[CommerceCell, ...] = ()


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
    # What the wanted hours are counted in, whoever's they are.
    cells: tuple[FloorCell, ...] = newer(())
    commerce: tuple[CommerceCell, ...] = newer(())  # only of those whom the cap binds
    no_shows: NoShows | None = newer()
    candidates: Nearby | None = newer()  # of a refusal

    @property
    def is_priced(self) -> bool:
        return all(device.price for device in self.devices)

    @property
    def prices(self) -> list[Price]:
        return [device.price for device in self.devices if device.price]
