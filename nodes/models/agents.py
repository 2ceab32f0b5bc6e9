"""The programs on the nodes, how they are let in, and which of their calls were used up."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import User
from common.ids import uuid7
from nodes.models.places import Node


class EnrolmentToken(models.Model):
    """Lets one agent join one node, once, within fifteen minutes. Only its digest is kept."""

    node = models.ForeignKey(Node, models.CASCADE, related_name="enrolment_tokens")
    digest = models.CharField(max_length=64, unique=True)  # SHA-256, hex
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class Agent(models.Model):
    """The program on a node, known by its Ed25519 key."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    node = models.ForeignKey(Node, models.CASCADE, related_name="agents")
    public_key = models.CharField(max_length=44, unique=True)  # raw 32 bytes, base64
    version = models.CharField(max_length=20)
    protocol = models.CharField(max_length=9, default="1.0", db_default="1.0")  # as its calls tell
    inventory = models.JSONField(default=dict)  # as the agent reported it
    enrolled_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    # Heartbeats since a moment, so that who floods the site with them is refused.
    beats_from = models.DateTimeField(null=True, editable=False)
    beats = models.PositiveIntegerField(default=0, db_default=0, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["node"], name="one_agent_per_node", condition=Q(revoked_at__isnull=True)
            )
        ]


class AgentCall(models.Model):
    """The unique id of a signed agent call, kept while it could be replayed."""

    token_id = models.UUIDField(unique=True)
    expires_at = models.DateTimeField(db_index=True)
