"""Where stewards put accounts of the share tree, and why. Append-only, like the ledger's entry of each."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models

from accounts.models import User
from ledger.models import Entry
from reservations.models.tree import Vertex


class AccountMove(models.Model):
    """One account that was put below another, or given other shares where it stands."""

    account = models.ForeignKey(Vertex, models.PROTECT, related_name="moves")
    from_below = models.ForeignKey(Vertex, models.PROTECT, related_name="+")
    below = models.ForeignKey(Vertex, models.PROTECT, related_name="+")
    shares_before = models.PositiveIntegerField(null=True)  # None: those of its account
    shares = models.PositiveIntegerField()
    reason = models.CharField(max_length=500)
    moved_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    moved_at = models.DateTimeField()
    entry = models.OneToOneField(Entry, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        triggers: ClassVar = [
            pgtrigger.Protect(
                name="account_move_is_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return str(self.account)
