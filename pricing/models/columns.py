"""Columns and triggers that several tables share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pgtrigger
from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models


def published_once(name: str, *, can_end: str = "upper_inf(OLD.effective)") -> list[pgtrigger.Trigger]:
    """A published row cannot change, but for one thing: an open end may be closed, not in the past.

    A minute's grace: the moment was read before the transaction began, maybe on another clock.
    `can_end` says which rows may be ended where others may be, too.
    """
    return [
        pgtrigger.Protect(name=f"{name}_cannot_be_deleted", operation=pgtrigger.Delete),
        pgtrigger.Trigger(
            name=f"{name}_only_ends",
            operation=pgtrigger.Update,
            when=pgtrigger.Before,
            func=f"""
                IF {can_end} AND NOT upper_inf(NEW.effective)
                   AND lower(OLD.effective) = lower(NEW.effective)
                   AND upper(NEW.effective) >= now() - interval '1 minute'
                   AND (to_jsonb(OLD) - 'effective') = (to_jsonb(NEW) - 'effective')
                THEN RETURN NEW;
                END IF;
                RAISE EXCEPTION 'a published row of % cannot be changed', TG_TABLE_NAME;
            """,
        ),
    ]


def eur(**extra: Any) -> models.DecimalField[Any, Any]:
    """Euros, to the sixth decimal; only an invoice line is rounded."""
    return models.DecimalField(max_digits=18, decimal_places=6, **extra)


def device_hours(**extra: Any) -> models.DecimalField[Any, Any]:
    return models.DecimalField(max_digits=20, decimal_places=8, **extra)


class Published(models.Model):
    """What every published row has: a period that may be open to the end."""

    effective = DateTimeRangeField()

    class Meta:
        abstract = True

    @property
    def effective_from(self) -> datetime:
        start: datetime | None = self.effective.lower
        if start is None:
            raise ValueError("a published row has a beginning")
        return start

    @property
    def effective_until(self) -> datetime | None:
        """None: until further notice."""
        until: datetime | None = self.effective.upper
        return until
