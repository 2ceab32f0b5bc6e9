"""How far a price may lie above its cost: the policy for prices, and the exceptions to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Greatest, Least

from accounts.models import User
from common.ids import uuid7
from common.ranges import PointRange
from ledger.models import Entry
from nodes.models import Node
from pricing.domain.capping import Rules
from pricing.models.columns import Published, eur, published_once

if TYPE_CHECKING:
    from datetime import datetime

_BEGINS = Func(F("effective"), function="lower", output_field=models.DateTimeField())
_ENDS = Func(F("effective"), function="upper", output_field=models.DateTimeField())


def share(**extra: Any) -> models.DecimalField[Any, Any]:
    return models.DecimalField(max_digits=7, decimal_places=6, **extra)


class PricingPolicy(Published):
    """The versioned, dated, immutable row with the numbers that bound what may be charged."""

    version = models.PositiveIntegerField(unique=True)
    private_cap = share()  # of the chargeable cost: 0.1 lets a price lie a tenth above it
    public_cap = share()
    utilisation_floor = share()  # cost per hour is taken at this use where a node is used less
    window_months = models.PositiveSmallIntegerField()  # within which what was over-recovered is given back
    reason = models.CharField(max_length=500)
    digest = models.CharField(max_length=64)
    entry = models.OneToOneField(Entry, models.PROTECT, related_name="+")
    published_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    published_at = models.DateTimeField()

    class Meta:
        ordering = ["-version"]
        constraints = [
            ExclusionConstraint(
                name="pricing_policies_do_not_overlap", expressions=[("effective", RangeOperators.OVERLAPS)]
            ),
            models.CheckConstraint(
                condition=Q(
                    public_cap__gte=0,
                    private_cap__gte=F("public_cap"),
                    utilisation_floor__gt=0,
                    utilisation_floor__lte=1,
                    window_months__gte=1,
                ),
                name="a_pricing_policy_is_sound",
            ),
        ]
        triggers: ClassVar = published_once("pricing_policy")

    @property
    def rules(self) -> Rules:
        return Rules(self.private_cap, self.public_cap, self.utilisation_floor, self.window_months)


class PriceExceptionQuerySet(models.QuerySet["PriceException"]):
    def in_force(self, at: datetime) -> PriceExceptionQuerySet:
        return self.filter(in_force__contains=at)

    def not_over(self, at: datetime) -> PriceExceptionQuerySet:
        """In force or to come."""
        return self.filter(in_force__endswith__gt=at)


class PriceException(models.Model):
    """A node may cost more than the cap allows, up to a price and for some time.

    Granted by a steward, public for good. It can be ended early, and neither changed nor deleted.
    """

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    node = models.ForeignKey(Node, models.PROTECT, related_name="price_exceptions")
    highest_price = eur()  # per device-hour, before VAT and the site's fee
    effective = DateTimeRangeField()  # as granted
    reason = models.CharField(max_length=500)
    granted_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    granted_at = models.DateTimeField()
    entry = models.OneToOneField(Entry, models.PROTECT, related_name="+")
    # Where a steward ended it early.
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    end_reason = models.CharField(max_length=500, blank=True)
    end_entry = models.OneToOneField(Entry, models.PROTECT, null=True, related_name="+")
    # From its beginning to its end, whichever that was; empty where it was ended before it began.
    in_force = models.GeneratedField(
        expression=Func(
            _BEGINS, Greatest(_BEGINS, Least(_ENDS, F("ended_at"))), function="tstzrange",
            output_field=DateTimeRangeField(),
        ),
        output_field=DateTimeRangeField(),
        db_persist=True,
    )  # fmt: skip

    objects = PriceExceptionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            ExclusionConstraint(
                name="price_exceptions_do_not_overlap",
                expressions=[
                    (PointRange("node_id"), RangeOperators.OVERLAPS),
                    ("in_force", RangeOperators.OVERLAPS),
                ],
            ),
            models.CheckConstraint(
                condition=Q(effective__isempty=False, effective__lower_inf=False, effective__upper_inf=False),
                name="a_price_exception_begins_and_ends",
            ),
            models.CheckConstraint(
                condition=~Q(reason="") & Q(highest_price__gt=0),
                name="a_price_exception_says_why_and_how_far",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None, end_reason="", end_entry=None)
                | (
                    Q(ended_at__isnull=False, ended_by__isnull=False, end_entry__isnull=False)
                    & ~Q(end_reason="")
                ),
                name="an_ended_price_exception_says_by_whom_and_why",
            ),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="price_exception_cannot_be_deleted", operation=pgtrigger.Delete),
            # Generated columns have no value yet before a row is written.
            pgtrigger.Trigger(
                name="price_exception_only_ends",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                func="""
                    IF OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL
                       AND NEW.ended_at < upper(OLD.effective)
                       AND NEW.ended_at >= now() - interval '1 minute'
                       AND (to_jsonb(OLD) - ARRAY['ended_at', 'ended_by_id', 'end_reason', 'end_entry_id',
                                                  'in_force'])
                         = (to_jsonb(NEW) - ARRAY['ended_at', 'ended_by_id', 'end_reason', 'end_entry_id',
                                                  'in_force'])
                    THEN RETURN NEW;
                    END IF;
                    RAISE EXCEPTION 'an exception can be ended, and not changed';
                """,
            ),
        ]

    def __str__(self) -> str:
        return str(self.uid)

    def get_absolute_url(self) -> str:
        """Its line on the page that everybody may read."""
        return f"/exceptions/#p-{self.uid}"
