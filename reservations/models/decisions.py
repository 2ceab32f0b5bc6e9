"""The stored answers to requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Project, User
from common.ids import uuid7
from ledger.models import Entry
from reservations.models.policies import Policy
from reservations.models.snapshots import Snapshot

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class DecisionQuerySet(models.QuerySet["Decision"]):
    def of(self, user: User | AnonymousUser) -> DecisionQuerySet:
        if not user.is_authenticated:
            return self.none()
        return self.filter(user.within("project"), project__memberships__user=user)


class Decision(models.Model):
    """The stored answer to a request. The engine it names, on the snapshot it stores, replays it."""

    class Outcome(models.TextChoices):
        GRANTED = "granted", _("Granted")
        REFUSED = "refused", _("Refused")

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    project = models.ForeignKey(Project, models.PROTECT, related_name="decisions")
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    policy = models.ForeignKey(Policy, models.PROTECT, related_name="decisions")
    engine = models.CharField(max_length=20)
    request = models.JSONField()
    # Nobody asks which decisions were taken on a snapshot, and every booking would pay for the index.
    taken_on = models.ForeignKey(Snapshot, models.PROTECT, related_name="+", db_index=False)
    rules = models.JSONField()  # every rule: code, verdict, limit, actual, remedy
    quote = models.JSONField(null=True)
    outcome = models.CharField(max_length=10, choices=Outcome)
    digest = models.CharField(max_length=64)  # SHA-256 of the canonical JSON of all it was taken on and says
    entry = models.OneToOneField(Entry, models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()

    objects = DecisionQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        # The first page and /fairness/ count those of four weeks: without the rows themselves.
        indexes = [models.Index(fields=["decided_at"], include=["outcome"], name="decision_by_time")]
        triggers: ClassVar = [
            pgtrigger.Protect(name="decision_is_immutable", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def get_absolute_url(self) -> str:
        return f"/decisions/{self.uid}/"

    @property
    def snapshot(self) -> dict[str, Any]:
        """As JSON. Read `taken_on` with the decision where there are several."""
        facts: dict[str, Any] = self.taken_on.facts
        return facts
