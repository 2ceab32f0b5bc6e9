"""What was done to a slot after it was booked, or was to be. Append-only: nothing is taken back."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from reservations.models.decisions import Decision
from reservations.models.reservations import Reservation


class SlotChange(models.Model):
    class Kind(models.TextChoices):
        MOVED = "moved", _("Moved")
        EXTENDED = "extended", _("Extended")
        RELEASE_ASKED = "asked", _("To be released after its jobs")
        RELEASE_KEPT = "kept", _("Kept after all")
        RELEASED = "released", _("Released early")
        HANDED_OVER = "handed_over", _("Handed over")
        CHECKED_IN = "checked_in", _("In use")
        WARNED = "warned", _("Warned: nobody seemed to use it")
        NO_SHOW = "no_show", _("Released: nobody came")

    reservation = models.ForeignKey(Reservation, models.PROTECT, related_name="changes")
    kind = models.CharField(max_length=12, choices=Kind)
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")  # None: the site itself
    # Of a slot that was handed over.
    held_before = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    held_after = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        triggers: ClassVar = [
            pgtrigger.Protect(
                name="slot_change_is_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class RefusedChange(models.Model):
    """Which slot a refused decision was to move or extend. It stays; the way on is another change of it."""

    decision = models.OneToOneField(Decision, models.PROTECT, related_name="refused_change")
    reservation = models.ForeignKey(Reservation, models.PROTECT, related_name="refused_changes")
    change = models.CharField(max_length=10, choices=Reservation.Change)

    class Meta:
        triggers: ClassVar = [
            pgtrigger.Protect(
                name="refused_change_is_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return str(self.decision_id)
