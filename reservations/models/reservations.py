"""Reservations and their devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import DateTimeField, Func, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Project, User
from common.ids import uuid7
from nodes.models import Device
from pricing.models import Tariff
from reservations.models.decisions import Decision

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class ReservationQuerySet(models.QuerySet["Reservation"]):
    def of(self, user: User | AnonymousUser) -> ReservationQuerySet:
        if not user.is_authenticated:
            return self.none()
        return self.filter(user.within("project"), project__memberships__user=user)

    def unsettled(self) -> ReservationQuerySet:
        return self.filter(settled_at__isnull=True)


class Reservation(models.Model):
    """One project, one interval, devices of one or more nodes, a frozen price, a decision."""

    class State(models.TextChoices):
        BOOKED = "booked", _("Booked")
        CANCELLED = "cancelled", _("Cancelled")
        RELEASED = "released", _("Released early")  # it had begun; the rest was given back
        ENDED = "ended", _("Ended")

    class Change(models.TextChoices):
        """How it came out of the one before it."""

        MOVED = "moved", _("Moved")
        EXTENDED = "extended", _("Extended")

    class ReleaseWhen(models.TextChoices):
        NOW = "now", _("Now")
        AFTER_RUNS = "after_runs", _("When no job runs or waits any more")

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, models.PROTECT, related_name="reservations")
    booked_by = models.ForeignKey(User, models.PROTECT, related_name="reservations")
    decision = models.OneToOneField(Decision, models.PROTECT, related_name="reservation")
    during = DateTimeRangeField()
    state = models.CharField(max_length=10, choices=State, default=State.BOOKED)
    quoted_price = models.DecimalField(max_digits=18, decimal_places=6)  # EUR, fee included
    created_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True)
    # The reservation that this one took the place of, or goes on from.
    descendant_of = models.ForeignKey("self", models.PROTECT, null=True, related_name="descendants")
    change = models.CharField(max_length=10, choices=Change, blank=True)
    released_at = models.DateTimeField(null=True)
    # Asked for while a job ran: given back once nothing runs or waits in it.
    release_asked_at = models.DateTimeField(null=True)
    checked_in_at = models.DateTimeField(null=True)  # somebody said that they use it
    looked_at = models.DateTimeField(null=True)  # whether anybody uses it: looked for once it has begun
    settled_at = models.DateTimeField(null=True)  # charged, and usage counted

    objects = ReservationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["id"], name="reservation_unsettled", condition=Q(settled_at__isnull=True)),
            # What was settled since, and what ended in a month: kept up only as slots are settled.
            models.Index(
                fields=["settled_at"], name="reservation_settled", condition=Q(settled_at__isnull=False)
            ),
            models.Index(
                Func("during", function="upper", output_field=DateTimeField()),
                name="reservation_settled_by_end", condition=Q(settled_at__isnull=False),
            ),
            # Whatever its time: a sweep that comes late, or not for days, still finds each slot.
            models.Index(
                fields=["id"], name="reservation_not_looked_at",
                condition=Q(looked_at__isnull=True) & ~Q(state="cancelled"),
            ),
            models.Index(
                fields=["id"], name="reservation_to_be_released",
                condition=Q(release_asked_at__isnull=False, state="booked"),
            ),
        ]  # fmt: skip
        constraints = [
            models.CheckConstraint(
                condition=Q(descendant_of=None, change="") | (Q(descendant_of__isnull=False) & ~Q(change="")),
                name="a_descendant_says_what_changed",
            ),
            # However many ask at once: a slot moves once, and goes on in one other.
            models.UniqueConstraint(
                fields=["descendant_of", "change"],
                name="one_descendant_of_each_kind",
                condition=~Q(state="cancelled") | Q(change="moved"),
            ),
            models.CheckConstraint(
                condition=~Q(state="released") | Q(released_at__isnull=False),
                name="a_released_slot_says_when",
            ),
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
