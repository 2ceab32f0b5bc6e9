"""What owners did with their nodes: listed, drained, stopped, withdrawn. Append-only."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from nodes.models.places import Node


class NodeChange(models.Model):
    class Kind(models.TextChoices):
        ENTERED = "entered", _("Entered as a draft")
        LISTED = "listed", _("Listed")
        DRAINED = "drained", _("Takes no new bookings")
        RESUMED = "resumed", _("Takes bookings again")
        STOPPED = "stopped", _("Stopped at once")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        AGENT_REVOKED = "revoked", _("Its agent’s key was revoked")

    node = models.ForeignKey(Node, models.CASCADE, related_name="changes")
    kind = models.CharField(max_length=12, choices=Kind)
    reason = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")  # None: the site itself
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        triggers: ClassVar = [
            pgtrigger.Protect(
                name="node_change_is_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return str(self.get_kind_display())
