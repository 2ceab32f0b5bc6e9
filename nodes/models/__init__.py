"""What there is and who holds it: sites, nodes, devices, holds, agents, leases.

Why somebody holds a device is told by `reference`, an opaque string of the app above.
"""

from __future__ import annotations

from nodes.models.agents import Agent, AgentCall, EnrolmentToken
from nodes.models.changes import NodeChange
from nodes.models.checks import NodeCheck
from nodes.models.holds import Closure, Hold, HoldEvent
from nodes.models.inventories import NodeInventory, ToldGpu
from nodes.models.leases import Lease, LeasedHold, LeaseQuerySet, LogChunk, OutputFile
from nodes.models.places import Device, Node, NodeQuerySet, Site
from nodes.models.samples import NodeSample

__all__ = [
    "Agent",
    "AgentCall",
    "Closure",
    "Device",
    "EnrolmentToken",
    "Hold",
    "HoldEvent",
    "Lease",
    "LeaseQuerySet",
    "LeasedHold",
    "LogChunk",
    "Node",
    "NodeChange",
    "NodeCheck",
    "NodeInventory",
    "NodeQuerySet",
    "NodeSample",
    "OutputFile",
    "Site",
    "ToldGpu",
]
