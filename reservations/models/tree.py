"""The share tree, what its leaves have used and what the whole can hold."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.models import Q

from accounts.models import Organisation, Project
from common.fields import ExactNumericField


class Vertex(models.Model):
    """An account (inner) or a project (leaf) of the share tree; the root has no parent.

    `path` holds the ids from just below the root down to the vertex itself, so that usage
    rolls up in one query. `shares` is None where the parent's shares are used ("parent").
    """

    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="children")
    path = ArrayField(models.BigIntegerField(), default=list)
    name = models.CharField(max_length=150)
    shares = models.PositiveIntegerField(null=True)
    project = models.OneToOneField(Project, models.PROTECT, null=True, related_name="vertex")
    # Accounts: whose leads open projects below it, inside its share.
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="share_accounts")
    # The one account that personal projects share.
    is_independent = models.BooleanField(default=False)
    # Leaves only. Sum over settled hold events of weight x integral of 2**((t-L)/h), see
    # reservations.domain.decay: exact, so that it never depends on when it was read.
    decayed_usage = ExactNumericField(default=0)
    # Leaves only. Cost-weighted hours booked and not yet used, released or cancelled.
    committed = ExactNumericField(default=0)
    last_active_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["parent", "name"], name="vertex_name_is_unique_among_siblings"),
            models.UniqueConstraint(
                models.Value(1), name="share_tree_has_one_root", condition=Q(parent__isnull=True)
            ),
            models.UniqueConstraint(
                models.Value(1), name="one_independent_account", condition=Q(is_independent=True)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class UsageEntry(models.Model):
    """What one hold added to its project's usage once it was over. Append-only."""

    vertex = models.ForeignKey(Vertex, models.PROTECT, related_name="usage")
    hold_uid = models.UUIDField(unique=True)  # counted once, however often the sweep runs
    during = DateTimeRangeField()
    weight = models.DecimalField(max_digits=18, decimal_places=6)
    cost_weighted_hours = ExactNumericField()
    decayed = ExactNumericField()  # reservations.domain.decay

    class Meta:
        indexes = [GistIndex(fields=["during"], name="usage_by_time")]
        triggers: ClassVar = [
            pgtrigger.Protect(name="usage_is_append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]


class Capacity(models.Model):
    """Bookable cost-weighted hours within the horizon, less closures and owners' own time."""

    at = models.DateTimeField(unique=True)
    horizon_hours = models.DecimalField(max_digits=10, decimal_places=4)
    cost_weighted_hours = models.DecimalField(max_digits=20, decimal_places=6)

    class Meta:
        get_latest_by = "at"
