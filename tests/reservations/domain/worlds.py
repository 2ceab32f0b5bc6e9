"""A small world to decide in: one node of four devices, one project with a tenth of everything."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from reservations.domain.asking import (
    GrantLeft,
    ModelStock,
    NodeSize,
    Price,
    Request,
    Snapshot,
    Taken,
    WantedDevice,
)
from reservations.domain.room import Standing, Step

NOW = datetime(2026, 11, 24, 9, 42, 7, tzinfo=UTC)  # a Tuesday of week 48, between two marks
TODAY = NOW.replace(hour=12, minute=0, second=0)
PRICE = Price(
    weight=Decimal("1.5"), price=Decimal("1.378160"), fee=Decimal("0.020000"), tariff=7, statement=3
)
HELD_BY_ATLAS = "Coastal flood atlas"


def later(hours: float = 0, *, days: float = 0) -> datetime:
    """Counted from today 12:00 UTC."""
    return TODAY + timedelta(days=days, hours=hours)


def make_request(
    start: datetime | None = None, hours: float = 4, *, devices: int = 2, **fields: Any
) -> Request:
    start = start or later()
    fields = {"end": start + timedelta(hours=hours)} | fields
    wanted = tuple(f"device-{number}" for number in range(devices))
    return Request(project="atlas", devices=wanted, start=start, at=NOW, **fields)


def make_standing(**fields: Any) -> Standing:
    """A tenth of 20,000 cost-weighted hours in four weeks, nothing used, nothing held."""
    fields = {
        "path": (Step("Programme", 1, 2, 2), Step("Atlas", 1, 5, 5)),
        "stored": Decimal(0), "committed": Decimal(0), "stored_by_all": Decimal(0),
        "committed_by_all": Decimal(0), "capacity": Decimal(20_000),
        "capacity_hours": Decimal(672), "held": Fraction(0),
    } | fields  # fmt: skip
    return Standing(**fields)


def make_snapshot(
    *, devices: int = 2, price: Price | None = PRICE, budget: str = "1000", **fields: Any
) -> Snapshot:
    fields = {
        "devices": tuple(WantedDevice(f"device-{n}", "lyra", "h100", price) for n in range(devices)),
        "nodes": (NodeSize("lyra", 4),),
        "models": (ModelStock("h100", "H100 SXM5", 4, ()),),
        "taken": (), "next_free": None, "standing": make_standing(),
        "grants": (GrantLeft(1, "Grant 2026-17", None, None, Decimal(budget)),),
    } | fields  # fmt: skip
    return Snapshot(**fields)


def make_taken(start: datetime, end: datetime, *, device: int = 0) -> Taken:
    return Taken(f"device-{device}", start, end, "reservation", HELD_BY_ATLAS)


def with_price(snapshot: Snapshot, **fields: Any) -> Snapshot:
    """The same with another price on every device."""
    return replace(
        snapshot,
        devices=tuple(replace(device, price=replace(PRICE, **fields)) for device in snapshot.devices),
    )
