"""Which devices a booking means: so many of a kind where that is cheapest, or those that are named."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from equinode_cli.errors import Misused, NotFound
from equinode_cli.moments import sent, to_quarter
from equinode_cli.site import Site
from equinode_cli.words import _

_MOST_NODES = 10_000
# How far the site's clock may be ahead of ours without hiding a device that is free from now on.
_LENIENCE = timedelta(minutes=2)


@dataclass(frozen=True)
class Slot:
    start: datetime | None  # None: now
    end: datetime
    hours: Decimal  # as seen from here
    now: datetime

    @property
    def start_sent(self) -> str:
        return "now" if self.start is None else sent(self.start)

    @property
    def first(self) -> datetime:
        return self.start or self.now


@dataclass(frozen=True)
class Choice:
    devices: list[str]
    nodes: list[dict[str, Any]]  # those that have them
    full_cost_per_hour: Decimal | None  # of all of them; None: not published


def slot(start: datetime | None, end: datetime, now: datetime) -> Slot:
    seconds = (end - (start or now)).total_seconds()
    if seconds <= 0:
        raise Misused(_("The slot ends before it starts."))
    return Slot(start, end, round(Decimal(seconds) / 3600, 6), now)


def slot_of_hours(start: datetime | None, hours: float, now: datetime) -> Slot:
    """From now it ends on the next quarter of an hour after so long: slots end on these marks."""
    end = (start or now) + timedelta(hours=hours)
    return slot(start, to_quarter(end) if start is None else end, now)


def free_devices(site: Site, node: dict[str, Any], slot: Slot) -> set[str]:
    """The devices of a node that nobody holds at any time of the slot."""
    lasting = slot.end - slot.first - (_LENIENCE if slot.start is None else timedelta(0))
    minutes = max(1, int(lasting / timedelta(minutes=1)))
    after = None if slot.start is None else sent(slot.start)
    found = site.get(f"nodes/{node['slug']}/slots", after=after, before=sent(slot.end), minutes=minutes)
    return {opening["device"] for opening in found["items"]}


def of_kind(
    site: Site, *, model: str, count: int, node: str | None, country: str | None, slot: Slot
) -> Choice:
    """On the cheapest node that has so many free; if none has, on the cheapest: the site says why not."""
    listed = site.rows("nodes", most=_MOST_NODES, device=model, country=country)["items"]
    candidates = [one for one in listed if one["price"] and node in (None, one["slug"])]
    candidates.sort(key=lambda one: (Decimal(one["price"]["to_pay"]), one["slug"]))
    large = [one for one in candidates if len(_devices(one, model)) >= count]
    if not large:
        most = max((len(_devices(one, model)) for one in candidates), default=0)
        raise NotFound(_too_few(model, count, most))
    for one in large:
        free = free_devices(site, one, slot)
        found = [uid for uid in _devices(one, model) if uid in free]
        if len(found) >= count:
            return _choice(found[:count], [one])
    return _choice(_devices(large[0], model)[:count], large[:1])


def _too_few(model: str, count: int, most: int) -> str:
    if not most:
        return _("No node that can be booked has a “%(model)s”. Kinds are listed by: equinode nodes") % {
            "model": model
        }
    return _(
        "No node has %(count)d × %(model)s, but %(most)d at most. Name devices of several with --device."
    ) % {"count": count, "model": model, "most": most}


def named(site: Site, devices: list[str]) -> Choice:
    listed = site.rows("nodes", most=_MOST_NODES)["items"]
    wanted = set(devices)
    nodes = [one for one in listed if wanted & {device["uid"] for device in one["devices"]}]
    return _choice(devices, nodes)


def _choice(devices: list[str], nodes: list[dict[str, Any]]) -> Choice:
    wanted = set(devices)
    full: Decimal | None = Decimal(0)
    for one in nodes:
        held = len(wanted & {device["uid"] for device in one["devices"]})
        cost = one["price"] and one["price"]["full_delivered"]
        full = None if full is None or cost is None else full + held * Decimal(cost)
    return Choice(devices, nodes, full if nodes else None)


def _devices(node: dict[str, Any], model: str) -> list[str]:
    return [device["uid"] for device in node["devices"] if device["model_key"] == model]
