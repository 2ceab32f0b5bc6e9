"""The rules with their numbers, and the exceptions to them."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models

from ledger.models import Entry


class Policy(models.Model):
    """The versioned, dated, immutable row with every number of the rules."""

    version = models.PositiveIntegerField(unique=True)
    effective = DateTimeRangeField()
    rules = models.JSONField()  # reservations.domain.policy.Policy
    reason = models.CharField(max_length=500)
    digest = models.CharField(max_length=64)
    entry = models.OneToOneField(Entry, models.PROTECT, related_name="+")
    published_at = models.DateTimeField()

    class Meta:
        ordering = ["-version"]
        constraints = [
            ExclusionConstraint(
                name="policies_do_not_overlap", expressions=[("effective", RangeOperators.OVERLAPS)]
            )
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="policy_cannot_be_deleted", operation=pgtrigger.Delete),
            # A minute's grace: the moment was read before the transaction began, maybe on another clock.
            pgtrigger.Trigger(
                name="policy_only_ends",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                func="""
                    IF upper_inf(OLD.effective) AND NOT upper_inf(NEW.effective)
                       AND lower(OLD.effective) = lower(NEW.effective)
                       AND upper(NEW.effective) >= now() - interval '1 minute'
                       AND (to_jsonb(OLD) - 'effective') = (to_jsonb(NEW) - 'effective')
                    THEN RETURN NEW;
                    END IF;
                    RAISE EXCEPTION 'a published policy cannot be changed';
                """,
            ),
        ]
