"""What a slot that is previewed is expected to emit, and how much of that is an estimate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.utils.translation import gettext

from common import formats
from nodes.models import Device
from pricing.domain.expected import Carbon
from pricing.selectors import Rate
from pricing.selectors.expected import footprints, grids

_LONGEST = timedelta(days=32)  # longer than any slot that is granted: nobody waits for its hours


def expected_carbon(
    *, devices: Sequence[Device], prices: Mapping[int, Rate], start: datetime, end: datetime
) -> Carbon | None:
    """None where something of it is not known. Three queries, or four."""
    is_priced = all(device.pk in prices for device in devices)
    if not is_priced or not timedelta(0) < end - start <= _LONGEST:
        return None
    of_nodes = Device.objects.filter(node__in={device.node_id for device in devices})
    on_node = Counter(of_nodes.values_list("node_id", flat=True))
    zones = {device.node.site.electricity_zone for device in devices}
    its_grids = grids(zones=zones, start=start, end=end)
    devices_of = {prices[device.pk].statement_id: on_node[device.node_id] for device in devices}
    prints = footprints(devices_of=devices_of, on=start.astimezone(UTC).date())
    alike = Counter((device.node.site.electricity_zone, prices[device.pk].statement_id) for device in devices)
    whole: Carbon | None = None
    for (zone, statement), count in alike.items():
        found = its_grids[zone].carbon(prints[statement], start, end)
        if found is None:
            return None
        part = found.times(count)
        whole = part if whole is None else whole + part
    return whole


def carbon_told(carbon: Carbon | None) -> tuple[str, str]:
    """The figure, and what it is made of."""
    if carbon is None:
        return gettext("not known"), gettext("No source has an intensity of the grid there.")
    figure = gettext("%s kg CO₂e expected") % formats.number(carbon.grams / 1000, 2)
    running, making = (_kilograms(part) for part in (carbon.operational, carbon.embodied))
    if carbon.embodied is None:
        told = gettext("All of it running; the owner does not say what making it emitted.")
    else:
        told = gettext("Running %(running)s, making %(making)s.") % {"running": running, "making": making}
    if carbon.is_estimated:
        return figure, told + " " + gettext("An estimate: the grid’s hours are not all known yet.")
    return figure, told + " " + gettext("By the grid’s own hours.")


def _kilograms(grams: Decimal | None) -> str:
    return formats.number(None if grams is None else grams / 1000, 2)
