"""What there is and who holds it: sites, nodes, devices, holds, agents, leases.

Why somebody holds a device is told by `reference`, an opaque string of the app above.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from common.ids import uuid7
from common.ranges import PointRange

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class Site(models.Model):
    """A place with an electricity zone, a PUE and a country."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=150)
    country = models.CharField(max_length=2)  # ISO 3166-1 alpha-2
    electricity_zone = models.CharField(max_length=20)  # ENTSO-E bidding zone, such as FR
    time_zone = models.CharField(max_length=64)
    pue = models.DecimalField(max_digits=5, decimal_places=3)  # power usage effectiveness, >= 1

    class Meta:
        ordering = ["name"]
        constraints = [models.CheckConstraint(condition=Q(pue__gte=1), name="site_pue_at_least_one")]

    def __str__(self) -> str:
        return self.name


class NodeQuerySet(models.QuerySet["Node"]):
    def of(self, user: User | AnonymousUser) -> NodeQuerySet:
        """The nodes this person may manage: those of their own organisations."""
        return self.filter(owner__memberships__user=user) if user.is_authenticated else self.none()

    def listed(self) -> NodeQuerySet:
        """The nodes everybody may see."""
        return self.filter(state=Node.State.LISTED)


class Node(models.Model):
    """One machine, or one cluster behind its own scheduler, listed by an owner organisation."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        LISTED = "listed", _("Listed")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    class Runner(models.TextChoices):
        BUBBLEWRAP = "bubblewrap", "bubblewrap"
        PODMAN = "podman", "Podman"
        SLURM = "slurm", "Slurm"

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=150)
    owner = models.ForeignKey(Organisation, models.PROTECT, related_name="nodes")
    site = models.ForeignKey(Site, models.PROTECT, related_name="nodes")
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    runner = models.CharField(max_length=10, choices=Runner, default=Runner.BUBBLEWRAP)
    vendor = models.CharField(max_length=80, blank=True)
    machine_model = models.CharField(max_length=120, blank=True)
    cpu_model = models.CharField(max_length=120)
    cpu_cores = models.PositiveIntegerField()
    memory_bytes = models.PositiveBigIntegerField()
    # Grows with every lease on this node, never shrinks: the fence of the newest lease.
    last_fence = models.PositiveBigIntegerField(default=0)
    listed_at = models.DateTimeField(null=True, blank=True)

    objects = NodeQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"/nodes/{self.slug}/"


class Device(models.Model):
    """The unit that is booked: one GPU, one MIG instance, or a whole host without accelerators."""

    class Kind(models.TextChoices):
        GPU = "gpu", _("GPU")
        MIG = "mig", _("MIG instance")
        HOST = "host", _("Whole host")

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    node = models.ForeignKey(Node, models.PROTECT, related_name="devices")
    index = models.PositiveSmallIntegerField()  # as the node numbers it
    kind = models.CharField(max_length=5, choices=Kind)
    model = models.CharField(max_length=80)
    memory_bytes = models.PositiveBigIntegerField()
    # A slug of model and memory: devices that are the same to a researcher share it.
    model_key = models.SlugField(max_length=90)

    class Meta:
        ordering = ["node_id", "index"]
        constraints = [models.UniqueConstraint(fields=["node", "index"], name="device_index_is_unique")]
        indexes = [models.Index(fields=["model_key"])]

    def __str__(self) -> str:
        return f"{self.model}, {self.index}"


class Hold(models.Model):
    """ "This device is taken during [start, end)." The present occupancy, and the one truth about it."""

    class Kind(models.TextChoices):
        RESERVATION = "reservation", _("Reservation")
        OFFER = "offer", _("Offer")
        CLOSURE = "closure", _("Maintenance")
        OWNER = "owner", _("Owner’s own time")

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    device = models.ForeignKey(Device, models.PROTECT, related_name="holds")
    during = DateTimeRangeField()
    reference = models.CharField(max_length=60, db_index=True)
    kind = models.CharField(max_length=12, choices=Kind)

    class Meta:
        constraints = [
            # The last word on double booking. Services only explain it.
            ExclusionConstraint(
                name="holds_do_not_overlap",
                expressions=[
                    (PointRange("device"), RangeOperators.OVERLAPS),
                    ("during", RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(
                condition=Q(during__isempty=False)
                & Q(during__startswith__isnull=False)
                & Q(during__endswith__isnull=False),
                name="hold_has_two_ends",
            ),
        ]


class HoldEvent(models.Model):
    """The append-only history of a hold. Usage, charges and refunds derive from these rows alone.

    `during` is what the event is about: the whole interval when granted or cancelled, the
    interval given back when released or withdrawn. `weight` is in cost-weighted hours per
    device-hour, `price` in EUR per device-hour; both frozen by the decision.
    """

    class Event(models.TextChoices):
        GRANTED = "granted"
        STARTED = "started"
        RELEASED = "released"
        CANCELLED = "cancelled"
        WITHDRAWN = "withdrawn"

    event = models.CharField(max_length=10, choices=Event)
    hold_uid = models.UUIDField(db_index=True)
    hold_kind = models.CharField(max_length=12, choices=Hold.Kind)
    device = models.ForeignKey(Device, models.PROTECT, related_name="hold_events")
    during = DateTimeRangeField()
    reference = models.CharField(max_length=60, db_index=True)
    weight = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    price = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            # Said twice at once, said once. Releasing may happen more than once.
            models.UniqueConstraint(
                fields=["hold_uid", "event"],
                name="hold_event_once",
                condition=Q(event__in=["granted", "started", "cancelled"]),
            )
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(
                name="hold_event_is_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            ),
        ]


class Closure(models.Model):
    """Why devices are closed for maintenance or for their owner. Their holds carry its reference."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    kind = models.CharField(max_length=12, choices=Hold.Kind)
    reason = models.CharField(max_length=300)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["closure", "owner"]), name="closure_is_maintenance_or_owner"
            )
        ]

    def __str__(self) -> str:
        return self.reason

    @property
    def reference(self) -> str:
        return f"closure-{self.uid}"


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
    inventory = models.JSONField(default=dict)  # as the agent reported it
    enrolled_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)

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
