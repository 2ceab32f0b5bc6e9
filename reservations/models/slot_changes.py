"""What was done to a slot after it was booked. Append-only: nothing that happened is taken back."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
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
