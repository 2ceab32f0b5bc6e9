"""What an hour costs: cost statements, tariffs, hourly prices, grants and charges.

Published rows are immutable by trigger; a correction is a new row that names what it corrects.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, Project, User
from common.ids import uuid7
from common.ranges import PointRange
from ledger.models import Entry
from nodes.models import Node


def _published_once(name: str) -> list[pgtrigger.Trigger]:
    """A published row cannot change, but for one thing: an open end may be closed, not in the past.

    A minute's grace: the moment was read before the transaction began, maybe on another clock.
    """
    return [
        pgtrigger.Protect(name=f"{name}_cannot_be_deleted", operation=pgtrigger.Delete),
        pgtrigger.Trigger(
            name=f"{name}_only_ends",
            operation=pgtrigger.Update,
            when=pgtrigger.Before,
            func="""
                IF upper_inf(OLD.effective) AND NOT upper_inf(NEW.effective)
                   AND lower(OLD.effective) = lower(NEW.effective)
                   AND upper(NEW.effective) >= now() - interval '1 minute'
                   AND (to_jsonb(OLD) - 'effective') = (to_jsonb(NEW) - 'effective')
                THEN RETURN NEW;
                END IF;
                RAISE EXCEPTION 'a published row of % cannot be changed', TG_TABLE_NAME;
            """,
        ),
    ]


def _eur(**extra: Any) -> models.DecimalField[Any, Any]:
    """Euros, to the sixth decimal; only an invoice line is rounded."""
    return models.DecimalField(max_digits=18, decimal_places=6, **extra)


class Published(models.Model):
    """What every published row has: a period that may be open to the end."""

    effective = DateTimeRangeField()

    class Meta:
        abstract = True

    @property
    def effective_from(self) -> datetime:
        start: datetime | None = self.effective.lower
        if start is None:
            raise ValueError("a published row has a beginning")
        return start

    @property
    def effective_until(self) -> datetime | None:
        """None: until further notice."""
        until: datetime | None = self.effective.upper
        return until


class CostStatement(Published):
    """An owner's dated declaration of every cost component of a node.

    Costs are in EUR per device-hour; "available" spreads them over the hours the node can be
    booked, "delivered" over the hours expected to be used. Before the first monthly close the
    delivered hours are a projection. Formulas: docs/cost-model.md.
    """

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    node = models.ForeignKey(Node, models.PROTECT, related_name="statements")
    number = models.PositiveIntegerField()
    declared = models.JSONField()  # what the owner wrote, as pricing.domain.cost reads it
    device_count = models.PositiveSmallIntegerField()
    available_device_hours = models.DecimalField(max_digits=14, decimal_places=4)  # a year
    delivered_device_hours = models.DecimalField(max_digits=14, decimal_places=4)  # a year, projected
    full_available = _eur()
    full_delivered = _eur()
    chargeable_available = _eur()
    chargeable_delivered = _eur()
    publicly_funded_share = models.DecimalField(max_digits=7, decimal_places=6)  # of the purchase
    corrects = models.ForeignKey("self", models.PROTECT, null=True, related_name="corrections")
    reason = models.CharField(max_length=500, blank=True)
    digest = models.CharField(max_length=64)
    entry = models.OneToOneField(Entry, models.PROTECT, related_name="+")
    published_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    published_at = models.DateTimeField()

    class Meta:
        ordering = ["node_id", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["node", "number"], name="statement_number_is_unique"),
            ExclusionConstraint(
                name="statements_do_not_overlap",
                expressions=[
                    (PointRange("node"), RangeOperators.OVERLAPS),
                    ("effective", RangeOperators.OVERLAPS),
                ],
            ),
        ]
        triggers: ClassVar = _published_once("statement")


class CostComponent(models.Model):
    """One line of a statement: EUR a year for the whole node, before and after public grants."""

    statement = models.ForeignKey(CostStatement, models.PROTECT, related_name="components")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=20)  # pricing.domain.cost.Kind
    full_year = _eur()
    chargeable_year = _eur()
    detail = models.JSONField(default=dict)  # the numbers behind the line, for its sentence

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["statement", "position"], name="component_position_is_unique")
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="component_is_immutable", operation=pgtrigger.Update | pgtrigger.Delete)
        ]


class Tariff(Published):
    """The dated price of a device-hour on a node, in EUR before VAT and the site's fee."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    node = models.ForeignKey(Node, models.PROTECT, related_name="tariffs")
    number = models.PositiveIntegerField()
    statement = models.ForeignKey(CostStatement, models.PROTECT, related_name="tariffs")
    price = _eur()
    # Over-recovery given back (negative) or deficit carried (positive), EUR per device-hour.
    carried = _eur(default=0)
    # What the owner leaves off (negative) or adds (positive) after that, EUR per device-hour.
    owner_adjustment = _eur(default=0)
    corrects = models.ForeignKey("self", models.PROTECT, null=True, related_name="corrections")
    reason = models.CharField(max_length=500, blank=True)
    digest = models.CharField(max_length=64)
    entry = models.OneToOneField(Entry, models.PROTECT, related_name="+")
    published_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    published_at = models.DateTimeField()

    class Meta:
        ordering = ["node_id", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["node", "number"], name="tariff_number_is_unique"),
            models.CheckConstraint(condition=Q(price__gte=0), name="tariff_is_not_negative"),
            ExclusionConstraint(
                name="tariffs_do_not_overlap",
                expressions=[
                    (PointRange("node"), RangeOperators.OVERLAPS),
                    ("effective", RangeOperators.OVERLAPS),
                ],
            ),
        ]
        triggers: ClassVar = _published_once("tariff")


class SiteFee(Published):
    """What this site itself charges per device-hour: a line of its own in every price."""

    amount = _eur()
    reason = models.CharField(max_length=500)
    entry = models.OneToOneField(Entry, models.PROTECT, related_name="+")
    published_at = models.DateTimeField()

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="site_fees_do_not_overlap", expressions=[("effective", RangeOperators.OVERLAPS)]
            )
        ]
        triggers: ClassVar = _published_once("site_fee")


class DayAheadPrice(models.Model):
    """The wholesale price of one hour of electricity in one bidding zone. May be negative."""

    zone = models.CharField(max_length=20)
    hour = models.DateTimeField()  # its beginning, UTC
    eur_per_mwh = models.DecimalField(max_digits=10, decimal_places=2)
    source = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["zone", "hour"], name="one_price_per_zone_and_hour")]


class Grant(models.Model):
    """Money a funder gives a project for hours in a period: amount = encumbered + used + left."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, models.PROTECT, related_name="grants")
    funder = models.ForeignKey(Organisation, models.PROTECT, related_name="grants")
    name = models.CharField(max_length=80)
    purpose = models.CharField(max_length=300)
    valid = DateTimeRangeField()
    amount = _eur()
    encumbered = _eur(default=0)
    used = _eur(default=0)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            # The last word on the budget: what is promised and spent fits what was given.
            models.CheckConstraint(
                condition=Q(encumbered__gte=0) & Q(used__gte=0) & Q(amount__gte=F("encumbered") + F("used")),
                name="grant_is_not_overspent",
            )
        ]

    @property
    def left(self) -> Decimal:
        left: Decimal = self.amount - self.encumbered - self.used
        return left


class Encumbrance(models.Model):
    """What a reservation has set aside in a grant, until it is charged."""

    grant = models.ForeignKey(Grant, models.PROTECT, related_name="encumbrances")
    reference = models.CharField(max_length=60, db_index=True)
    amount = _eur()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["grant", "reference"], name="one_encumbrance_per_grant")
        ]


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
    unit_price = _eur()  # EUR per device-hour
    amount = _eur()
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
