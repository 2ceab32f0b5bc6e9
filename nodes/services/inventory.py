"""Entering nodes that somebody described elsewhere. Entering the same again changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organisation
from nodes.domain.grid5000 import DeviceFacts, NodeFacts
from nodes.errors import NodeRefused
from nodes.models import Device, Node, Site


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
def enter_node(
    *, facts: NodeFacts, owner: Organisation, defaults: SiteDefaults, is_listed: bool, at: datetime
) -> Entered:
    """Make the node and its devices, or bring what is there up to what is described."""
    node = Node.objects.select_for_update(of=("self",)).filter(slug=facts.slug).first()
    described = {
        "name": facts.name, "vendor": facts.vendor, "machine_model": facts.machine_model,
        "cpu_model": facts.cpu_model, "cpu_cores": facts.cpu_cores, "memory_bytes": facts.memory_bytes,
    }  # fmt: skip
    if node is None:
        state = Node.State.LISTED if is_listed else Node.State.DRAFT
        node = Node.objects.create(
            slug=facts.slug, owner=owner, site=_site(facts.site, defaults), state=state,
            listed_at=at if is_listed else None, **described,
        )  # fmt: skip
        Device.objects.bulk_create(_device(node, device) for device in facts.devices)
        return Entered(facts, "new")
    if node.owner_id != owner.pk:
        raise NodeRefused(_("The node %(slug)s belongs to another owner.") % {"slug": facts.slug})
    added = _added_devices(node, facts.devices)
    is_same = all(getattr(node, column) == value for column, value in described.items())
    if is_same and not added:
        return Entered(facts, "unchanged")
    Node.objects.filter(pk=node.pk).update(**described)
    Device.objects.bulk_create(_device(node, device) for device in added)
    return Entered(facts, "changed")


def _added_devices(node: Node, described: Sequence[DeviceFacts]) -> list[DeviceFacts]:
    """What is described and not there yet. What is there is booked and priced: it stays as it is."""
    known = {
        device.index: DeviceFacts(device.index, device.kind, device.model, device.memory_bytes)
        for device in node.devices.all()
    }
    told = {device.index: device for device in described}
    differs = sorted(index for index, device in known.items() if told.get(index) != device)
    if differs:
        raise NodeRefused(
            _("Device %(index)d of %(slug)s is not what is listed. Withdraw the node and list it anew.")
            % {"index": differs[0], "slug": node.slug},
            field="gpu_devices",
        )
    return [device for index, device in told.items() if index not in known]


def _device(node: Node, facts: DeviceFacts) -> Device:
    return Device(
        node=node, index=facts.index, kind=facts.kind, model=facts.model,
        memory_bytes=facts.memory_bytes, model_key=facts.model_key,
    )  # fmt: skip


def _site(slug: str, defaults: SiteDefaults) -> Site:
    name = slug.replace("-", " ").title()
    return Site.objects.get_or_create(
        slug=slug,
        defaults={
            "name": name, "country": defaults.country, "electricity_zone": defaults.electricity_zone,
            "time_zone": defaults.time_zone, "pue": defaults.pue,
        },
    )[0]  # fmt: skip
