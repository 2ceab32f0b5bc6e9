"""Decisions of the past that stewards hold against another policy."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import User
from common.ids import uuid7
from reservations.models.policies import Policy


class PolicyReplay(models.Model):
    """All decisions of some time, to be decided again under one policy; and what came of it.

    Which decisions and which numbers is settled as it is asked for, so what comes of it is, too. It is worked
    on in parts, so that nothing else waits for it.
    """

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    rules = models.JSONField()  # reservations.domain.policy.Policy
    rules_digest = models.CharField(max_length=64)
    version = models.ForeignKey(Policy, models.PROTECT, null=True, related_name="+")  # None: of a draft
    draft = models.UUIDField(null=True)  # may be gone since: published, or thrown away
    engine = models.CharField(max_length=20)
    since = models.DateTimeField()
    last_decision = models.BigIntegerField()  # the newest one's number
    total = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    last_done = models.BigIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)
    outcome = models.JSONField(null=True)  # reservations.domain.flips.Outcome
    digest = models.CharField(max_length=64, blank=True)  # SHA-256 of the canonical JSON of the outcome

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(finished_at=None, outcome=None, digest="")
                | (Q(finished_at__isnull=False, outcome__isnull=False) & ~Q(digest="")),
                name="a_replay_is_over_with_its_outcome",
            ),
            models.CheckConstraint(
                condition=Q(version=None, draft__isnull=False) | Q(version__isnull=False, draft=None),
                name="a_replay_is_of_a_version_or_a_draft",
            ),
            models.UniqueConstraint(
                fields=["rules_digest", "engine", "since", "last_decision", "version", "draft"],
                name="the_same_replay_is_kept_once",
                nulls_distinct=False,
            ),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(finished_at=None), name="replay_to_work_on")]

    def __str__(self) -> str:
        return str(self.uid)

    def get_absolute_url(self) -> str:
        return f"/steward/replay/{self.uid}/"


class ReplayPart(models.Model):
    """What came of some of the decisions; gone once all of them are there."""

    replay = models.ForeignKey(PolicyReplay, models.CASCADE, related_name="parts")
    compared = models.JSONField()  # a list of reservations.domain.flips.Compared

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.replay}: {self.pk}"
