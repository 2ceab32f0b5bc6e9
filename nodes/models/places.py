"""Sites, nodes and devices: what there is, where it stands and whose it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from common.ids import uuid7

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
        """The nodes that everybody may book on."""
        return self.filter(state=Node.State.LISTED)

    def on_site(self) -> NodeQuerySet:
        """The nodes that serve: those that take no new bookings have prices, slots and jobs all the same."""
        return self.filter(state__in=Node.ON_SITE)


class Node(models.Model):
    """One machine, or one cluster behind its own scheduler, listed by an owner organisation."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        LISTED = "listed", _("Listed")
        DRAINED = "drained", _("Takes no new bookings")  # what is booked stays
        WITHDRAWN = "withdrawn", _("Withdrawn")

    # What holds of them does not cease because somebody drains them: caps, reviews, figures.
    ON_SITE = (State.LISTED, State.DRAINED)

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
    # Since when somebody wants it to take no new bookings; the site itself may have reasons beside.
    drained_at = models.DateTimeField(null=True, blank=True)
    # Since when its agent finds less, or other, than what is listed, and nobody has settled it.
    differs_since = models.DateTimeField(null=True, blank=True)

    objects = NodeQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            # Everything that books asks for the state.
            models.CheckConstraint(
                condition=~Q(state="listed") | Q(drained_at__isnull=True, differs_since__isnull=True),
                name="node_that_takes_bookings_is_not_held_back",
            )
        ]

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
