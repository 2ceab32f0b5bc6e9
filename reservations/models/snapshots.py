"""What decisions are taken on, each once, under the digest of what it says."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models


class Snapshot(models.Model):
    """Everything that bore on a request at one moment: reservations.domain.asking.Snapshot as JSON.

    However often the same is found, it is one row.
    """

    digest = models.CharField(max_length=64, primary_key=True)  # SHA-256 of the canonical JSON
    facts = models.JSONField()

    class Meta:
        triggers: ClassVar = [
            pgtrigger.Protect(name="snapshot_is_immutable", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return self.digest
