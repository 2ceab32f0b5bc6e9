"""Entering places and machines: a site, a node with its devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.models import Organisation
from nodes.errors import ListingRefused
from nodes.models import Device, Node, Site

GIB = 1024**3


@dataclass(frozen=True)
class NewDevice:
    """One device to list; its place in the list becomes its index."""

    kind: str  # Device.Kind
    model: str
    memory_bytes: int

    @property
    def model_key(self) -> str:
        """Devices that are the same to a researcher share it: `h100-sxm5-80`."""
        return slugify(f"{self.model} {round(self.memory_bytes / GIB)}")


def enter_site(
    *, slug: str, name: str, country: str, electricity_zone: str, time_zone: str, pue: Decimal
) -> Site:
    """A place that nodes can stand in."""
    if pue < 1:
        raise ListingRefused(
            _("A PUE is 1 or more: the place cannot draw less than its machines."), field="pue", pue=str(pue)
        )
    try:
        with transaction.atomic():
            return Site.objects.create(
                slug=slug,
                name=name,
                country=country,
                electricity_zone=electricity_zone,
                time_zone=time_zone,
                pue=pue,
            )
    except IntegrityError as exc:
        raise _slug_taken(slug) from exc


@transaction.atomic
def enter_node(
    *,
    slug: str,
    name: str,
    owner: Organisation,
    site: Site,
    cpu_model: str,
    cpu_cores: int,
    memory_bytes: int,
    devices: Sequence[NewDevice],
    at: datetime,
    vendor: str = "",
    machine_model: str = "",
    runner: str = Node.Runner.BUBBLEWRAP,
    listed: bool = True,
) -> Node:
    """A machine with what can be booked on it. It is bookable once it has a statement and a tariff."""
    if not devices:
        raise ListingRefused(_("A node without a device cannot be booked."), field="devices")
    try:
        with transaction.atomic():
            node = Node.objects.create(
                slug=slug,
                name=name,
                owner=owner,
                site=site,
                state=Node.State.LISTED if listed else Node.State.DRAFT,
                runner=runner,
                vendor=vendor,
                machine_model=machine_model,
                cpu_model=cpu_model,
                cpu_cores=cpu_cores,
                memory_bytes=memory_bytes,
                listed_at=at if listed else None,
            )
    except IntegrityError as exc:
        raise _slug_taken(slug) from exc
    Device.objects.bulk_create(
        [
            Device(
                node=node,
                index=index,
                kind=device.kind,
                model=device.model,
                memory_bytes=device.memory_bytes,
                model_key=device.model_key,
            )
            for index, device in enumerate(devices)
        ]
    )
    return node


def _slug_taken(slug: str) -> ListingRefused:
    return ListingRefused(
        _("The address “%(slug)s” is taken. Choose another one.") % {"slug": slug}, field="slug", slug=slug
    )
