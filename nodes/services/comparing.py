"""Taking what agents tell of their machines, holding it against what is listed, and settling what differs.

Only the last inventory of a node counts. While less, or other, than what is listed stands open, the node
takes no new bookings; what is booked stays.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from common import formats
from ledger import services as ledger
from nodes.domain import inventory as machines, output
from nodes.domain.devices import model_key
from nodes.domain.inventory import Difference
from nodes.errors import BodyInvalid, SettlingRefused, TooManyInventories
from nodes.models import Agent, Device, Hold, Node, NodeInventory, ToldGpu
from nodes.services import occupancy, standing

State, Settlement = NodeInventory.State, NodeInventory.Settlement
# What each node keeps of what was replaced.
MOST_KEPT = 50
# New ones of one node: a machine that changes more often is none.
MOST_AN_HOUR = 12
HOUR = timedelta(hours=1)
# An inventory has four levels; more is no inventory.
DEEPEST = 20
LONGEST_REASON = 500


@transaction.atomic
def take_inventory(*, agent: Agent, inventory: object, at: datetime) -> NodeInventory | None:
    """Keep what this agent tells, and compare it. None where it tells nothing at all."""
    if not isinstance(inventory, dict) or _is_deeper(inventory, DEEPEST):
        raise BodyInvalid(
            _("An inventory is a JSON object of at most %(limit)d levels.") % {"limit": DEEPEST},
            field="inventory",
        )
    told: Any = output.harmless(inventory)
    if (size := len(_canonical(told))) > machines.MOST_BYTES:
        raise BodyInvalid(
            _("An inventory has at most %(limit)d bytes; this one has %(size)d.")
            % {"limit": machines.MOST_BYTES, "size": size},
            field="inventory", limit=machines.MOST_BYTES, size=size,
        )  # fmt: skip
    node = standing.locked(agent.node)
    if not told:
        return None
    _require_seldom(node, told, at)
    Agent.objects.filter(pk=agent.pk).update(inventory=told)
    return _compare(node, agent, told, at)


@transaction.atomic
def look_again(*, node: Node, at: datetime) -> NodeInventory | None:
    """Compare what was told last with what is listed now."""
    node = standing.locked(node)
    last = node.inventories.current().select_related("agent").first()
    return _compare(node, last.agent, last.told, at) if last else None


@transaction.atomic
def settle(
    *, inventory: NodeInventory, settlement: str, reason: str, by: User, is_steward: bool, at: datetime
) -> NodeInventory:
    """List what was found, or accept that it differs. Answers what is current afterwards.

    Only a steward accepts: the owner would judge in their own cause, and lists what there is instead.
    """
    # Devices before the node, as everywhere.
    device_ids = sorted(inventory.node.devices.values_list("pk", flat=True))
    occupancy.lock_devices(device_ids=device_ids)
    node = standing.locked(inventory.node)
    inventory = NodeInventory.objects.select_related("agent").get(pk=inventory.pk)
    reason = _checked_reason(reason)
    if inventory.state != State.OPEN:
        raise SettlingRefused(
            _("This is settled already, or the agent has told another inventory since. Look again."),
            state=inventory.state,
        )
    differences = told_differences(inventory)
    if settlement == Settlement.ADOPTED:
        if not is_steward:
            _require_nothing_booked(device_ids, differences, at)
        _adopt(node, differences)
    else:
        _require_may_accept(is_steward)
    settled = NodeInventory.objects.filter(pk=inventory.pk)
    settled.update(
        state=State.SETTLED, settlement=settlement, reason=reason, settled_by=by,
        settled_by_steward=is_steward, settled_at=at,
    )  # fmt: skip
    inventory.refresh_from_db()
    _enter(inventory, node, "settled", at)
    if settlement == Settlement.ADOPTED:
        return _compare(node, inventory.agent, inventory.told, at)
    _hold_back(node, None)
    return inventory


def told_differences(inventory: NodeInventory) -> list[Difference]:
    return [Difference.of_json(stored) for stored in inventory.differences]


# --- comparing ---------------------------------------------------------------------------------------
def _compare(node: Node, agent: Agent, told: dict[str, Any], at: datetime) -> NodeInventory:
    """The node is locked by the caller."""
    found = machines.read(told)
    last = node.inventories.current().first()
    differences: Sequence[Difference] = ()
    if node.state != Node.State.DRAFT:  # nothing is listed of it yet
        elsewhere = _told_elsewhere(node, found.uuids, found.gpus is not None, at)
        differences = machines.differences(_listed(node), found, told_elsewhere=elsewhere)
    stored, digest = [one.to_json() for one in differences], _digest(told)
    if last and (last.digest, last.differences, last.agent_id) == (digest, stored, agent.pk):
        NodeInventory.objects.filter(pk=last.pk).update(last_told_at=at)
        return last
    accepted = _accepted(last)
    standing_open = [one for one in differences if one.holds_back and one.to_json() not in accepted]
    goes_on = last is not None and last.state == State.SETTLED and any(one in accepted for one in stored)
    state = State.OPEN if standing_open else State.SETTLED if goes_on else State.AGREES
    node.inventories.current().update(state=State.REPLACED)
    kept: dict[str, Any] = _settlement_of(last) if last and state == State.SETTLED else {}
    current = NodeInventory.objects.create(
        node=node, agent=agent, digest=digest, told=told, differences=stored,
        state=state, told_at=at, last_told_at=at, **kept,
    )  # fmt: skip
    was_open = last is not None and last.state == State.OPEN
    if state == State.OPEN and not was_open:
        _enter(current, node, "differs", at)
    elif was_open and state != State.OPEN:
        _enter(current, node, "agrees", at)
    _hold_back(node, (node.differs_since or at) if state == State.OPEN else None)
    _forget_oldest(node)
    return current


def _require_seldom(node: Node, told: dict[str, Any], at: datetime) -> None:
    """The same again costs nothing; each new one is a row, and may be an entry in the ledger."""
    if node.inventories.current().filter(digest=_digest(told)).exists():
        return
    if node.inventories.filter(told_at__gt=at - HOUR).count() >= MOST_AN_HOUR:
        raise TooManyInventories(
            _("One node tells at most %(limit)d new inventories an hour.") % {"limit": MOST_AN_HOUR},
            limit=MOST_AN_HOUR, seconds=HOUR.total_seconds(),
        )  # fmt: skip


def _listed(node: Node) -> machines.ListedNode:
    return machines.ListedNode(
        cpu_model=node.cpu_model, cpu_cores=node.cpu_cores, memory_bytes=node.memory_bytes,
        devices=tuple(
            machines.ListedDevice(device.index, device.kind, device.model, device.memory_bytes)
            for device in node.devices.order_by("index")
        ),
    )  # fmt: skip


def _told_elsewhere(node: Node, uuids: Collection[str], is_told: bool, at: datetime) -> set[str]:
    """Those that another node's agent told first and still tells; the others are this node's from now on."""
    if is_told:  # a driver that hangs says nothing about what is in the machine
        node.told_gpus.exclude(uuid__in=uuids).delete()
    ToldGpu.objects.filter(uuid__in=uuids, node__state=Node.State.WITHDRAWN).delete()
    # In one order for all: who tells the same at the same moment waits, and then sees whose they are.
    rows = [ToldGpu(uuid=uuid, node=node, told_at=at) for uuid in sorted(set(uuids))]
    ToldGpu.objects.bulk_create(rows, ignore_conflicts=True)
    others = ToldGpu.objects.filter(uuid__in=uuids).exclude(node=node)
    return set(others.values_list("uuid", flat=True))


def _accepted(last: NodeInventory | None) -> list[dict[str, Any]]:
    """What was accepted stays so, as long as it is told again just so."""
    is_accepted = last is not None and (last.state, last.settlement) == (State.SETTLED, Settlement.ACCEPTED)
    return list(last.differences) if last is not None and is_accepted else []


def _settlement_of(last: NodeInventory) -> dict[str, Any]:
    return {
        "settlement": last.settlement, "reason": last.reason, "settled_by": last.settled_by,
        "settled_by_steward": last.settled_by_steward, "settled_at": last.settled_at,
    }  # fmt: skip


def _hold_back(node: Node, since: datetime | None) -> None:
    """The database does not let a node be listed while this is set (places.Node)."""
    node.differs_since = since
    if since is not None and node.state == Node.State.LISTED:
        node.state = Node.State.DRAINED
    elif since is None and node.state == Node.State.DRAINED and node.drained_at is None:
        node.state = Node.State.LISTED
    node.save(update_fields=["differs_since", "state"])


def _forget_oldest(node: Node) -> None:
    replaced = node.inventories.filter(state=State.REPLACED).order_by("-pk")
    for pk in replaced.values_list("pk", flat=True)[MOST_KEPT:]:
        NodeInventory.objects.filter(pk=pk).delete()


# --- settling ----------------------------------------------------------------------------------------
def _adopt(node: Node, differences: Sequence[Difference]) -> None:
    found = {one.code: one.found for one in differences if one.code in machines.ADOPTABLE}
    if not found:
        raise SettlingRefused(
            _("What is booked on a device cannot be another device. Mend the machine, or withdraw the node.")
        )
    columns = {
        "cpu_model": found.get("cpu_model", node.cpu_model),
        "cpu_cores": found.get("cpu_cores", found.get("more_cores", node.cpu_cores)),
        "memory_bytes": found.get("memory", found.get("more_memory", node.memory_bytes)),
    }
    for column, value in columns.items():
        setattr(node, column, value)
    node.save(update_fields=list(columns))
    # A whole host is its node: what is booked says the same.
    for host in Device.objects.filter(node=node, kind=Device.Kind.HOST).select_for_update(of=("self",)):
        host.memory_bytes = node.memory_bytes
        host.model_key = model_key(host.model, node.memory_bytes)
        host.save(update_fields=["memory_bytes", "model_key"])


def _require_nothing_booked(
    device_ids: Sequence[int], differences: Sequence[Difference], at: datetime
) -> None:
    """People booked what was listed. More of it takes nothing from them; less does."""
    if not any(one.holds_back and one.code in machines.ADOPTABLE for one in differences):
        return
    booked = Hold.objects.filter(
        device__in=device_ids, during__endswith__gt=at, kind__in=(Hold.Kind.RESERVATION, Hold.Kind.OFFER)
    )
    last = booked.order_by("-during__endswith").values_list("during__endswith", flat=True).first()
    if last is not None:
        raise SettlingRefused(
            _(
                "People have booked this node as it is listed, until %(until)s. List what was found after"
                " that, take their slots back, or ask a steward."
            )
            % {"until": formats.moment_with_year(last)},
            until=last,
        )


def _require_may_accept(is_steward: bool) -> None:
    if not is_steward:
        raise SettlingRefused(
            _(
                "People book and pay for what is listed: only a steward accepts that the machine is something"
                " else. List what was found, or mend the machine."
            )
        )


def _checked_reason(reason: str) -> str:
    reason = " ".join(reason.split())
    if not reason:
        raise SettlingRefused(_("Say why. The reason is public."), field="reason")
    if len(reason) > LONGEST_REASON:
        raise SettlingRefused(
            _("A reason has at most %(limit)d characters; this one has %(size)d.")
            % {"limit": LONGEST_REASON, "size": len(reason)},
            field="reason",
        )
    return reason


def _enter(inventory: NodeInventory, node: Node, action: str, at: datetime) -> None:
    body: dict[str, Any] = {
        "inventory": inventory.uid, "node": node.uid, "action": action, "digest": inventory.digest,
        "differences": sum(one["holds_back"] for one in inventory.differences),
    }  # fmt: skip
    if action == "settled":
        by = "steward" if inventory.settled_by_steward else "owner"
        body |= {"settlement": inventory.settlement, "by": by, "reason": inventory.reason}
    ledger.append(kind="inventory", body=body, at=at)


def _is_deeper(value: object, levels: int) -> bool:
    """Without recursion: a stranger wrote it."""
    layer = [value]
    for _level in range(levels):
        layer = [
            inner
            for one in layer
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not layer:
            return False
    return True


def _digest(told: dict[str, Any]) -> str:
    """It stands in the ledger: without the name of the host, which could be guessed from it."""
    public = {name: value for name, value in told.items() if name != "hostname"}
    return hashlib.sha256(_canonical(public)).hexdigest()


def _canonical(told: dict[str, Any]) -> bytes:
    return json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
