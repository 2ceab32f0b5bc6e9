"""Exceptions to the policy: one number of it, eased for one project and for some time."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Greatest, Least
from django.utils.translation import gettext_lazy as _

from accounts.models import Project, User
from common.ids import uuid7
from common.ranges import PointRange
from ledger.models import Entry
from reservations.domain.easing import NUMBERS
from reservations.models.policies import Policy

if TYPE_CHECKING:
    from datetime import datetime

_BEGINS = Func(F("effective"), function="lower", output_field=models.DateTimeField())
_ENDS = Func(F("effective"), function="upper", output_field=models.DateTimeField())


class PolicyExceptionQuerySet(models.QuerySet["PolicyException"]):
    def in_force(self, at: datetime) -> PolicyExceptionQuerySet:
        return self.filter(in_force__contains=at)

    def not_over(self, at: datetime) -> PolicyExceptionQuerySet:
        """In force or to come."""
        return self.filter(in_force__endswith__gt=at)


class PolicyException(models.Model):
    """Granted by a steward, public for good. It can be ended early, and neither changed nor deleted."""

    class Number(models.TextChoices):
        """The numbers of the policy that can be eased: reservations.domain.easing.NUMBERS says why these."""

        LONGEST_HOURS = "longest_hours", _("Longest slot")
        HORIZON_DAYS = "horizon_days", _("Horizon")
        EXEMPT_HOURS = "exempt_hours", _("Hours that need no room")
        LEAST_FACTOR = "least_factor", _("Least factor of room")
        LEAST_NODE_HOURS = "least_node_hours", _("Least room, hours of a whole node")
        MODEL_SHARE = "model_share", _("Part of a model’s hours in a week")

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, models.PROTECT, related_name="policy_exceptions")
    policy = models.ForeignKey(Policy, models.PROTECT, related_name="exceptions")  # in force as it begins
    number = models.CharField(max_length=20, choices=Number)
    policy_value = models.CharField(max_length=20)  # an exact number as text: 168, 1/2
    value = models.CharField(max_length=20)
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

    objects = PolicyExceptionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            # One for each number: text is compared by `=`, for which GiST would want btree_gist.
            *(
                ExclusionConstraint(
                    name=f"exceptions_to_{number}_do_not_overlap",
                    expressions=[
                        (PointRange("project_id"), RangeOperators.OVERLAPS),
                        ("in_force", RangeOperators.OVERLAPS),
                    ],
                    condition=Q(number=number),
                )
                for number in NUMBERS
            ),
            models.CheckConstraint(
                condition=Q(number__in=list(NUMBERS)), name="an_exception_is_to_a_number_that_can_be_eased"
            ),
            models.CheckConstraint(
                condition=Q(effective__isempty=False, effective__lower_inf=False, effective__upper_inf=False),
                name="an_exception_begins_and_ends",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="an_exception_has_a_reason"),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None, end_reason="", end_entry=None)
                | (
                    Q(ended_at__isnull=False, ended_by__isnull=False, end_entry__isnull=False)
                    & ~Q(end_reason="")
                ),
                name="an_ended_exception_says_by_whom_and_why",
            ),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="exception_cannot_be_deleted", operation=pgtrigger.Delete),
            # Generated columns have no value yet before a row is written.
            pgtrigger.Trigger(
                name="exception_only_ends",
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
        return f"/exceptions/#e-{self.uid}"
