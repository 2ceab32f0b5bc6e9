"""Entering places and machines: a site, a node with its devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import pgtrigger
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from accounts.models import Organisation, User
from nodes.domain.devices import model_key
from nodes.errors import ListingRefused
from nodes.models import Agent, Device, Node, NodeChange, Site
from nodes.services import comparing, enrolment, standing

MOST_DEVICES = 256


@dataclass(frozen=True)
class NewDevice:
    """One device to list; its index is its place in the list, unless the node numbers it otherwise."""

    kind: str  # Device.Kind
    model: str
    memory_bytes: int
    index: int | None = None


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
    _require_owner(owner)
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
    add_devices(node=node, devices=devices)
    return node


@transaction.atomic
def draft_node(*, slug: str, name: str, owner: Organisation, site: Site, by: User, at: datetime) -> Node:
    """A node of which only name and place are known: its agent, or its owner, tells the rest."""
    _require_owner(owner)
    try:
        with transaction.atomic():
            node = Node.objects.create(
                slug=slug, name=name, owner=owner, site=site, cpu_model="", cpu_cores=0, memory_bytes=0
            )
    except IntegrityError as exc:
        raise _slug_taken(slug) from exc
    standing.write_down(node=node, kind=NodeChange.Kind.ENTERED, by=by, at=at)
    return node


@transaction.atomic
def discard_draft(*, node: Node, at: datetime) -> None:
    """Take a node away that never was listed: its address is free again, its agent is shut out."""
    node = standing.locked(node)
    if node.state != Node.State.DRAFT:
        raise ListingRefused(
            _("%(node)s was listed: it is withdrawn, and its figures stay.") % {"node": node.name}
        )
    for agent in Agent.objects.select_for_update(of=("self",)).filter(node=node, revoked_at=None):
        enrolment.revoke(agent=agent, reason="its node was discarded before it was listed", at=at)
    node.devices.all().delete()
    try:
        # Nothing that anybody else has seen rests on it.
        with pgtrigger.ignore("nodes.NodeChange:node_change_is_append_only"):
            node.delete()
    except ProtectedError as exc:
        raise ListingRefused(
            _("%(node)s has a published cost statement, which stays: list it, then withdraw it.")
            % {"node": node.name}
        ) from exc


@dataclass(frozen=True)
class Machine:
    """What a node is made of, as its owner declares it."""

    cpu_model: str
    cpu_cores: int
    memory_bytes: int
    devices: Sequence[NewDevice]
    vendor: str = ""
    machine_model: str = ""
    runner: str = Node.Runner.BUBBLEWRAP


@transaction.atomic
def list_node(*, node: Node, machine: Machine, by: User, at: datetime) -> Node:
    """Say what is in a draft and list it. From then on its devices are booked and priced, and stay."""
    node = standing.locked(node)
    if node.state != Node.State.DRAFT:
        raise ListingRefused(
            _("%(node)s is listed already: what is booked and priced stays as it is.") % {"node": node.name}
        )
    _require_machine(machine)
    for column in ("cpu_model", "cpu_cores", "memory_bytes", "vendor", "machine_model", "runner"):
        setattr(node, column, getattr(machine, column))
    node.state, node.listed_at = Node.State.LISTED, at
    node.save()
    node.devices.all().delete()
    add_devices(node=node, devices=machine.devices)
    standing.write_down(node=node, kind=NodeChange.Kind.LISTED, by=by, at=at)
    comparing.look_again(node=node, at=at)
    node.refresh_from_db()  # it takes no bookings where its agent has found something else
    return node


def _require_machine(machine: Machine) -> None:
    if not machine.devices:
        raise ListingRefused(_("A node without a device cannot be booked."), field="devices")
    if len(machine.devices) > MOST_DEVICES:
        raise ListingRefused(
            _("A node has %(most)d devices at most; this one has %(number)d.")
            % {"most": MOST_DEVICES, "number": len(machine.devices)},
            field="devices", most=MOST_DEVICES,
        )  # fmt: skip
    numbers = [
        place if device.index is None else device.index for place, device in enumerate(machine.devices)
    ]
    if len(set(numbers)) < len(numbers):
        raise ListingRefused(
            _("Two devices have the same number: give each its own, as the node counts them."),
            field="devices",
        )
    kinds = {device.kind for device in machine.devices}
    if Device.Kind.MIG in kinds:
        # People would book and pay for devices on which every job is refused.
        raise ListingRefused(
            _("The agent runs no jobs on parts of a divided GPU yet: list the GPU whole, undivided."),
            field="devices",
        )
    if Device.Kind.HOST in kinds and len(machine.devices) > 1:
        raise ListingRefused(
            _("A node is booked whole or by its accelerators: a whole host is its only device."),
            field="devices",
        )


def _require_owner(owner: Organisation) -> None:
    """The kind gives the right, once a steward has verified it."""
    if owner.kind != Organisation.Kind.OWNER:
        raise ListingRefused(_("%(name)s does not own nodes.") % {"name": owner}, field="owner")
    if owner.verified_at is None:
        raise ListingRefused(
            _("%(name)s is not verified yet: a steward looks at it first.") % {"name": owner}, field="owner"
        )


def add_devices(*, node: Node, devices: Sequence[NewDevice]) -> None:
    """More devices for a node; what it has stays as it is."""
    Device.objects.bulk_create(
        Device(
            node=node,
            index=place if device.index is None else device.index,
            kind=device.kind,
            model=device.model,
            memory_bytes=device.memory_bytes,
            model_key=model_key(device.model, device.memory_bytes),
        )
        for place, device in enumerate(devices)
    )


def _slug_taken(slug: str) -> ListingRefused:
    return ListingRefused(
        _("The address “%(slug)s” is taken. Choose another one.") % {"slug": slug}, field="slug", slug=slug
    )
