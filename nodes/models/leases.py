"""The right to execute a run on held devices, what the job printed and what it brought back."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.ids import uuid7
from nodes.models.places import Device, Node


class LeaseQuerySet(models.QuerySet["Lease"]):
    def live(self) -> LeaseQuerySet:
        return self.filter(state__in=Lease.LIVE)

    def to_tell(self) -> LeaseQuerySet:
        """What an agent that asks for work must hear of: not staged yet, or to be stopped."""
        return self.filter(Q(state=Lease.State.WAITING) | Q(stop_requested_at__isnull=False))


class Lease(models.Model):
    """The right to execute one run on the held devices of one node, with a fencing number."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting for the agent")
        STAGED = "staged", _("Staged")
        RUNNING = "running", _("Running")
        ENDED = "ended", _("Ended")
        LOST = "lost", _("Lost")

    LIVE = (State.WAITING, State.STAGED, State.RUNNING)

    class EndReason(models.TextChoices):
        FINISHED = "finished", _("The job ended by itself")
        SLOT_END = "slot_end", _("Stopped before the end of the slot")
        STOPPED = "stopped", _("Stopped on request")
        MEMORY = "memory", _("Stopped: more memory than the slot has")
        DISK = "disk", _("Stopped: more disk than the slot has")
        TIME = "time", _("Stopped: longer than it asked for")
        REFUSED = "refused", _("Refused by the agent")
        NOT_STARTED = "not_started", _("Never started")
        AGENT_LOST = "agent_lost", _("The node stopped answering")

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    node = models.ForeignKey(Node, models.PROTECT, related_name="leases")
    reference = models.CharField(max_length=60, db_index=True)
    fence = models.PositiveBigIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    specification = models.JSONField()
    specification_digest = models.CharField(max_length=64)
    not_before = models.DateTimeField()
    ends_at = models.DateTimeField()
    expires_at = models.DateTimeField()  # renewed by heartbeat, never past ends_at
    created_at = models.DateTimeField()
    # First given to an agent: before that, nobody can be running it.
    handed_over_at = models.DateTimeField(null=True)
    stop_requested_at = models.DateTimeField(null=True)
    staged_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # How long after not_before the process began, on the agent's monotonic clock.
    start_delay_ms = models.IntegerField(null=True)
    end_reason = models.CharField(max_length=12, choices=EndReason, blank=True)
    end_note = models.CharField(max_length=500, blank=True)
    # The same as codes and numbers, from agents that send them: nodes/wording.py.
    end_notes = models.JSONField(default=list, db_default=[])
    exit_code = models.IntegerField(null=True)
    peak_memory_bytes = models.BigIntegerField(null=True)
    cpu_seconds = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    log_bytes = models.BigIntegerField(default=0)
    log_truncated = models.BooleanField(default=False)

    objects = LeaseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["node", "fence"], name="fence_is_unique_on_a_node"),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(
                name="fence_never_changes",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__fence__df=pgtrigger.F("new__fence")),
            )
        ]
        indexes = [
            models.Index(
                fields=["node", "expires_at"],
                name="lease_live",
                condition=Q(state__in=["waiting", "staged", "running"]),
            )
        ]


class LeasedHold(models.Model):
    """Which holds a lease uses: at most one live lease per hold, one running job per device."""

    lease = models.ForeignKey(Lease, models.CASCADE, related_name="leased_holds")
    device = models.ForeignKey(Device, models.PROTECT, related_name="+")
    hold_uid = models.UUIDField()
    is_live = models.BooleanField(default=True)
    is_running = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["hold_uid"], name="one_live_lease_per_hold", condition=Q(is_live=True)
            ),
            models.UniqueConstraint(
                fields=["device"], name="one_running_job_per_device", condition=Q(is_running=True)
            ),
        ]


class LogChunk(models.Model):
    """A piece of what a job printed, numbered by the agent from 1."""

    lease = models.ForeignKey(Lease, models.CASCADE, related_name="log")
    seq = models.PositiveIntegerField()
    at = models.DateTimeField()
    text = models.TextField()

    class Meta:
        ordering = ["seq"]
        constraints = [models.UniqueConstraint(fields=["lease", "seq"], name="log_chunk_once")]


class OutputFile(models.Model):
    """A file a job brought back."""

    lease = models.ForeignKey(Lease, models.CASCADE, related_name="files")
    name = models.CharField(max_length=255)  # relative path in the job's folder
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    content = models.FileField(upload_to="outputs/%Y/%m/")
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["lease", "name"], name="output_name_once")]
