"""The pages of list prices: all devices in a table, and one device with every offer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from common import formats
from pricing.domain.market.comparing import Summary
from pricing.domain.market.matching import NAMES, OFFERS, Name, OfOffer
from pricing.models import ExchangeRate, ListPrice, MarketImport
from pricing.selectors.market.offers import (
    Beside,
    Kind,
    OfferRow,
    known_prices,
    latest,
    offer_rows,
    offers,
    summaries,
)
from pricing.selectors.prices import PriceRow, priced_nodes

# Kinds in the order of columns: what is asked for at once, for a year, for hours that may end, by listings.
KINDS = (Kind.ON_DEMAND, Kind.RESERVED, Kind.SPOT, Kind.CHEAPEST)

_WRITTEN = {"pcie": "PCIe", "ada": "Ada", "super": "SUPER", "ti": "Ti", "max": "Max", "q": "Q"}
_SHORT = re.compile(r"\d|^.{1,4}$")  # RTX, NVL, SXM4, A6000


@dataclass(frozen=True)
class DeviceRow:
    """One device over all providers."""

    model_key: str
    name: str
    nodes: int  # with a price here
    found: Mapping[str, Summary]  # by kind

    @property
    def columns(self) -> list[Summary | None]:
        return [self.found.get(kind) for kind in KINDS]


@dataclass(frozen=True)
class Unmatched:
    """A name that the table does not know, or that leaves open which device is meant."""

    provider: str
    device: str
    rows: int


@dataclass(frozen=True)
class MarketPage:
    at: datetime
    as_of: datetime | None
    devices: list[DeviceRow]
    offers: list[OfferRow]
    unmatched: list[Unmatched]
    imports: list[MarketImport]
    last_rate: ExchangeRate | None

    names: tuple[Name, ...] = NAMES
    by_offer: tuple[OfOffer, ...] = OFFERS


@dataclass(frozen=True)
class KindOfDevice:
    """The offers of one kind, and what they come to."""

    kind: str
    label: str
    found: Summary | None
    rows: list[OfferRow]


@dataclass(frozen=True)
class DevicePage:
    model_key: str
    name: str
    at: datetime
    as_of: datetime | None
    kinds: list[KindOfDevice]
    nodes: list[PriceRow]  # with that device, the cheapest first

    @property
    def rows(self) -> list[OfferRow]:
        return [row for kind in self.kinds for row in kind.rows]

    @property
    def beside(self) -> Beside | None:
        """What the table of prices shows."""
        found = {kind.kind: kind.found for kind in self.kinds}
        for kind in (Kind.ON_DEMAND, Kind.CHEAPEST):
            one = found.get(kind)
            if one is not None:
                return Beside(self.model_key, kind, one)
        return None


def market_page(*, at: datetime, as_of: datetime | None = None) -> MarketPage:
    """Eight queries, however many prices there are."""
    at = as_of or at
    prices = list(latest(known_prices(at)).select_related("came_with__entry"))
    rows = offer_rows(prices, at=at)
    by_device: dict[str, list[OfferRow]] = {}
    for row in rows:
        if row.price.model_key:
            by_device.setdefault(row.price.model_key, []).append(row)
    nodes = priced_nodes(at=at, as_of=as_of)
    here = Counter(row.market_key for row in nodes)
    names = _names(nodes)
    devices = [
        DeviceRow(
            key,
            names.get(key) or name_of(key, [row.price for row in found]),
            here[key],
            dict(summaries(found, at=at)),
        )
        for key, found in by_device.items()
    ]
    unknown = Counter((row.price.provider, row.price.device) for row in rows if not row.price.model_key)
    return MarketPage(
        at=at,
        as_of=as_of,
        devices=sorted(devices, key=lambda row: (-row.nodes, row.name.casefold())),
        offers=rows,
        unmatched=[Unmatched(*names, count) for names, count in sorted(unknown.items())],
        imports=list(MarketImport.objects.filter(at__lte=at).select_related("entry")),
        last_rate=ExchangeRate.objects.filter(came_with__at__lte=at)
        .select_related("came_with")
        .order_by("-on", "-pk")
        .first(),
    )


def device_page(model_key: str, *, at: datetime, as_of: datetime | None = None) -> DevicePage | None:
    """None where neither a node nor a list has such a device."""
    at = as_of or at
    rows = offers(model_key, at=at)
    every = priced_nodes(at=at, as_of=as_of)
    nodes = sorted(
        (row for row in every if row.market_key == model_key), key=lambda row: (row.to_pay, row.slug)
    )
    if not rows and not nodes:
        return None
    found = dict(summaries(rows, at=at))
    kinds = [
        KindOfDevice(kind, str(kind.label), found.get(kind), of_kind)
        for kind in KINDS
        if (of_kind := [row for row in rows if row.price.kind == kind])
    ]
    name = _names(nodes).get(model_key) or name_of(model_key, [row.price for row in rows])
    return DevicePage(model_key, name, at, as_of, kinds, nodes)


def _names(nodes: Sequence[PriceRow]) -> dict[str, str]:
    return {row.market_key: f"{row.device} {formats.memory(row.memory_bytes)}" for row in nodes}


def name_of(model_key: str, prices: Sequence[ListPrice]) -> str:
    """`RTX A6000 48 GB`, of a device that no node here has: as the table of names has it."""
    known = next((row for row in NAMES if row.key == model_key), None)
    if known is None:
        return prices[0].device if prices else model_key
    words = (_WRITTEN.get(word) or (word.upper() if _SHORT.search(word) else word.title())
             for word in known.name.split())  # fmt: skip
    return f"{' '.join(words)} {formats.memory(known.memory * 1024**3)}"
