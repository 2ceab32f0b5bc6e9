"""Letting go of what jobs said and brought back, and keeping that they ran."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db import transaction

from nodes.models import Lease, LogChunk, OutputFile


def forget_leases(*, lease_uids: Collection[UUID]) -> None:
    """Specification, log and files of these leases go; times, exit code and the specification's digest stay.

    Files leave the disk once the transaction has committed: rolled back, nothing is lost.
    """
    leases = Lease.objects.filter(uid__in=lease_uids)
    files = OutputFile.objects.filter(lease__in=leases)
    stored = [file.content for file in files]
    files.delete()
    LogChunk.objects.filter(lease__in=leases).delete()
    leases.update(specification={}, end_note="", end_notes=[])

    def drop() -> None:
        for content in stored:
            content.delete(save=False)

    transaction.on_commit(drop)
