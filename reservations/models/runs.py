"""Jobs inside reservations, and the sweeps that move them on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from common.ids import uuid7
from nodes.models import Node
from reservations.domain.jobs import Terms
from reservations.models.reservations import Reservation

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class RunQuerySet(models.QuerySet["Run"]):
    def of(self, user: User | AnonymousUser) -> RunQuerySet:
        """The runs in slots of this person's projects."""
        return self.filter(reservation__in=Reservation.objects.of(user))


class Run(models.Model):
    """One execution of a job inside a reservation, on the held devices of one node."""

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        LEASED = "leased", _("Handed to the node")
        RUNNING = "running", _("Running")
        ENDED = "ended", _("Ended")
        LOST = "lost", _("Lost")
        NOT_RUN = "not_run", _("Not run")

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    reservation = models.ForeignKey(Reservation, models.PROTECT, related_name="runs")
    node = models.ForeignKey(Node, models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField()
    script = models.TextField()  # run by /bin/sh in the job's own folder
    environment = models.JSONField(default=dict)
    bring_back = models.JSONField(default=list)  # glob patterns of files to return
    # How it is to be run: reservations.domain.jobs.Terms, in its words.
    runner = models.CharField(max_length=10, blank=True, default="", db_default="")
    image = models.CharField(max_length=330, blank=True, default="", db_default="")
    network = models.CharField(max_length=10, default="none", db_default="none")
    retry = models.CharField(max_length=16, default="never", db_default="never")
    on_disconnect = models.CharField(max_length=4, default="keep", db_default="keep")
    checkpoint = models.JSONField(default=list, db_default=[])
    # The run whose node failed and in whose place this one was queued: once, whoever notices first.
    retry_of = models.OneToOneField("self", models.PROTECT, null=True, related_name="retried_as")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    lease_uid = models.UUIDField(null=True, unique=True)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["reservation", "number"], name="run_number_is_unique"),
            models.CheckConstraint(
                name="run_retry_is_known",
                condition=Q(retry__in=["never", "from_start", "from_checkpoint"]),
            ),
            models.CheckConstraint(
                name="run_on_disconnect_is_known", condition=Q(on_disconnect__in=["keep", "stop"])
            ),
        ]
        indexes = [
            models.Index(
                fields=["reservation"],
                name="run_unfinished",
                condition=Q(state__in=["queued", "leased", "running"]),
            )
        ]

    @property
    def reference(self) -> str:
        return f"run-{self.uid}"

    @property
    def terms(self) -> Terms:
        return Terms(
            runner=self.runner, image=self.image, network=self.network, retry=self.retry,
            on_disconnect=self.on_disconnect, checkpoint=tuple(self.checkpoint),
        )  # fmt: skip

    @property
    def is_over(self) -> bool:
        return self.state in (self.State.ENDED, self.State.LOST, self.State.NOT_RUN)

    def live_state(self, lease_state: str) -> str:
        """The lease knows first; a sweep copies what it knows a moment later."""
        return self.state if self.is_over else lease_state or self.state


class Sweep(models.Model):
    """When a repeated task last finished: a stale sweep is an alarm, shown on /status/."""

    name = models.CharField(max_length=40, unique=True)
    finished_at = models.DateTimeField()
    took_ms = models.PositiveIntegerField()
