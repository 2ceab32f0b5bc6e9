"""What flags look at, read from the statements in force: few queries, however many nodes there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import Max, Min, Q

from common.prepared import prepared
from nodes.models import Device, Node
from pricing.domain.flags import RETAIL_DAYS, Bought, Figures, Shop, figures_from
from pricing.domain.market.comparing import in_eur
from pricing.domain.market.matching import market_key
from pricing.models import CostStatement
from pricing.selectors.as_of import answering
from pricing.selectors.market.offers import rate_named
from pricing.selectors.market.rates import rates_for

# Of each model and day of purchase the last price before it; of one day the later import's row holds.
_SHOPS = """
    SELECT wanted.key, wanted.day, found.price, found.on, found.source
      FROM unnest(%(keys)s::text[], %(days)s::date[]) AS wanted (key, day)
      JOIN LATERAL (
        SELECT retail.price, retail.on, import.source
          FROM pricing_retailprice retail
          JOIN pricing_marketimport import ON import.id = retail.came_with_id
         WHERE retail.model_key = wanted.key AND retail.currency = 'USD'
           AND retail.on BETWEEN wanted.day - %(reach)s::integer AND wanted.day
           AND import.at <= %(at)s::timestamptz
         ORDER BY retail.on DESC, retail.id DESC
         LIMIT 1
      ) AS found ON true
"""


def in_force(*, at: datetime, also: CostStatement | None = None) -> dict[int, Figures]:
    """By statement, those of listed nodes; and `also`, which may be over or of a node that is not listed.

    Four queries.
    """
    # Only what flags look at: the whole of a thousand declarations takes long to read.
    listed = answering(at) & Q(node__state__in=Node.ON_SITE)
    wanted = listed if also is None else listed | Q(pk=also.pk)
    found = CostStatement.objects.filter(wanted).values(
        "pk", "node_id", "node__owner_id", "device_count", "declared__assets",
        "declared__related_parties", "declared__purchase_price", "declared__life_years",
        "declared__residual_value", "declared__purchased_on",
    )  # fmt: skip
    devices = _devices()
    read = {row["pk"]: _figures(row, devices[row["node_id"]]) for row in found if row["node_id"] in devices}
    return dict(zip(read, with_shops(list(read.values()), at=at), strict=True))


def _devices() -> dict[int, tuple[str, str]]:
    """Key and kind of every node's devices."""
    rows = Device.objects.values("node_id").annotate(
        model=Min("model"), key=Min("model_key"), memory=Max("memory_bytes"), sort=Min("kind")
    )
    keys: dict[tuple[str, int], str] = {}  # matching a name takes longer than remembering it
    found = {}
    for row in rows:
        name = (row["model"], row["memory"])
        if name not in keys:
            keys[name] = market_key(*name, otherwise=row["key"])
        found[row["node_id"]] = (keys[name], row["sort"])
    return found


def _figures(row: Mapping[str, Any], device: tuple[str, str]) -> Figures:
    model, kind = device
    return figures_from(
        list(_bought(row)),
        node=row["node_id"],
        owner=row["node__owner_id"],
        model=model,
        kind=kind,
        device_count=row["device_count"],
        related=row["declared__related_parties"],
    )


def _bought(row: Mapping[str, Any]) -> Iterator[Bought]:
    """Of any version: the first named one purchase."""
    assets: Sequence[Mapping[str, Any]] | None = row["declared__assets"]
    if assets is None:
        price = row["declared__purchase_price"]
        left, life = row["declared__residual_value"], row["declared__life_years"]
        assets = [
            {
                "price": price, "residual_value": left, "life_years": life,
                "purchased_on": row["declared__purchased_on"],
            }
        ]  # fmt: skip
    for asset in assets:
        yield Bought(
            Decimal(asset["price"]),
            Decimal(asset.get("vat_not_recovered") or 0),
            Decimal(asset["life_years"]),
            Decimal(asset.get("residual_value") or 0),
            date.fromisoformat(asset["purchased_on"]),
        )


def with_shops(every: Sequence[Figures], *, at: datetime) -> Iterable[Figures]:
    """Each with the last price of its device in shops before its purchase; two queries."""
    wanted = sorted({(one.model, one.bought_on) for one in every})
    if not wanted:
        return every
    with prepared() as cursor:
        cursor.execute(
            _SHOPS,
            {
                "keys": [key for key, _day in wanted],
                "days": [day for _key, day in wanted],
                "reach": RETAIL_DAYS,
                "at": at,
            },
        )
        seen = {(key, day): rest for key, day, *rest in cursor.fetchall()}
    rates = rates_for({("USD", on) for _price, on, _source in seen.values()}, at=at)
    shops: dict[tuple[str, date], Shop] = {}
    for pair, (price, on, source) in seen.items():
        rate = rates.get(("USD", on))
        eur = in_eur(price, currency="USD", on=on, rate=rate)
        if rate is not None and eur is not None:
            shops[pair] = Shop(on, price, eur, rate_named(rate), source)
    return [replace(one, shop=shops.get((one.model, one.bought_on))) for one in every]
