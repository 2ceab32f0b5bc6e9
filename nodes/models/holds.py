"""Who has a device and when, its append-only history, and why devices are closed."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from common.ids import uuid7
from common.ranges import PointRange
from nodes.models.places import Device


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
        # What is closed is asked for by time, of many devices at once, and is a small part of all holds.
        indexes = [
            GistIndex(fields=["during"], name="closures_by_time", condition=Q(kind__in=["closure", "owner"]))
        ]
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
