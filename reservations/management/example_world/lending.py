"""A node that its owner uses and lets go of for nine days: what there is of it for commerce is soon full."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from common.ranges import between
from nodes.models import Hold, Node
from nodes.services import occupancy

DAY = timedelta(days=1)
MACHINE = "beja-l40s-2"  # public money paid two fifths of it
REASON = "Own classes of the rural digital programme"
OPENS, SHUTS = 3 * DAY, 6 * DAY  # before the day on which the world is made, and after it
STAYS_SHUT = 540 * DAY


def keep(nodes: Mapping[str, Node], *, now: datetime) -> None:
    """The owner's own time before and after, as said on the day on which the node was listed."""
    node = nodes[MACHINE]
    assert node.listed_at is not None
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    devices = list(node.devices.order_by("index").values_list("pk", flat=True))
    for start, end in ((node.listed_at, midnight - OPENS), (midnight + SHUTS, midnight + STAYS_SHUT)):
        occupancy.close_devices(
            device_ids=devices, during=between(start, end), kind=Hold.Kind.OWNER, reason=REASON,
            at=node.listed_at,
        )  # fmt: skip
