"""The public append-only log: what was entered, and the checkpoints that were signed."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from common.ids import uuid7


class EntryQuerySet(models.QuerySet["Entry"]):
    def sequenced(self) -> EntryQuerySet:
        """The entries that have an index: those that a checkpoint covers."""
        return self.filter(index__isnull=False)

    def newest_first(self) -> EntryQuerySet:
        return self.order_by("-index")


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

    objects = EntryQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["index"], name="ledger_index_is_unique"),
            models.CheckConstraint(condition=Q(index__gte=0), name="ledger_index_is_not_negative"),
        ]
        indexes = [
            models.Index(fields=["id"], name="ledger_unsequenced", condition=Q(index__isnull=True)),
            models.Index(fields=["kind", "-index"], name="ledger_by_kind"),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="entry_cannot_be_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="entry_begins_without_index",
                operation=pgtrigger.Insert,
                condition=pgtrigger.Q(new__index__isnull=False),
            ),
            pgtrigger.Trigger(
                name="entry_is_sequenced_once",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                # Compared as whole rows, so that a column added later is protected too.
                func="""
                    IF OLD.index IS NULL AND NEW.index IS NOT NULL
                       AND (to_jsonb(OLD) - 'index') = (to_jsonb(NEW) - 'index')
                    THEN RETURN NEW;
                    END IF;
                    RAISE EXCEPTION 'a ledger entry cannot be changed';
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.uid}"

    def get_absolute_url(self) -> str:
        """Its own page once it has an index; the sequencer gives one within seconds."""
        return "/ledger/" if self.index is None else f"/ledger/entries/{self.index}/"

    @property
    def fact(self) -> dict[str, Any]:
        fact: dict[str, Any] = json.loads(bytes(self.leaf))
        return fact


class Subtree(models.Model):
    """The hash over `2 ** level` entries from `position * 2 ** level`: proofs are made from these.

    Level 0 is the entries' own leaf hashes.
    """

    level = models.PositiveSmallIntegerField()
    position = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["level", "position"], name="subtree_is_unique"),
            models.CheckConstraint(condition=Q(level__gte=1), name="subtree_is_above_the_leaves"),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="subtree_is_immutable", operation=pgtrigger.Update | pgtrigger.Delete),
        ]


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
            pgtrigger.Trigger(
                name="checkpoint_only_grows",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                declare=[("before", "bigint")],
                # Distinct indexes as many as the interval is long: no gap, whoever wrote them.
                func="""
                    SELECT coalesce(max(size), 0) INTO before FROM ledger_checkpoint;
                    IF NEW.size < before THEN
                        RAISE EXCEPTION 'a checkpoint of % cannot follow one of %', NEW.size, before;
                    END IF;
                    IF (SELECT count(*) FROM ledger_entry WHERE index >= before) <> NEW.size - before
                       OR EXISTS (SELECT 1 FROM ledger_entry WHERE index >= NEW.size)
                    THEN
                        RAISE EXCEPTION 'the entries have no gapless indexes from % to %', before, NEW.size;
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]
