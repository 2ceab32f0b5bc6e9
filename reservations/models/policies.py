"""The rules with their numbers, drafts of the next ones, and what stored sums were counted with."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q

from accounts.models import User
from common.ids import uuid7
from ledger.models import Entry


class PolicyQuerySet(models.QuerySet["Policy"]):
    def standing(self) -> PolicyQuerySet:
        """Those that have or will have a time: called off ones were never in force."""
        return self.filter(called_off_at=None)

    def announced(self, at: datetime) -> PolicyQuerySet:
        """To come."""
        return self.filter(effective__startswith__gt=at)


class Policy(models.Model):
    """The versioned, dated, immutable row with every number of the rules.

    It may be announced: then it begins later than it was published, and the one before ends as it begins.
    Until then it can be called off, which leaves it no time and gives the one before its own back.
    """

    version = models.PositiveIntegerField(unique=True)
    effective = DateTimeRangeField()  # empty where it was called off
    rules = models.JSONField()  # reservations.domain.policy.Policy
    reason = models.CharField(max_length=500)
    digest = models.CharField(max_length=64)
    entry = models.OneToOneField(Entry, models.PROTECT, related_name="+")
    published_at = models.DateTimeField()
    # None: the first one, with the site, and those of before it was kept.
    published_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    # Where a steward called it off before it began, and when it would have begun.
    called_off_at = models.DateTimeField(null=True)
    called_off_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    called_off_reason = models.CharField(max_length=500, blank=True)
    called_off_entry = models.OneToOneField(Entry, models.PROTECT, null=True, related_name="+")
    would_have_begun = models.DateTimeField(null=True)

    objects = PolicyQuerySet.as_manager()

    class Meta:
        ordering = ["-version"]
        constraints = [
            ExclusionConstraint(
                name="policies_do_not_overlap", expressions=[("effective", RangeOperators.OVERLAPS)]
            ),
            models.CheckConstraint(
                condition=Q(effective__isempty=True) | Q(effective__startswith__gte=F("published_at")),
                name="a_policy_is_not_dated_in_the_past",
            ),
            models.CheckConstraint(
                condition=Q(
                    effective__isempty=False, called_off_at=None, called_off_by=None, called_off_reason="",
                    called_off_entry=None, would_have_begun=None,
                )
                | (
                    Q(
                        effective__isempty=True, called_off_by__isnull=False, called_off_entry__isnull=False,
                        called_off_at__lt=F("would_have_begun"),
                    )
                    & ~Q(called_off_reason="")
                ),
                name="a_policy_called_off_says_by_whom_and_why",
            ),
        ]  # fmt: skip
        triggers: ClassVar = [
            pgtrigger.Protect(name="policy_cannot_be_deleted", operation=pgtrigger.Delete),
            # It ends once. An end to come is taken back where what was to follow is called off; that this
            # still stands in the way otherwise is for the exclusion constraint to say.
            # A minute's grace: the moment was read before the transaction began, maybe on another clock.
            pgtrigger.Trigger(
                name="policy_only_ends",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                func="""
                    IF (to_jsonb(OLD) - 'effective') = (to_jsonb(NEW) - 'effective')
                       AND NOT isempty(NEW.effective) AND lower(OLD.effective) = lower(NEW.effective)
                       AND (
                           (upper_inf(OLD.effective) AND upper(NEW.effective) >= now() - interval '1 minute')
                           OR (upper(OLD.effective) > now() AND upper_inf(NEW.effective))
                       )
                    THEN RETURN NEW;
                    END IF;
                    IF OLD.called_off_at IS NULL AND lower(OLD.effective) > now()
                       AND NEW.would_have_begun = lower(OLD.effective) AND isempty(NEW.effective)
                       AND (to_jsonb(OLD) - ARRAY['effective', 'called_off_at', 'called_off_by_id',
                                'called_off_reason', 'called_off_entry_id', 'would_have_begun'])
                         = (to_jsonb(NEW) - ARRAY['effective', 'called_off_at', 'called_off_by_id',
                                'called_off_reason', 'called_off_entry_id', 'would_have_begun'])
                    THEN RETURN NEW;
                    END IF;
                    RAISE EXCEPTION 'a published policy cannot be changed';
                """,
            ),
        ]

    def __str__(self) -> str:
        return str(self.version)

    def get_absolute_url(self) -> str:
        return f"/policy/{self.version}/"

    @property
    def begins(self) -> datetime:
        """When it takes or took effect, or would have."""
        begins = self.would_have_begun or self.effective.lower
        assert begins is not None  # the database sees to it
        return begins


class PolicyDraft(models.Model):
    """Numbers that a steward is working on: readable, not necessarily sound. Gone once published."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    based_on = models.ForeignKey(Policy, models.PROTECT, null=True, related_name="drafts")
    rules = models.JSONField()  # reservations.domain.policy.Policy
    revision = models.PositiveIntegerField(default=1)  # grows with each change, so that none is lost
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    changed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["-changed_at", "-id"]

    def __str__(self) -> str:
        return str(self.uid)

    def get_absolute_url(self) -> str:
        return f"/steward/policy/drafts/{self.uid}/"


class UsageBasis(models.Model):
    """The policy whose half-life all stored usage was counted with: one row.

    It changes in the transaction that counts them again, so who has seen it has seen what it says.
    """

    policy = models.ForeignKey(Policy, models.PROTECT, related_name="+")
    half_life_hours = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(models.Value(1), name="there_is_one_usage_basis")]
