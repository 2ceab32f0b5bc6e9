"""What an owner has begun and not published: the draft of a statement, and the end of one that was."""

from __future__ import annotations

from typing import Any, ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q

from accounts.models import User
from ledger.models import Entry
from nodes.models import Node
from pricing.models.evidence import Evidence
from pricing.models.published import CostStatement, Tariff


class StatementDraft(models.Model):
    """The one open draft of a node, as it was typed: what is wrong in it is kept too.

    `version` grows with every change, so that two people who edit do not overwrite each other unseen.
    """

    node = models.OneToOneField(Node, models.PROTECT, related_name="statement_draft")
    # As pricing.domain.declared writes it, with text where something else was typed.
    declared: models.JSONField[Any, Any] = models.JSONField(default=dict)
    steps_saved: models.JSONField[Any, Any] = models.JSONField(default=list)
    # What it will follow, and why; None: it corrects nothing.
    corrects = models.ForeignKey(CostStatement, models.PROTECT, null=True, related_name="drafts")
    reason = models.CharField(max_length=500, blank=True)
    # From when it shall hold, where the node stands; None: from the day of its publication.
    first_day = models.DateField(null=True)
    version = models.PositiveIntegerField(default=1)
    started_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    saved_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    saved_at = models.DateTimeField()

    class Meta:
        ordering = ["-saved_at"]

    def get_absolute_url(self) -> str:
        return f"/nodes/{self.node.slug}/statements/draft/"


class StatementDraftEvidence(models.Model):
    """A file that will stand behind a part of the statement once it is published."""

    draft = models.ForeignKey(StatementDraft, models.CASCADE, related_name="evidence")
    part = models.CharField(max_length=60, blank=True)  # a component's kind; empty: all of it
    evidence = models.ForeignKey(Evidence, models.PROTECT, related_name="in_drafts")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["draft", "part", "evidence"], name="evidence_is_in_a_draft_once_for_a_part"
            )
        ]


class TariffCallOff(models.Model):
    """That an announced price was called off before it began, and why."""

    tariff = models.OneToOneField(Tariff, models.PROTECT, related_name="call_off")
    reason = models.CharField(max_length=500)
    entry = models.OneToOneField(Entry, models.PROTECT, related_name="+")
    called_off_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    called_off_at = models.DateTimeField()

    class Meta:
        ordering = ["-called_off_at"]
        constraints = [models.CheckConstraint(condition=~Q(reason=""), name="a_call_off_says_why")]
        triggers: ClassVar = [
            pgtrigger.Protect(name="call_off_is_immutable", operation=pgtrigger.Update | pgtrigger.Delete)
        ]


class StatementWithdrawal(models.Model):
    """That an owner ended a statement, from when, and why. The tariff that stood on it ended with it.

    One that was announced and is called off ends when it was to begin.
    """

    statement = models.OneToOneField(CostStatement, models.PROTECT, related_name="withdrawal")
    tariff = models.OneToOneField(Tariff, models.PROTECT, null=True, related_name="withdrawal")
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=500)
    entry = models.OneToOneField(Entry, models.PROTECT, related_name="+")
    withdrawn_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField()

    class Meta:
        ordering = ["-withdrawn_at"]
        constraints = [models.CheckConstraint(condition=~Q(reason=""), name="a_withdrawal_says_why")]
        triggers: ClassVar = [
            pgtrigger.Protect(name="withdrawal_is_immutable", operation=pgtrigger.Update | pgtrigger.Delete)
        ]
