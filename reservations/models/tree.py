"""The share tree, what its leaves have used and what the whole can hold."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.contrib.postgres.indexes import GistIndex
from django.db import models
from django.db.models import Q

from accounts.models import Organisation, Project, User
from common.fields import ExactNumericField

# The database keeps `path`: whoever writes `parent` cannot get it wrong, and what stands below follows. The
# row above is locked, so that of two accounts that are put below each other at once the second is refused.
_FOLLOWS_PARENT = """
    IF NEW.parent_id IS NULL THEN
        NEW.path := '{}';
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.parent_id IS NULL THEN
        RAISE check_violation USING MESSAGE = 'the root of the share tree is below nothing',
                                    CONSTRAINT = 'share_tree_has_no_cycle';
    END IF;
    SELECT path, project_id INTO above, project FROM reservations_vertex WHERE id = NEW.parent_id FOR SHARE;
    IF NEW.parent_id = NEW.id OR NEW.id = ANY(above) THEN
        RAISE check_violation USING MESSAGE = 'an account of the share tree would be below itself',
                                    CONSTRAINT = 'share_tree_has_no_cycle';
    END IF;
    IF project IS NOT NULL THEN
        RAISE check_violation USING MESSAGE = 'nothing is below a project of the share tree',
                                    CONSTRAINT = 'projects_of_the_share_tree_are_leaves';
    END IF;
    NEW.path := above || NEW.id;
    RETURN NEW;
"""
_PATH_IS_WRITTEN = pgtrigger.UpdateOf("parent_id", "path")  # type: ignore[no-untyped-call]
_TAKES_ALL_BELOW = """
    UPDATE reservations_vertex SET path = path WHERE parent_id = NEW.id;
    RETURN NULL;
"""


class Vertex(models.Model):
    """An account (inner) or a project (leaf) of the share tree; the root has no parent.

    `path` holds the ids from just below the root down to the vertex itself, so that usage rolls up in one
    query (docs/decisions/0022-sums-of-accounts.md). `shares` is None where the parent's shares are used
    ("parent").
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
        triggers: ClassVar = [
            pgtrigger.Trigger(
                name="path_follows_parent",
                operation=pgtrigger.Insert | _PATH_IS_WRITTEN,
                when=pgtrigger.Before,
                declare=[("above", "bigint[]"), ("project", "bigint")],
                func=_FOLLOWS_PARENT,
            ),
            pgtrigger.Trigger(
                name="path_takes_all_below",
                operation=_PATH_IS_WRITTEN,
                when=pgtrigger.After,
                condition=pgtrigger.Q(old__path__df=pgtrigger.F("new__path")),
                func=_TAKES_ALL_BELOW,
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


class MemberUse(models.Model):
    """What slots that somebody held for a project have used of it: usage entries, rolled up by holder."""

    vertex = models.ForeignKey(Vertex, models.PROTECT, related_name="use_by_member")
    person = models.ForeignKey(User, models.PROTECT, related_name="+")
    cost_weighted_hours = ExactNumericField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["vertex", "person"], name="use_of_a_member_is_summed_once"),
        ]


class Capacity(models.Model):
    """Bookable cost-weighted hours within the horizon, less closures and owners' own time."""

    at = models.DateTimeField(unique=True)
    horizon_hours = models.DecimalField(max_digits=10, decimal_places=4)
    cost_weighted_hours = models.DecimalField(max_digits=20, decimal_places=6)

    class Meta:
        get_latest_by = "at"


class DailyStanding(models.Model):
    """Where a project stood at the beginning of a day (UTC): what its page tells its week from.

    Sums as the share tree had them, not figures: what a sum has decayed to follows from the half-life.
    """

    vertex = models.ForeignKey(Vertex, models.PROTECT, related_name="days")
    day = models.DateField()
    at = models.DateTimeField()
    promised = models.TextField()  # its share of everything, whoever is active: a fraction, `3/40`
    stored = ExactNumericField()
    committed = ExactNumericField()
    stored_by_all = ExactNumericField()
    committed_by_all = ExactNumericField()
    half_life_hours = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["vertex", "day"], name="a_project_stands_once_a_day"),
        ]
        indexes = [models.Index(fields=["day"], name="standing_by_day")]
