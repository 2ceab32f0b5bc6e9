"""Alike devices of one node: those that were asked for, and those that could stand in for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from common.prepared import prepared
from reservations.domain.rules import Case
from reservations.domain.slots import Slot
from reservations.domain.together import Pool

_PLACES = 4  # of the same model elsewhere, and as many of other models
MOST_DEVICES = 64  # of candidates elsewhere together: a request for many devices has fewer of them

# Groups of alike devices on one node: those that were asked for, and of the others the cheapest that have
# enough of them with at least as much memory each, the ones that cost no more before all that do.
_GROUPS = """
WITH asked AS MATERIALIZED (
    SELECT node_id, model_key, kind = 'host' AS is_host, min(memory_bytes) AS memory, count(*) AS devices
      FROM nodes_device WHERE id = ANY(%(asked)s) GROUP BY node_id, model_key, is_host
), of_model AS (
    SELECT device.model_key, count(*) AS devices
      FROM nodes_device device
      JOIN nodes_node node ON node.id = device.node_id AND node.state = 'listed'
     GROUP BY device.model_key
), a_group AS (
    SELECT node.id AS node_id, node.slug, site.time_zone, site.country, device.model_key,
           min(device.model) AS model, statement.publicly_funded_share AS funded, tariff.price,
           array_agg(device.id ORDER BY device.index) AS ids,
           array_agg(device.uid::text ORDER BY device.index) AS uids,
           (SELECT asked.devices FROM asked
             WHERE asked.node_id = node.id AND asked.model_key = device.model_key) AS asked
      FROM nodes_node node
      JOIN nodes_site site ON site.id = node.site_id
      JOIN nodes_device device ON device.node_id = node.id
      JOIN pricing_coststatement statement
        ON statement.node_id = node.id AND statement.effective @> %(at)s::timestamptz
      JOIN pricing_tariff tariff ON tariff.node_id = node.id AND tariff.effective @> %(at)s::timestamptz
     WHERE node.state = 'listed'
       AND (device.kind = 'host') = (SELECT bool_and(is_host) FROM asked)
       AND (device.memory_bytes >= (SELECT max(memory) FROM asked)
            OR EXISTS (SELECT FROM asked
                        WHERE asked.node_id = node.id AND asked.model_key = device.model_key))
     GROUP BY node.id, node.slug, site.time_zone, site.country, device.model_key, statement.id, tariff.id
), ranked AS (
    SELECT a_group.*,
           row_number() OVER (
               PARTITION BY asked IS NOT NULL, model_key IN (SELECT model_key FROM asked)
               ORDER BY price > %(price)s, price, slug, model_key) AS place
      FROM a_group
     WHERE asked IS NOT NULL OR cardinality(ids) >= %(devices)s
)
SELECT slug, time_zone, country, model_key, model, funded, ids, uids, COALESCE(asked, 0),
       (SELECT count(*) FROM nodes_device on_node WHERE on_node.node_id = ranked.node_id), of_model.devices
  FROM ranked JOIN of_model USING (model_key)
 WHERE asked IS NOT NULL OR place <= %(places)s
 ORDER BY asked IS NULL, price > %(price)s, price, slug, model_key
"""


@dataclass(frozen=True)
class Group:
    """Alike devices of one node."""

    node: str
    zone: str
    country: str
    model_key: str
    model: str
    funded: Decimal
    ids: list[int]
    uids: list[str]
    asked: int  # how many of them the request wants
    on_node: int
    of_model: int

    def pool(self, wanted: int, free: Mapping[int, Sequence[Slot]], first: Iterable[str] = ()) -> Pool:
        """Those that were asked for come first, so that as little as possible changes."""
        order = {uid: place for place, uid in enumerate(first)}
        devices = sorted(zip(self.uids, self.ids, strict=True), key=lambda one: order.get(one[0], len(order)))
        return Pool(wanted, {uid: free[id] for uid, id in devices})


def groups_of(case: Case, asked_ids: Sequence[int]) -> list[Group]:
    paid = [price.price for price in case.snapshot.prices]
    values: dict[str, Any] = {
        "asked": list(asked_ids), "at": case.request.at, "devices": len(case.request.devices),
        "price": max(paid, default=Decimal(0)),
        "places": max(1, min(_PLACES, MOST_DEVICES // len(case.request.devices))),
    }  # fmt: skip
    with prepared() as cursor:
        cursor.execute(_GROUPS, values)
        return [Group(*row) for row in cursor.fetchall()]
