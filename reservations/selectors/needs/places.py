"""Nodes with enough devices of a kind to answer a need: those that run jobs first, then the cheapest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from common.prepared import prepared
from reservations.domain.needs import Need
from reservations.selectors.alternatives.groups import Group

MOST_PLACES = 48

# Alike devices on one node, bookable now. A host is asked for by its model, never by the memory of devices.
_PLACES = """
WITH of_model AS (
    SELECT device.model_key, count(*) AS devices
      FROM nodes_device device
      JOIN nodes_node node ON node.id = device.node_id AND node.state = 'listed'
     GROUP BY device.model_key
), place AS (
    SELECT node.id AS node_id, node.slug, node.name, site.time_zone, site.country, site.electricity_zone,
           device.model_key, min(device.model) AS model, min(device.memory_bytes) AS memory,
           statement.publicly_funded_share AS funded, statement.id AS statement_id, tariff.price,
           EXISTS (SELECT FROM nodes_agent agent WHERE agent.node_id = node.id AND agent.revoked_at IS NULL)
             AS runs_jobs,
           array_agg(device.id ORDER BY device.index) AS ids,
           array_agg(device.uid::text ORDER BY device.index) AS uids
      FROM nodes_node node
      JOIN nodes_site site ON site.id = node.site_id
      JOIN nodes_device device ON device.node_id = node.id
      JOIN pricing_coststatement statement
        ON statement.node_id = node.id AND statement.effective @> %(at)s::timestamptz
      JOIN pricing_tariff tariff ON tariff.node_id = node.id AND tariff.effective @> %(at)s::timestamptz
     WHERE node.state = 'listed' AND device.memory_bytes >= %(memory)s
       AND (device.model_key = %(model)s OR (%(model)s = '' AND device.kind <> 'host'))
     GROUP BY node.id, site.id, device.model_key, statement.id, tariff.id
    HAVING count(*) >= %(devices)s
)
SELECT slug, time_zone, country, model_key, model, funded, ids, uids, 0,
       (SELECT count(*) FROM nodes_device on_node WHERE on_node.node_id = place.node_id), of_model.devices,
       name, electricity_zone, memory, statement_id, price, runs_jobs
  FROM place JOIN of_model USING (model_key)
 ORDER BY runs_jobs DESC, price, slug, model_key LIMIT %(most)s
"""


@dataclass(frozen=True)
class Place:
    """Alike devices of one node."""

    group: Group
    name: str  # of the node
    electricity_zone: str
    memory_bytes: int
    statement: int
    price: Decimal  # EUR per device-hour, before the fee
    runs_jobs: bool  # it has an agent


def places_for(need: Need, *, at: datetime) -> list[Place]:
    """Those that run jobs first, then the cheapest. One query."""
    values: dict[str, Any] = {
        "model": need.model, "memory": need.memory_bytes, "devices": need.devices, "at": at,
        "most": MOST_PLACES,
    }  # fmt: skip
    with prepared() as cursor:
        cursor.execute(_PLACES, values)
        return [Place(Group(*row[:11]), *row[11:]) for row in cursor.fetchall()]
