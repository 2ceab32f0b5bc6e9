"""The table of all nodes with a published price: what an hour costs beside what it is sold for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, Min

from common import formats
from nodes.models import Device, Node
from pricing.domain.cost import markup
from pricing.models import CostStatement, SiteFee, Tariff

ZERO = Decimal(0)


@dataclass(frozen=True)
class PriceFilter:
    """What the reader asked for; empty means any."""

    device: str = ""  # a model_key
    country: str = ""
    max_price: Decimal | None = None  # EUR per device-hour, with the fee
    owner: str = ""  # public | private
    sort: str = "price"

    @property
    def column(self) -> str:
        return self.sort.removeprefix("-")

    @property
    def descends(self) -> bool:
        return self.sort.startswith("-")


@dataclass(frozen=True)
class PriceRow:
    """One node in the table; EUR per device-hour."""

    node_id: int
    slug: str
    node: str
    device: str
    device_kind: str
    model_key: str
    device_count: int
    memory_bytes: int
    owner: str
    owner_is_public: bool
    site: str
    country: str
    zone: str
    price: Decimal
    fee: Decimal
    full_delivered: Decimal
    full_available: Decimal
    chargeable_delivered: Decimal
    chargeable_available: Decimal
    publicly_funded_share: Decimal
    statement_number: int
    statement_digest: str
    statement_from: datetime
    tariff_number: int
    tariff_digest: str
    tariff_from: datetime

    @property
    def url(self) -> str:
        return f"/nodes/{self.slug}/"

    @property
    def to_pay(self) -> Decimal:
        return self.price + self.fee

    @property
    def markup_full(self) -> Decimal | None:
        return markup(self.price, self.full_delivered)

    @property
    def markup_chargeable(self) -> Decimal | None:
        return markup(self.price, self.chargeable_delivered)


@dataclass(frozen=True)
class Choice:
    value: str
    label: str


@dataclass(frozen=True)
class PricesPage:
    rows: list[PriceRow]
    total: int
    at: datetime
    fee: Decimal
    devices: list[Choice]
    countries: list[str]
    largest_markup: Decimal


SORTS: dict[str, Callable[[PriceRow], Any]] = {
    "device": lambda row: row.device.casefold(),
    "place": lambda row: (row.country, row.owner.casefold()),
    "price": lambda row: row.price,
    "full": lambda row: row.full_delivered,
    "chargeable": lambda row: row.chargeable_delivered,
    "against": lambda row: ZERO if row.markup_full is None else row.markup_full,
}


def prices(*, wanted: PriceFilter, at: datetime) -> PricesPage:
    """The nodes that fit, sorted; a node without statement and tariff in force has no price to show."""
    fee = _fee(at)
    every = _rows(fee, at)
    rows = [row for row in every if _fits(row, wanted)]
    rows.sort(key=lambda row: row.slug)
    rows.sort(key=SORTS[wanted.column], reverse=wanted.descends)
    devices = {row.model_key: f"{row.device} {formats.memory(row.memory_bytes)}" for row in every}
    return PricesPage(
        rows=rows,
        total=len(every),
        at=at,
        fee=fee,
        devices=[
            Choice(key, devices[key]) for key in sorted(devices, key=lambda key: devices[key].casefold())
        ],
        countries=sorted({row.country for row in every}),
        largest_markup=max((abs(row.markup_full or ZERO) for row in rows), default=ZERO),
    )


def _fits(row: PriceRow, wanted: PriceFilter) -> bool:
    return (
        wanted.device in ("", row.model_key)
        and wanted.country in ("", row.country)
        and (wanted.max_price is None or row.to_pay <= wanted.max_price)
        and wanted.owner in ("", "public" if row.owner_is_public else "private")
    )


def _rows(fee: Decimal, at: datetime) -> list[PriceRow]:
    tariffs = Tariff.objects.filter(effective__contains=at, node__state=Node.State.LISTED).select_related(
        "node__owner", "node__site"
    )
    statements = {
        statement.node_id: statement
        for statement in CostStatement.objects.filter(effective__contains=at).defer("declared")
    }
    devices: dict[int, dict[str, Any]] = {
        row["node_id"]: dict(row)
        for row in Device.objects.values("node_id").annotate(
            count=Count("id"),
            model=Min("model"),
            key=Min("model_key"),
            kind=Min("kind"),
            memory=Max("memory_bytes"),
        )
    }
    return [
        _row(tariff, statements[tariff.node_id], devices[tariff.node_id], fee)
        for tariff in tariffs
        if tariff.node_id in statements and tariff.node_id in devices
    ]


def _row(tariff: Tariff, statement: CostStatement, devices: dict[str, Any], fee: Decimal) -> PriceRow:
    node = tariff.node
    return PriceRow(
        node_id=node.pk,
        slug=node.slug,
        node=node.name,
        device=devices["model"],
        device_kind=devices["kind"],
        model_key=devices["key"],
        device_count=devices["count"],
        memory_bytes=devices["memory"],
        owner=node.owner.name,
        owner_is_public=node.owner.is_public_body,
        site=node.site.name,
        country=node.site.country,
        zone=node.site.electricity_zone,
        price=tariff.price,
        fee=fee,
        full_delivered=statement.full_delivered,
        full_available=statement.full_available,
        chargeable_delivered=statement.chargeable_delivered,
        chargeable_available=statement.chargeable_available,
        publicly_funded_share=statement.publicly_funded_share,
        statement_number=statement.number,
        statement_digest=statement.digest,
        statement_from=statement.effective_from,
        tariff_number=tariff.number,
        tariff_digest=tariff.digest,
        tariff_from=tariff.effective_from,
    )


def _fee(at: datetime) -> Decimal:
    amount = SiteFee.objects.filter(effective__contains=at).values_list("amount", flat=True).first()
    return ZERO if amount is None else amount
