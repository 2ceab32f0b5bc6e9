"""List prices as data: every offer with its source, day, currency and the rate it was converted by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ledger.domain.jcs import moment
from pricing.domain.declared import plain
from pricing.selectors.market.offers import OfferRow
from pricing.selectors.market.pages import DevicePage, DeviceRow, MarketPage
from pricing.selectors.open_data import UNIT, market_json, price_json, rate_json, rate_words, text

OFFER_COLUMNS = (
    "model_key", "device", "provider", "offer", "region", "kind", "observed_on", "is_old", "devices",
    "memory_gib", "currency", "price_per_hour_of_offer", "price_per_device_hour", "eur_per_device_hour",
    "rate", "source", "source_address", "licence", "import_uid",
)  # fmt: skip


def offer_json(row: OfferRow) -> dict[str, Any]:
    price, origin = row.price, row.origin
    return {
        "model_key": price.model_key,
        "device": price.device,
        "provider": price.provider,
        "offer": price.offer,
        "region": price.region,
        "kind": price.kind,
        "observed_on": price.observed_on.isoformat(),
        "is_old": row.is_old,
        "devices": plain(price.devices),
        "memory_gib": None if price.memory_gib is None else plain(price.memory_gib),
        "currency": price.currency,
        "price_per_hour_of_offer": plain(price.price_hour),
        "price_per_device_hour": plain(price.per_device_hour),
        "eur_per_device_hour": None if row.eur is None else plain(row.eur),
        "rate": rate_json(row.rate) if row.rate else None,
        "source": origin.source,
        "source_address": origin.address,
        "licence": origin.licence,
        "import_uid": str(origin.uid),
        "ledger_entry": origin.entry.index,
    }


def offers_csv(rows: Sequence[OfferRow]) -> list[list[str]]:
    return [list(OFFER_COLUMNS), *(_offer_cells(row) for row in rows)]


def _offer_cells(row: OfferRow) -> list[str]:
    price, origin = row.price, row.origin
    return [
        price.model_key,
        *(text(words) for words in (price.device, price.provider, price.offer, price.region)),
        price.kind,
        price.observed_on.isoformat(),
        "true" if row.is_old else "false",
        plain(price.devices),
        "" if price.memory_gib is None else plain(price.memory_gib),
        price.currency,
        plain(price.price_hour),
        plain(price.per_device_hour),
        "" if row.eur is None else plain(row.eur),
        text(rate_words(row.rate)) if row.rate else "",
        *(text(words) for words in (origin.source, origin.address, origin.licence)),
        str(origin.uid),
    ]


def device_json(page: DevicePage) -> dict[str, Any]:
    return {
        "at": moment(page.at),
        "as_of": moment(page.as_of) if page.as_of else None,
        "unit": UNIT,
        "model_key": page.model_key,
        "name": page.name,
        "list_price": market_json(page.beside) if page.beside else None,
        "offers": [offer_json(row) for row in page.rows],
        "nodes": [price_json(row, is_now=False) for row in page.nodes],
    }


def market_json_of(page: MarketPage) -> dict[str, Any]:
    return {
        "at": moment(page.at),
        "as_of": moment(page.as_of) if page.as_of else None,
        "unit": UNIT,
        "devices": [_device(row) for row in page.devices],
        "offers": [offer_json(row) for row in page.offers],
        "matching": {
            "names": [
                {"name": row.name, "memory_gb": row.memory, "model_key": row.key} for row in page.names
            ],
            "offers": [
                {
                    "provider": row.provider,
                    "offer": row.offer,
                    "name": row.name,
                    "model_key": row.key or None,
                    "because": row.because,
                }
                for row in page.by_offer
            ],
        },
    }


def _device(row: DeviceRow) -> dict[str, Any]:
    return {
        "model_key": row.model_key,
        "name": row.name,
        "nodes": row.nodes,
        "kinds": {
            kind: {
                "lowest": plain(found.lowest),
                "median": plain(found.median),
                "offers": found.offers,
                "last_seen": found.last.isoformat(),
                "is_old": found.is_old,
            }
            for kind, found in row.found.items()
        },
    }
