"""Who may use what, when: the share tree, policy, decisions, reservations and their runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Project, User
from common.fields import ExactNumericField
from common.ids import uuid7
from ledger.models import Entry
from nodes.models import Device, Node
from pricing.models import Tariff

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class Vertex(models.Model):
    """An account (inner) or a project (leaf) of the share tree; the root has no parent.

    `path` holds the ids from just below the root down to the vertex itself, so that usage
    rolls up in one query. `shares` is None where the parent's shares are used ("parent").
    """

    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children")
    path = ArrayField(models.BigIntegerField(), default=list)
    name = models.CharField(max_length=150)
    shares = models.PositiveIntegerField(null=True)
    project = models.OneToOneField(Project, models.PROTECT, null=True, related_name="vertex")
    # Leaves only. Sum over settled hold events of weight x integral of 2**((t-L)/h), see
    # reservations.domain.decay: exact, so that it never depends on when it was read.
    decayed_usage = ExactNumericField(default=0)
    # Leaves only. Cost-weighted hours booked and not yet used, released or cancelled.
    committed = ExactNumericField(default=0)
    last_active_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["parent", "name"], name="vertex_name_is_unique_among_siblings"),
            models.UniqueConstraint(
                models.Value(1), name="share_tree_has_one_root", condition=Q(parent__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Policy(models.Model):
    """The versioned, dated, immutable row with every number of the rules."""

    version = models.PositiveIntegerField(unique=True)
    effective = DateTimeRangeField()
    rules = models.JSONField()  # reservations.domain.policy.Policy
    reason = models.CharField(max_length=500)
    digest = models.CharField(max_length=64)
    entry = models.OneToOneField(Entry, models.PROTECT, related_name="+")
    published_at = models.DateTimeField()

    class Meta:
        ordering = ["-version"]
        constraints = [
            ExclusionConstraint(
                name="policies_do_not_overlap", expressions=[("effective", RangeOperators.OVERLAPS)]
            )
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="policy_cannot_be_deleted", operation=pgtrigger.Delete),
            # A minute's grace: the moment was read before the transaction began, maybe on another clock.
            pgtrigger.Trigger(
                name="policy_only_ends",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                func="""
                    IF upper_inf(OLD.effective) AND NOT upper_inf(NEW.effective)
                       AND lower(OLD.effective) = lower(NEW.effective)
                       AND upper(NEW.effective) >= now() - interval '1 minute'
                       AND (to_jsonb(OLD) - 'effective') = (to_jsonb(NEW) - 'effective')
                    THEN RETURN NEW;
                    END IF;
                    RAISE EXCEPTION 'a published policy cannot be changed';
                """,
            ),
        ]


class Capacity(models.Model):
    """Bookable cost-weighted hours within the horizon, less closures and owners' own time."""

    at = models.DateTimeField(unique=True)
    horizon_hours = models.DecimalField(max_digits=10, decimal_places=4)
    cost_weighted_hours = models.DecimalField(max_digits=20, decimal_places=6)

    class Meta:
        get_latest_by = "at"


class DecisionQuerySet(models.QuerySet["Decision"]):
    def of(self, user: User | AnonymousUser) -> DecisionQuerySet:
        return self.filter(project__memberships__user=user) if user.is_authenticated else self.none()


class Decision(models.Model):
    """The stored answer to a request. The engine it names, on the snapshot it stores, replays it."""

    class Outcome(models.TextChoices):
        GRANTED = "granted", _("Granted")
        REFUSED = "refused", _("Refused")

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, models.PROTECT, related_name="decisions")
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    policy = models.ForeignKey(Policy, models.PROTECT, related_name="decisions")
    engine = models.CharField(max_length=20)
    request = models.JSONField()
    snapshot = models.JSONField()
    rules = models.JSONField()  # every rule: code, verdict, limit, actual, remedy
    quote = models.JSONField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome)
    digest = models.CharField(max_length=64)  # SHA-256 of the canonical JSON of all the above
    entry = models.OneToOneField(Entry, models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()

    objects = DecisionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        # The first page and /fairness/ count those of four weeks: without the rows themselves.
        indexes = [models.Index(fields=["decided_at"], include=["outcome"], name="decision_by_time")]
        triggers: ClassVar = [
            pgtrigger.Protect(name="decision_is_immutable", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def get_absolute_url(self) -> str:
        return f"/decisions/{self.uid}/"


class ReservationQuerySet(models.QuerySet["Reservation"]):
    def of(self, user: User | AnonymousUser) -> ReservationQuerySet:
        return self.filter(project__memberships__user=user) if user.is_authenticated else self.none()

    def unsettled(self) -> ReservationQuerySet:
        return self.filter(settled_at__isnull=True)


class Reservation(models.Model):
    """One project, one interval, devices of one or more nodes, a frozen price, a decision."""

    class State(models.TextChoices):
        BOOKED = "booked", _("Booked")
        CANCELLED = "cancelled", _("Cancelled")
        ENDED = "ended", _("Ended")

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, models.PROTECT, related_name="reservations")
    booked_by = models.ForeignKey(User, models.PROTECT, related_name="reservations")
    decision = models.OneToOneField(Decision, models.PROTECT, related_name="reservation")
    during = DateTimeRangeField()
    state = models.CharField(max_length=10, choices=State, default=State.BOOKED)
    quoted_price = models.DecimalField(max_digits=18, decimal_places=6)  # EUR, fee included
    created_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)  # charged, and usage counted

    objects = ReservationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["id"], name="reservation_unsettled", condition=Q(settled_at__isnull=True)),
        ]

    def get_absolute_url(self) -> str:
        return f"/reservations/{self.uid}/"

    @property
    def reference(self) -> str:
        """How the rooms below remember this reservation."""
        return f"reservation-{self.uid}"


class ReservedDevice(models.Model):
    """One device of a reservation, with the weight and price its decision froze."""

    reservation = models.ForeignKey(Reservation, models.PROTECT, related_name="devices")
    device = models.ForeignKey(Device, models.PROTECT, related_name="+")
    hold_uid = models.UUIDField(unique=True)
    weight = models.DecimalField(max_digits=18, decimal_places=6)  # cost-weighted hours per device-hour
    price = models.DecimalField(max_digits=18, decimal_places=6)  # EUR per device-hour
    fee = models.DecimalField(max_digits=18, decimal_places=6)  # EUR per device-hour, the site's
    tariff = models.ForeignKey(Tariff, models.PROTECT, related_name="+")


class UsageEntry(models.Model):
    """What one hold added to its project's usage once it was over. Append-only."""

    vertex = models.ForeignKey(Vertex, models.PROTECT, related_name="usage")
    hold_uid = models.UUIDField(unique=True)  # counted once, however often the sweep runs
    during = DateTimeRangeField()
    weight = models.DecimalField(max_digits=18, decimal_places=6)
    cost_weighted_hours = ExactNumericField()
    decayed = ExactNumericField()  # reservations.domain.decay

    class Meta:
        indexes = [GistIndex(fields=["during"], name="usage_by_time")]
        triggers: ClassVar = [
            pgtrigger.Protect(name="usage_is_append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]


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
