"""What pages of lower apps show of this one, by a tag in their template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template
from django.utils import timezone

from common import clock
from nodes.models import Device, Node
from reservations.selectors import openings
from reservations.selectors.reliability import Reliability, reliability as reliability_of

register = template.Library()


@register.inclusion_tag("reservations/_free_slots.html")
def free_slots(node: Node, devices: Sequence[Device]) -> dict[str, Any]:
    """The next free time of a node's devices, each line leading to the timetable of its week."""
    free = openings.free_slots(node=node, devices=devices, at=clock.now())
    return {"openings": free, "zone": timezone.get_current_timezone_name()}


@register.inclusion_tag("reservations/_reliability.html")
def reliability(node: Node) -> dict[str, Reliability]:
    """What became of the slots of a node, month by month."""
    return {"found": reliability_of(node)}
