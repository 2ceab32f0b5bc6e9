"""Who holds which device when, for one week: every row of the booking page's timetable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby

from django.db.models import BigIntegerField, Case, OuterRef, Q, Subquery, UUIDField, When
from django.db.models.functions import Cast, Substr
from django.utils.translation import gettext

from accounts.selectors import public_names
from common import formats
from common.ranges import between, bounds
from nodes.models import Agent, Device, Hold, Node
from pricing.selectors import rates
from reservations.models import Reservation
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
    ids = [device.pk for device in devices]
    holds = _holds(ids, frame)
    reader = Reader(frame, at, horizon, _names(holds, at), own)
    return Timetable(
        frame=frame,
        days=frame.days(at),
        nodes=tuple(_nodes(devices, holds, reader, chosen)),
        own=tuple(own_slots(holds, own)),
        sites=_distinct((device.node.site.slug, device.node.site.name) for device in everything),
        models=_distinct((device.model_key, _model(device)) for device in everything),
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


def _devices() -> Sequence[Device]:
    agent = Agent.objects.filter(node=OuterRef("node"), revoked_at__isnull=True)
    listed = Device.objects.filter(node__state=Node.State.LISTED).select_related("node__site")
    listed = listed.order_by("node__site__name", "node__name", "node_id", "index")
    return list(listed.annotate(agent_id=Subquery(agent.values("id")[:1])))


def _matches(device: Device, site: str, model: str) -> bool:
    return site in ("", device.node.site.slug) and model in ("", device.model_key)


def _paged(devices: Sequence[Device]) -> list[list[Device]]:
    """Whole nodes a page: a job that wants several devices of a node must see them together."""
    pages: list[list[Device]] = [[]]
    for _, group in groupby(devices, key=lambda device: device.node_id):
        node = list(group)
        if pages[-1] and len(pages[-1]) + len(node) > DEVICES_A_PAGE:
            pages.append([])
        pages[-1].extend(node)
    return pages


def _holds(device_ids: Sequence[int], frame: Frame) -> Mapping[int, list[Held]]:
    """Every hold of the week with the project behind it, in one query."""
    uid = Cast(Substr(OuterRef("reference"), len(PREFIX) + 1), UUIDField())
    project = Reservation.objects.filter(uid=uid).values("project_id")[:1]
    rows = (
        Hold.objects.filter(device_id__in=device_ids, during__overlap=between(frame.start, frame.end))
        .annotate(
            project_id=Case(
                # The cast is tried for reservations only: other references hold no uid.
                When(Q(kind=Hold.Kind.RESERVATION, reference__startswith=PREFIX), then=Subquery(project)),
                output_field=BigIntegerField(),
            )
        )
        .order_by("device_id", "during")
        .values_list("device_id", "during", "kind", "reference", "project_id")
    )
    holds: dict[int, list[Held]] = defaultdict(list)
    for device_id, during, kind, reference, project_id in rows:
        start, end = bounds(during)
        holds[device_id].append(Held(device_id, start, end, kind, reference, project_id))
    return holds


def _names(holds: Mapping[int, list[Held]], at: datetime) -> Mapping[int, str]:
    ids = {hold.project_id for row in holds.values() for hold in row if hold.project_id is not None}
    return public_names(ids, at) if ids else {}


def _nodes(
    devices: Sequence[Device], holds: Mapping[int, list[Held]], reader: Reader, chosen: Collection[str]
) -> Iterator[NodeRows]:
    prices = rates(device_ids=[device.pk for device in devices], at=reader.at)
    is_alone = len({device.node_id for device in devices}) == 1
    for _, group in groupby(devices, key=lambda device: device.node_id):
        its_devices = list(group)
        node, rate = its_devices[0].node, prices.get(its_devices[0].pk)
        rows = tuple(
            _row(device, holds.get(device.pk, []), reader, rate is not None) for device in its_devices
        )
        yield NodeRows(
            slug=node.slug,
            name=node.name,
            url=node.get_absolute_url(),
            place=f"{node.site.name}, {formats.country(node.site.country)}",
            devices=_fleet(its_devices),
            price=rate.price + rate.fee if rate else None,
            full_cost=rate.full_delivered if rate else None,
            has_agent=its_devices[0].agent_id is not None,  # type: ignore[attr-defined]  # annotated above
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


def _row(device: Device, holds: Sequence[Held], reader: Reader, is_priced: bool) -> DeviceRow:
    cells = tuple(cells_of(holds, reader, is_priced))
    busy = [cell for cell in cells if cell.kind in ("other", "closure", "owner")]
    until = gettext("taken until %(when)s") % {"when": reader.frame.said(busy[-1].last)} if busy else ""
    return DeviceRow(str(device.uid), str(device), until or gettext("not bookable"), cells)


def _fleet(devices: Sequence[Device]) -> str:
    """`8 × H100 SXM5 80 GB`; a node with several models names each."""
    models = groupby(sorted(_model(device) for device in devices))
    return ", ".join(f"{len(list(group))} × {model}" for model, group in models)


def _model(device: Device) -> str:
    return f"{device.model} {formats.memory(device.memory_bytes)}"


def _distinct(pairs: Iterator[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(set(pairs), key=lambda pair: pair[1]))
