"""What agents told that their machines are, and what became of what differs from what is listed."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from common.ids import uuid7
from nodes.models.agents import Agent
from nodes.models.places import Node


class NodeInventoryQuerySet(models.QuerySet["NodeInventory"]):
    def current(self) -> NodeInventoryQuerySet:
        """The last of each node."""
        return self.exclude(state=NodeInventory.State.REPLACED)


class NodeInventory(models.Model):
    """One inventory of one node, held against what was listed at that moment. The last one counts."""

    class State(models.TextChoices):
        AGREES = "agrees", _("As listed")
        OPEN = "open", _("Differs from what is listed")
        SETTLED = "settled", _("Differs, and settled")
        REPLACED = "replaced", _("Replaced by a later one")

    class Settlement(models.TextChoices):
        ADOPTED = "adopted", _("What was found is listed now")
        ACCEPTED = "accepted", _("Accepted as it is")

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    node = models.ForeignKey(Node, models.CASCADE, related_name="inventories")
    agent = models.ForeignKey(Agent, models.CASCADE, related_name="inventories")
    digest = models.CharField(max_length=64)  # SHA-256 of what was told, hex
    told = models.JSONField()  # docs/node-profile.md, as told; names of hosts and of buses are in it
    # nodes.domain.inventory.Difference, in its order
    differences = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=State)
    told_at = models.DateTimeField()
    last_told_at = models.DateTimeField()
    settlement = models.CharField(max_length=10, choices=Settlement, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    settled_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    settled_by_steward = models.BooleanField(default=False)
    settled_at = models.DateTimeField(null=True)

    objects = NodeInventoryQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["node"], name="one_current_inventory_per_node", condition=~Q(state="replaced")
            ),
            models.CheckConstraint(
                condition=~Q(state="settled")
                | Q(settled_at__isnull=False, settled_by__isnull=False) & ~Q(reason="") & ~Q(settlement=""),
                name="settled_inventory_says_by_whom_and_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.node_id} {self.told_at:%Y-%m-%d %H:%M}"


class ToldGpu(models.Model):
    """A GPU, or an instance of one, that an agent tells. It is in one machine: the first to tell keeps it.

    Drafts have none, so that nobody takes a GPU off another's node without a listed node of their own.
    """

    uuid = models.CharField(max_length=200, unique=True)
    node = models.ForeignKey(Node, models.CASCADE, related_name="told_gpus")
    told_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.uuid
