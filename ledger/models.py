"""The public append-only log: what was entered, and the checkpoints that were signed."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from common.ids import uuid7


class Entry(models.Model):
    """One public fact. Appended in the transaction of the change itself; sequenced later.

    `leaf` is the canonical JSON (RFC 8785) that is hashed; `index` is given by the one
    sequencer, without gaps, and never changes.
    """

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    kind = models.CharField(max_length=40)
    leaf = models.BinaryField()
    leaf_hash = models.BinaryField(max_length=32)
    appended_at = models.DateTimeField()
    index = models.BigIntegerField(null=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["index"], name="ledger_index_is_unique")]
        indexes = [
            models.Index(fields=["id"], name="ledger_unsequenced", condition=Q(index__isnull=True)),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="entry_cannot_be_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="entry_is_sequenced_once",
                operation=pgtrigger.Update,
                condition=~(pgtrigger.Q(old__index__isnull=True) & pgtrigger.Q(new__index__isnull=False))
                | pgtrigger.Q(old__leaf__df=pgtrigger.F("new__leaf"))
                | pgtrigger.Q(old__leaf_hash__df=pgtrigger.F("new__leaf_hash"))
                | pgtrigger.Q(old__kind__df=pgtrigger.F("new__kind"))
                | pgtrigger.Q(old__uid__df=pgtrigger.F("new__uid")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.uid}"


class Checkpoint(models.Model):
    """A signed tree head. `frontier` is the compact range (right edge) of that tree size."""

    size = models.BigIntegerField(unique=True)
    root = models.BinaryField(max_length=32)
    note = models.TextField()
    frontier = ArrayField(models.BinaryField(max_length=32))
    signed_at = models.DateTimeField()

    class Meta:
        get_latest_by = "size"
        triggers: ClassVar = [
            pgtrigger.Protect(name="checkpoint_is_immutable", operation=pgtrigger.Update | pgtrigger.Delete),
        ]
