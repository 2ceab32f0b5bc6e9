"""Slots that a node's owner took back, and how reliable nodes were month by month."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q

from accounts.models import User
from nodes.models import Node
from reservations.models.reservations import Reservation


class SlotWithdrawal(models.Model):
    """An owner took a booked slot back, whole or its rest: counted in the node's reliability for good."""

    reservation = models.OneToOneField(Reservation, models.PROTECT, related_name="withdrawal")
    node = models.ForeignKey(Node, models.PROTECT, related_name="slot_withdrawals")  # whose owner did it
    reason = models.CharField(max_length=300)
    had_begun = models.BooleanField()
    by = models.ForeignKey(User, models.PROTECT, related_name="+")  # never shown to who held it
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        triggers: ClassVar = [
            pgtrigger.Protect(
                name="slot_withdrawal_is_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return self.reason


class NodeMonth(models.Model):
    """What became of the slots of a node that ended in one month (UTC)."""

    node = models.ForeignKey(Node, models.CASCADE, related_name="months")
    month = models.DateField()  # its first day
    slots = models.PositiveIntegerField()
    kept = models.PositiveIntegerField()
    late = models.PositiveIntegerField()
    missed = models.PositiveIntegerField()
    withdrawn = models.PositiveIntegerField()
    late_seconds = models.PositiveBigIntegerField()  # all that late slots waited
    counted_at = models.DateTimeField()

    class Meta:
        ordering = ["month", "node_id"]
        constraints = [
            models.UniqueConstraint(fields=["node", "month"], name="one_row_per_node_and_month"),
            models.CheckConstraint(
                condition=Q(
                    slots=models.F("kept") + models.F("late") + models.F("missed") + models.F("withdrawn")
                ),
                name="each_slot_of_a_month_counts_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.node_id} {self.month:%Y-%m}"
