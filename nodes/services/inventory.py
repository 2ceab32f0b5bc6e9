"""Entering nodes that somebody described elsewhere. Entering the same again changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organisation
from nodes.domain.grid5000 import DeviceFacts, NodeFacts
from nodes.errors import ListingRefused
from nodes.models import Node, Site
from nodes.services import listing
from nodes.services.listing import NewDevice


@dataclass(frozen=True)
class SiteDefaults:
    """What node descriptions do not tell about the place, for sites that are new."""

    country: str
    electricity_zone: str
    time_zone: str
    pue: Decimal


@dataclass(frozen=True)
class Entered:
    facts: NodeFacts
    outcome: str  # new, changed or unchanged


@transaction.atomic
def enter_described(
    *, facts: NodeFacts, owner: Organisation, defaults: SiteDefaults, is_listed: bool, at: datetime
) -> Entered:
    """List the node and its devices, or bring what is listed up to what is described."""
    machine: dict[str, Any] = {
        "name": facts.name, "vendor": facts.vendor, "machine_model": facts.machine_model,
        "cpu_model": facts.cpu_model, "cpu_cores": facts.cpu_cores, "memory_bytes": facts.memory_bytes,
    }  # fmt: skip
    node = Node.objects.select_for_update(of=("self",), no_key=True).filter(slug=facts.slug).first()
    if node is None:
        listing.enter_node(
            slug=facts.slug, owner=owner, site=_site(facts.site, defaults), listed=is_listed, at=at,
            devices=_new(facts.devices), **machine,
        )  # fmt: skip
        return Entered(facts, "new")
    if node.owner_id != owner.pk:
        raise ListingRefused(_("The node %(slug)s belongs to another owner.") % {"slug": facts.slug})
    added = _added(node, facts.devices)
    if not added and all(getattr(node, column) == value for column, value in machine.items()):
        return Entered(facts, "unchanged")
    Node.objects.filter(pk=node.pk).update(**machine)
    listing.add_devices(node=node, devices=_new(added))
    return Entered(facts, "changed")


def _added(node: Node, described: Sequence[DeviceFacts]) -> list[DeviceFacts]:
    """What is described and not there yet. What is there is booked and priced: it stays as it is."""
    known = {
        device.index: DeviceFacts(device.index, device.kind, device.model, device.memory_bytes)
        for device in node.devices.all()
    }
    told = {device.index: device for device in described}
    differs = sorted(index for index, device in known.items() if told.get(index) != device)
    if differs:
        raise ListingRefused(
            _("Device %(index)d of %(slug)s is not what is listed. Withdraw the node and list it anew.")
            % {"index": differs[0], "slug": node.slug},
            field="gpu_devices",
        )
    return [device for index, device in told.items() if index not in known]


def _new(devices: Sequence[DeviceFacts]) -> list[NewDevice]:
    return [NewDevice(device.kind, device.model, device.memory_bytes, device.index) for device in devices]


def _site(slug: str, defaults: SiteDefaults) -> Site:
    site = Site.objects.filter(slug=slug).first()
    return site or listing.enter_site(
        slug=slug, name=slug.replace("-", " ").title(), country=defaults.country,
        electricity_zone=defaults.electricity_zone, time_zone=defaults.time_zone, pue=defaults.pue,
    )  # fmt: skip
