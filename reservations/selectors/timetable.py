"""Who holds which device when, for one week: every row of the booking page's timetable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from django.utils.translation import gettext

from accounts.selectors import public_names
from common import formats
from common.prepared import prepared
from common.ranges import between
from nodes.domain.intervals import point_ranges
from pricing.selectors import rates
from reservations.selectors.cells import PREFIX, Cell, Held, OwnSlot, Reader, cells_of, own_slots
from reservations.selectors.frame import Day, Frame

# A table of 1,600 rows takes a browser seconds; whole nodes are shown until this many devices.
DEVICES_A_PAGE = 64


@dataclass(frozen=True)
class DeviceRow:
    uid: str
    name: str
    full_until: str  # said on a phone, where a row without free time is one line
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class NodeRows:
    slug: str
    name: str
    url: str
    place: str
    devices: str  # 8 × H100 SXM5 80 GB
    price: Decimal | None  # EUR per device-hour, fee included; None is not bookable
    full_cost: Decimal | None
    has_agent: bool
    free: str  # said on a phone, where a node's devices are folded away
    is_open: bool  # on a phone: its devices are shown at once
    rows: tuple[DeviceRow, ...]


@dataclass(frozen=True)
class Timetable:
    frame: Frame
    days: tuple[Day, ...]
    nodes: tuple[NodeRows, ...]
    own: tuple[OwnSlot, ...]
    sites: tuple[tuple[str, str], ...]
    models: tuple[tuple[str, str], ...]
    midnights: tuple[str, ...]  # SVG percentages
    now_at: str  # SVG percentage of the present moment, empty in another week
    present: int | None  # the quarter hour that is running now
    has_earlier: bool
    has_later: bool
    page: int
    pages: int
    shown: int
    matching: int


def week(
    *,
    frame: Frame,
    at: datetime,
    horizon: datetime,
    own: Mapping[int, str],
    site: str = "",
    model: str = "",
    page: int = 1,
    chosen: Collection[str] = (),
) -> Timetable:
    """The week of every listed device; `own` names the reader's projects by id, `chosen` devices by uid."""
    everything = _devices()
    wanted = [device for device in everything if _matches(device, site, model)]
    pages = _paged(wanted)
    page = max(1, min(page, len(pages)))
    devices = pages[page - 1]
    ids = [device.id for device in devices]
    holds = _holds(ids, frame)
    reader = Reader(frame, at, horizon, _names(holds, at), own)
    of_model = {device.model_key: device for device in everything}
    return Timetable(
        frame=frame,
        days=frame.days(at),
        nodes=tuple(_nodes(devices, holds, reader, chosen)),
        own=tuple(own_slots(holds, own)),
        sites=_distinct((device.site_slug, device.site) for device in everything),
        models=_distinct((key, _model(device)) for key, device in of_model.items()),
        midnights=frame.midnights(),
        now_at=frame.percent(at) if frame.start <= at < frame.end else "",
        present=frame.floor(at) if frame.start <= at < frame.end else None,
        has_earlier=frame.start > at,
        has_later=frame.end < horizon,
        page=page,
        pages=len(pages),
        shown=len(devices),
        matching=len(wanted),
    )


class Listed(NamedTuple):
    """A device of a listed node, with what the timetable says of its node."""

    id: int
    uid: UUID
    number: int
    model: str
    model_key: str
    memory_bytes: int
    node_id: int
    node_slug: str
    node: str
    site_slug: str
    site: str
    country: str
    has_agent: bool


# Rows, not models: on a large site making hundreds of those took as long as all the rest of the page.
_LISTED = """
SELECT device.id, device.uid, device.index, device.model, device.model_key, device.memory_bytes,
       node.id, node.slug, node.name, site.slug, site.name, site.country,
       EXISTS (SELECT FROM nodes_agent agent WHERE agent.node_id = node.id AND agent.revoked_at IS NULL)
  FROM nodes_device device
  JOIN nodes_node node ON node.id = device.node_id AND node.state = 'listed'
  JOIN nodes_site site ON site.id = node.site_id
 ORDER BY site.name, node.name, node.id, device.index
"""

# Every hold of the week with the project behind it. References that are no reservation's hold no uid.
_HOLDS = """
SELECT hold.device_id, lower(hold.during), upper(hold.during), hold.kind, hold.reference,
       CASE WHEN hold.kind = 'reservation' AND starts_with(hold.reference, %(prefix)s) THEN
            (SELECT reservation.project_id FROM reservations_reservation reservation
              WHERE reservation.uid = substr(hold.reference, length(%(prefix)s) + 1)::uuid) END
  FROM nodes_hold hold
 WHERE int8range(hold.device_id, hold.device_id, '[]') && %(devices)s::int8multirange
   AND hold.during && %(week)s
 ORDER BY hold.device_id, lower(hold.during)
"""


def _devices() -> Sequence[Listed]:
    with prepared() as cursor:
        cursor.execute(_LISTED)
        return [Listed(*row) for row in cursor.fetchall()]


def _matches(device: Listed, site: str, model: str) -> bool:
    return site in ("", device.site_slug) and model in ("", device.model_key)


def _paged(devices: Sequence[Listed]) -> list[list[Listed]]:
    """Whole nodes a page: a job that wants several devices of a node must see them together."""
    pages: list[list[Listed]] = [[]]
    for _, group in groupby(devices, key=lambda device: device.node_id):
        node = list(group)
        if pages[-1] and len(pages[-1]) + len(node) > DEVICES_A_PAGE:
            pages.append([])
        pages[-1].extend(node)
    return pages


def _holds(device_ids: Sequence[int], frame: Frame) -> Mapping[int, list[Held]]:
    values = {"prefix": PREFIX, "devices": point_ranges(device_ids), "week": between(frame.start, frame.end)}
    holds: dict[int, list[Held]] = defaultdict(list)
    with prepared() as cursor:
        cursor.execute(_HOLDS, values)
        for row in cursor.fetchall():
            holds[row[0]].append(Held(*row))
    return holds


def _names(holds: Mapping[int, list[Held]], at: datetime) -> Mapping[int, str]:
    ids = {hold.project_id for row in holds.values() for hold in row if hold.project_id is not None}
    return public_names(ids, at) if ids else {}


def _nodes(
    devices: Sequence[Listed], holds: Mapping[int, list[Held]], reader: Reader, chosen: Collection[str]
) -> Iterator[NodeRows]:
    prices = rates(device_ids=[device.id for device in devices], at=reader.at)
    is_alone = len({device.node_id for device in devices}) == 1
    for _, group in groupby(devices, key=lambda device: device.node_id):
        its_devices = list(group)
        node = its_devices[0]
        rate = prices.get(node.id)
        rows = tuple(
            _row(device, holds.get(device.id, []), reader, rate is not None) for device in its_devices
        )
        yield NodeRows(
            slug=node.node_slug,
            name=node.node,
            url=f"/nodes/{node.node_slug}/",
            place=f"{node.site}, {formats.country(node.country)}",
            devices=_fleet(its_devices),
            price=rate.price + rate.fee if rate else None,
            full_cost=rate.full_delivered if rate else None,
            has_agent=node.has_agent,
            free=_first_free(rows, reader),
            is_open=is_alone or any(row.uid in chosen for row in rows),
            rows=rows,
        )


def _first_free(rows: Sequence[DeviceRow], reader: Reader) -> str:
    """When the first of a node's devices can be had this week, and how many of them then."""
    starts = [next((cell.first for cell in row.cells if cell.kind == "free"), None) for row in rows]
    known = [start for start in starts if start is not None]
    if not known:
        return gettext("Nothing free this week")
    first = min(known)
    names = {"free": known.count(first), "devices": len(rows), "when": reader.frame.said(first)}
    if reader.frame.moment(first) <= reader.at:
        return gettext("%(free)d of %(devices)d free now") % names
    return gettext("%(free)d of %(devices)d free from %(when)s") % names


def _row(device: Listed, holds: Sequence[Held], reader: Reader, is_priced: bool) -> DeviceRow:
    cells = tuple(cells_of(holds, reader, is_priced))
    busy = [cell for cell in cells if cell.kind in ("other", "closure", "owner")]
    until = gettext("taken until %(when)s") % {"when": reader.frame.said(busy[-1].last)} if busy else ""
    return DeviceRow(
        str(device.uid), f"{device.model}, {device.number}", until or gettext("not bookable"), cells
    )


def _fleet(devices: Sequence[Listed]) -> str:
    """`8 × H100 SXM5 80 GB`; a node with several models names each."""
    models = groupby(sorted(_model(device) for device in devices))
    return ", ".join(f"{len(list(group))} × {model}" for model, group in models)


def _model(device: Listed) -> str:
    return f"{device.model} {formats.memory(device.memory_bytes)}"


def _distinct(pairs: Iterator[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(set(pairs), key=lambda pair: pair[1]))
