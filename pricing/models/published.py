"""What owners publish: cost statements and tariffs."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Q

from accounts.models import User
from common.ids import uuid7
from common.ranges import PointRange
from ledger.models import Entry
from nodes.models import Node
from pricing.models.columns import Announced, announced_once, called_off_or_not, eur
from pricing.models.policies import PriceException, PricingPolicy


class CostStatement(Announced):
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
    full_available = eur()
    full_delivered = eur()
    chargeable_available = eur()
    chargeable_delivered = eur()
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
            called_off_or_not("a_statement_without_time_was_called_off"),
            ExclusionConstraint(
                name="statements_do_not_overlap",
                expressions=[
                    (PointRange("node"), RangeOperators.OVERLAPS),
                    ("effective", RangeOperators.OVERLAPS),
                ],
            ),
        ]
        triggers: ClassVar = announced_once("statement")


class CostComponent(models.Model):
    """One line of a statement: EUR a year for the whole node, before and after public grants."""

    statement = models.ForeignKey(CostStatement, models.PROTECT, related_name="components")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=20)  # pricing.domain.cost.Kind
    full_year = eur()
    chargeable_year = eur()
    detail = models.JSONField(default=dict)  # the numbers behind the line, for its sentence

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["statement", "position"], name="component_position_is_unique")
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="component_is_immutable", operation=pgtrigger.Update | pgtrigger.Delete)
        ]


class Tariff(Announced):
    """The dated price of a device-hour on a node, in EUR before VAT and the site's fee."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    node = models.ForeignKey(Node, models.PROTECT, related_name="tariffs")
    number = models.PositiveIntegerField()
    statement = models.ForeignKey(CostStatement, models.PROTECT, related_name="tariffs")
    price = eur()
    # Over-recovery given back (negative) or deficit carried (positive), EUR per device-hour.
    carried = eur(default=0)
    # What the owner leaves off (negative) or adds (positive) after that, EUR per device-hour.
    owner_adjustment = eur(default=0)
    # What it was held against as it was published: none where no pricing policy was in force.
    policy = models.ForeignKey(PricingPolicy, models.PROTECT, null=True, related_name="tariffs")
    limit = eur(null=True)  # the highest price that the cap allowed
    exception = models.ForeignKey(PriceException, models.PROTECT, null=True, related_name="tariffs")
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
            # Where no policy was in force there is no limit in the row; the service bounds it all the same.
            models.CheckConstraint(
                condition=Q(limit=None) | Q(price__lte=F("limit")) | Q(exception__isnull=False),
                name="a_tariff_above_its_limit_has_an_exception",
            ),
            called_off_or_not("a_tariff_without_time_was_called_off"),
            models.CheckConstraint(
                condition=Q(exception=None) | Q(effective__upper_inf=False),
                name="a_tariff_under_an_exception_ends",
            ),
            ExclusionConstraint(
                name="tariffs_do_not_overlap",
                expressions=[
                    (PointRange("node"), RangeOperators.OVERLAPS),
                    ("effective", RangeOperators.OVERLAPS),
                ],
            ),
        ]
        triggers: ClassVar = announced_once("tariff")
