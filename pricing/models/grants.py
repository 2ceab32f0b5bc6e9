"""What funders give and what is set aside of it."""

from __future__ import annotations

from decimal import Decimal

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q

from accounts.models import Organisation, Project, User
from common.ids import uuid7
from pricing.models.columns import device_hours, eur


class FundingLine(models.Model):
    """What a funder sets aside for grants of one purpose.

    committed is the sum of its grants' amounts, less what they returned once their time was over.
    """

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    funder = models.ForeignKey(Organisation, models.PROTECT, related_name="funding_lines")
    name = models.CharField(max_length=80)
    purpose = models.CharField(max_length=300)
    valid = DateTimeRangeField()
    amount = eur()
    committed = eur(default=0)
    # For whom: project classes; empty: for all.
    classes = ArrayField(models.CharField(max_length=11), default=list, blank=True)
    # The line that pays the universal allowance: so many device-hours a month for each, up to so much.
    allowance_hours = models.DecimalField(max_digits=8, decimal_places=2, null=True)
    allowance_amount = eur(null=True)  # EUR a month for each, at most
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    # From then on it gives nothing more; what it gave stays given.
    closed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["funder", "name"], name="a_funders_line_has_its_own_name"),
            models.CheckConstraint(
                condition=Q(committed__gte=0) & Q(amount__gte=F("committed")),
                name="funding_line_is_not_overcommitted",
            ),
            models.CheckConstraint(
                condition=Q(allowance_hours=None, allowance_amount=None)
                | Q(allowance_hours__gt=0, allowance_amount__gt=0),
                name="an_allowance_has_hours_and_an_amount",
            ),
            ExclusionConstraint(
                name="one_allowance_line_at_a_time",
                expressions=[("valid", RangeOperators.OVERLAPS)],
                condition=Q(allowance_hours__isnull=False, closed_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def left(self) -> Decimal:
        left: Decimal = self.amount - self.committed
        return left


class Grant(models.Model):
    """Money a funder gives a project for hours in a period: amount = encumbered + used + returned + left.

    With `hours` it pays for so many device-hours at most, too: the same sum holds for them.
    """

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, models.PROTECT, related_name="grants")
    funder = models.ForeignKey(Organisation, models.PROTECT, related_name="grants")
    line = models.ForeignKey(FundingLine, models.PROTECT, null=True, related_name="grants")
    name = models.CharField(max_length=80)
    purpose = models.CharField(max_length=300)
    valid = DateTimeRangeField()
    amount = eur()
    encumbered = eur(default=0)
    used = eur(default=0)
    # What nobody can use any more, its time being over, and its line has back.
    returned = eur(default=0, db_default=0)
    hours = device_hours(null=True)
    hours_encumbered = device_hours(default=0, db_default=0)
    hours_used = device_hours(default=0, db_default=0)
    # The first day (UTC) of the month of a universal allowance; None for any other grant.
    allowance_month = models.DateField(null=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")  # None: a sweep
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            # The last word on the budget: what is promised and spent fits what was given.
            models.CheckConstraint(
                condition=Q(encumbered__gte=0)
                & Q(used__gte=0)
                & Q(returned__gte=0)
                & Q(amount__gte=F("encumbered") + F("used") + F("returned")),
                name="grant_is_not_overspent",
            ),
            models.CheckConstraint(
                condition=Q(hours_encumbered__gte=0)
                & Q(hours_used__gte=0)
                & (Q(hours=None) | Q(hours__gte=F("hours_encumbered") + F("hours_used"))),
                name="grant_hours_are_not_overspent",
            ),
            models.UniqueConstraint(
                fields=["project", "allowance_month"],
                condition=Q(allowance_month__isnull=False),
                name="one_allowance_a_month",
            ),
            models.CheckConstraint(
                condition=Q(returned=0) | Q(line__isnull=False), name="only_to_a_line_is_returned"
            ),
        ]

    @property
    def left(self) -> Decimal:
        left: Decimal = self.amount - self.encumbered - self.used - self.returned
        return left

    @property
    def hours_left(self) -> Decimal | None:
        """Device-hours; None where only money counts."""
        return None if self.hours is None else self.hours - self.hours_encumbered - self.hours_used


class Encumbrance(models.Model):
    """What a reservation has set aside in a grant, until it is charged."""

    grant = models.ForeignKey(Grant, models.PROTECT, related_name="encumbrances")
    reference = models.CharField(max_length=60, db_index=True)
    amount = eur()
    hours = device_hours(default=0, db_default=0)  # the device-hours that this pays
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["grant", "reference"], name="one_encumbrance_per_grant")
        ]
