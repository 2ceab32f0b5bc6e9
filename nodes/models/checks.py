"""Checks of nodes: what was asked of each, when it ran and what came of it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from common.ids import uuid7
from nodes.models.agents import Agent
from nodes.models.holds import Closure
from nodes.models.places import Node


class NodeCheck(models.Model):
    """One conformance job on one node, asked for by a person or by the site itself."""

    class Purpose(models.TextChoices):
        CONFORMANCE = "conformance", _("Conformance check")
        SPOT = "spot", _("Spot check")

    class State(models.TextChoices):
        ASKED = "asked", _("Waits for a free time")
        PLACED = "placed", _("Has its time")
        RUNNING = "running", _("Handed to the node")
        PASSED = "passed", _("Passed")
        FAILED = "failed", _("Failed")
        NOT_MADE = "not_made", _("Not carried out")

    OPEN = (State.ASKED, State.PLACED, State.RUNNING)

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    node = models.ForeignKey(Node, models.CASCADE, related_name="checks")
    agent = models.ForeignKey(Agent, models.CASCADE, related_name="+")
    purpose = models.CharField(max_length=12, choices=Purpose)
    state = models.CharField(max_length=8, choices=State, default=State.ASKED)
    asked_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")  # None: the site
    asked_at = models.DateTimeField()
    # The devices are closed for so long; given back when the job is over.
    closure = models.OneToOneField(Closure, models.PROTECT, null=True, related_name="+")
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # nodes.domain.conformance: Requirement, Figures, and by how much figures are off their reference
    requirements = models.JSONField(default=list)
    figures = models.JSONField(default=dict)
    deviations = models.JSONField(default=dict)
    report_digest = models.CharField(max_length=64, blank=True)  # SHA-256 of what the job left, hex

    class Meta:
        ordering = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["node"],
                name="one_open_check_per_node",
                condition=Q(state__in=["asked", "placed", "running"]),
            ),
            models.CheckConstraint(
                condition=Q(state__in=["asked", "not_made"]) | Q(closure__isnull=False),
                name="check_that_has_a_time_closes_devices",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.uid}"

    @property
    def reference(self) -> str:
        return f"check-{self.uid}"
