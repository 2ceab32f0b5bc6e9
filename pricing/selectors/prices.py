"""The table of all nodes with a published price: what an hour costs beside what it is sold for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Max, Min, Q, QuerySet, Subquery
from django.utils import timezone

from common import formats
from nodes.models import Device, Node
from nodes.selectors import free_time
from pricing.domain.cost import markup
from pricing.domain.market.matching import market_key
from pricing.models import CostStatement, SiteFee, Tariff
from pricing.selectors.as_of import answering
from pricing.selectors.market.offers import Beside, beside

ZERO = Decimal(0)
AHEAD = timedelta(hours=24)  # "free from" looks no further; beyond that there is the timetable
_WORTH = timedelta(minutes=30)  # the shortest slot that can be booked


@dataclass(frozen=True)
class PriceFilter:
    """What the reader asked for; empty means any."""

    device: str = ""  # a model_key
    country: str = ""
    max_price: Decimal | None = None  # EUR per device-hour, with the fee
    owner: str = ""  # public | private
    is_free_today: bool = False  # a device is free now, or from a moment of the reader's own day
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
    device_ids: tuple[int, ...]
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
    is_withdrawn: bool  # since; only in an answer about the past
    statement_id: int
    limit: Decimal | None  # the highest price that the cap allowed as the tariff was published
    is_excepted: bool  # above it, under a steward's public exception
    market_key: str  # by which list prices of the same device are found
    market: Beside | None = None  # what others ask for it, where that is known
    devices_free: int = 0  # at this moment, for as long as the shortest slot
    free_from: datetime | None = None  # where none is: the first moment within AHEAD when one will be

    @property
    def device_count(self) -> int:
        return len(self.device_ids)

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
    """`as_of`: asked for a moment of the past; then nothing is said of free devices."""

    rows: list[PriceRow]
    total: int
    at: datetime
    as_of: datetime | None
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
    "market": lambda row: row.market.found.lowest if row.market else ZERO,
}


def prices(*, wanted: PriceFilter, at: datetime, as_of: datetime | None = None) -> PricesPage:
    """The nodes that fit, sorted; a node without statement and tariff in force has no price to show.

    `as_of` is the moment for which the figures are asked, as they stood then, instead of now.
    """
    at = as_of or at
    every = priced_nodes(at=at, as_of=as_of)
    rows = [row for row in every if _fits(row, wanted)]
    if as_of is None:
        rows = list(_with_free_time(rows, at))
    if wanted.is_free_today and as_of is None:
        rows = [row for row in rows if _is_free_today(row, at)]
    rows = with_market(rows, at=at)
    rows.sort(key=lambda row: row.slug)
    rows.sort(key=SORTS[wanted.column], reverse=wanted.descends)
    if wanted.column == "market":  # nothing is neither dear nor cheap
        rows.sort(key=lambda row: row.market is None)
    devices = {row.model_key: f"{row.device} {formats.memory(row.memory_bytes)}" for row in every}
    return PricesPage(
        rows=rows,
        total=len(every),
        at=at,
        as_of=as_of,
        fee=every[0].fee if every else ZERO,
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


def _with_free_time(rows: Sequence[PriceRow], at: datetime) -> Iterator[PriceRow]:
    """One question for the devices of all of them."""
    ahead = at + AHEAD
    free = free_time(device_ids=[pk for row in rows for pk in row.device_ids], start=at, end=ahead)
    for row in rows:
        # What lasts to where we look may last longer.
        starts = [
            gap.start
            for pk in row.device_ids
            for gap in free[pk]
            if gap.end == ahead or gap.end - gap.start >= _WORTH
        ]
        first = min(starts, default=None)
        yield replace(row, devices_free=starts.count(at), free_from=None if first == at else first)


def _is_free_today(row: PriceRow, at: datetime) -> bool:
    if row.devices_free or row.free_from is None:
        return row.devices_free > 0
    return timezone.localdate(row.free_from) == timezone.localdate(at)


def with_market(rows: Sequence[PriceRow], *, at: datetime) -> list[PriceRow]:
    """With the list prices of the same device: two queries for all of them."""
    found = beside({row.market_key for row in rows}, at=at)
    return [replace(row, market=found.get(row.market_key)) for row in rows]


def priced(*, at: datetime, as_of: datetime | None) -> QuerySet[Tariff]:
    """The tariffs of nodes that could be found at a moment.

    Of the past: those published by then, of nodes that were listed by then. When a node was withdrawn is not
    kept: one that is withdrawn since stays in the answer, marked, so that such an answer does not change.
    """
    if as_of is None:
        return Tariff.objects.filter(effective__contains=at, node__state__in=Node.ON_SITE)
    were_listed = Q(node__listed_at__lte=at) | Q(node__listed_at=None)
    states = [*Node.ON_SITE, Node.State.WITHDRAWN]
    return Tariff.objects.filter(answering(at) & were_listed, node__state__in=states)


def priced_nodes(
    *, at: datetime, as_of: datetime | None = None, slugs: Sequence[str] | None = None
) -> list[PriceRow]:
    """All nodes with a price at a moment, or those of them that are named; three queries.

    As of a moment of the past by what was published by then.
    """
    then = answering(at) if as_of else Q(effective__contains=at)
    named = Q() if slugs is None else Q(node__slug__in=slugs)
    tariffs = priced(at=at, as_of=as_of).filter(named)
    fees = SiteFee.objects.filter(then).values("amount")[:1]
    tariffs = tariffs.select_related("node__owner", "node__site").annotate(fee=Subquery(fees))
    statements = {
        statement.node_id: statement
        for statement in CostStatement.objects.filter(then & named).defer("declared")
    }
    devices: dict[int, dict[str, Any]] = {
        row["node_id"]: dict(row)
        for row in Device.objects.filter(named)
        .values("node_id")
        .annotate(
            ids=ArrayAgg("id"),
            model=Min("model"),
            key=Min("model_key"),
            kind=Min("kind"),
            memory=Max("memory_bytes"),
        )
    }
    return [
        _row(tariff, statements[tariff.node_id], devices[tariff.node_id], tariff.fee or ZERO)
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
        device_ids=tuple(devices["ids"]),
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
        is_withdrawn=node.state == Node.State.WITHDRAWN,
        statement_id=statement.pk,
        limit=tariff.limit,
        is_excepted=tariff.exception_id is not None,
        market_key=(
            market_key(devices["model"], devices["memory"], otherwise=devices["key"])
            if devices["kind"] == Device.Kind.GPU
            else devices["key"]  # a part of a device, or a host, is sold by nobody under its name
        ),
    )
