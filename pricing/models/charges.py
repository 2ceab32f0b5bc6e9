"""Rows of money."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Project
from common.ids import uuid7
from nodes.models import Node
from pricing.models.columns import eur
from pricing.models.grants import Grant
from pricing.models.published import Tariff


class Charge(models.Model):
    """One row of money. Quantity x unit price = amount, which is negative for a credit."""

    class Category(models.TextChoices):
        USAGE = "usage", _("Usage")
        UNUSED = "unused", _("Usage, unused")
        CREDIT = "credit", _("Credit")
        TAX = "tax", _("Tax")
        ADJUSTMENT = "adjustment", _("Adjustment")
        CORRECTION = "correction", _("Correction")

    class Item(models.TextChoices):
        SLOT = "slot", _("Slot")
        FEE = "fee", _("Equinode fee")
        LATE_START = "late_start", _("Late start, refunded")
        LOST = "lost", _("Not delivered, refunded")
        RELET = "relet", _("Re-let to others, refunded")
        ROUNDING = "rounding", _("Rounding")

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, models.PROTECT, related_name="charges")
    node = models.ForeignKey(Node, models.PROTECT, related_name="charges")
    reference = models.CharField(max_length=60)
    position = models.PositiveSmallIntegerField()
    category = models.CharField(max_length=10, choices=Category)
    item = models.CharField(max_length=12, choices=Item)
    quantity = models.DecimalField(max_digits=20, decimal_places=8)  # device-hours
    unit_price = eur()  # EUR per device-hour
    amount = eur()
    currency = models.CharField(max_length=3, default="EUR")
    period = DateTimeRangeField()
    grant = models.ForeignKey(Grant, models.PROTECT, null=True, related_name="charges")
    tariff = models.ForeignKey(Tariff, models.PROTECT, null=True, related_name="charges")
    detail = models.JSONField(default=dict)
    posted_at = models.DateTimeField()

    class Meta:
        ordering = ["reference", "position"]
        constraints = [
            # A sweep that runs twice cannot charge twice.
            models.UniqueConstraint(fields=["reference", "position"], name="charge_line_once")
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="charge_is_immutable", operation=pgtrigger.Update | pgtrigger.Delete)
        ]
