"""Columns and triggers that several tables share."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pgtrigger
from django.contrib.postgres.fields import DateTimeRangeField
from django.db import models
from django.db.models import Q


def published_once(name: str) -> list[pgtrigger.Trigger]:
    """A published row cannot change, but for one thing: an open end may be closed, not in the past.

    A minute's grace: the moment was read before the transaction began, maybe on another clock.
    """
    return [
        pgtrigger.Protect(name=f"{name}_cannot_be_deleted", operation=pgtrigger.Delete),
        pgtrigger.Trigger(
            name=f"{name}_only_ends",
            operation=pgtrigger.Update,
            when=pgtrigger.Before,
            func="""
                IF upper_inf(OLD.effective) AND NOT upper_inf(NEW.effective)
                   AND lower(OLD.effective) = lower(NEW.effective)
                   AND upper(NEW.effective) >= now() - interval '1 minute'
                   AND (to_jsonb(OLD) - 'effective') = (to_jsonb(NEW) - 'effective')
                THEN RETURN NEW;
                END IF;
                RAISE EXCEPTION 'a published row of % cannot be changed', TG_TABLE_NAME;
            """,
        ),
    ]


def announced_once(name: str) -> list[pgtrigger.Trigger]:
    """The same of rows that may be called off before they begin. Only their time changes, in three ways:

    it ends, or ends sooner, not in the past; it is called off before it began, and keeps when that was
    to be; it goes on, where what ended it was called off.
    """
    return [
        pgtrigger.Protect(name=f"{name}_cannot_be_deleted", operation=pgtrigger.Delete),
        pgtrigger.Trigger(
            name=f"{name}_only_ends",
            operation=pgtrigger.Update,
            when=pgtrigger.Before,
            func=pgtrigger.Func(  # type: ignore[no-untyped-call]
                """
                IF isempty(OLD.effective)
                   OR (to_jsonb(OLD) - ARRAY['effective', 'called_off_from'])
                      <> (to_jsonb(NEW) - ARRAY['effective', 'called_off_from'])
                THEN
                    RAISE EXCEPTION 'a published row of % cannot be changed', TG_TABLE_NAME;
                END IF;
                IF isempty(NEW.effective) THEN
                    IF NEW.called_off_from = lower(OLD.effective)
                       AND lower(OLD.effective) > now() - interval '1 minute'
                    THEN RETURN NEW;
                    END IF;
                ELSIF lower(OLD.effective) = lower(NEW.effective) AND NEW.called_off_from IS NULL THEN
                    IF upper(NEW.effective) >= now() - interval '1 minute'
                       AND (upper_inf(OLD.effective) OR upper(NEW.effective) < upper(OLD.effective))
                    THEN RETURN NEW;
                    END IF;
                    IF upper(OLD.effective) > now() - interval '1 minute'
                       AND (upper_inf(NEW.effective) OR upper(NEW.effective) > upper(OLD.effective))
                       AND EXISTS (SELECT 1 FROM {meta.db_table} AS other WHERE other.node_id = OLD.node_id
                                   AND other.called_off_from = upper(OLD.effective))
                    THEN RETURN NEW;
                    END IF;
                END IF;
                RAISE EXCEPTION 'a published row of % cannot be changed', TG_TABLE_NAME;
            """
            ),
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


class Announced(Published):
    """A published row that may be called off before it begins: its time is empty then.

    It is never found in force nor to come, and keeps when it was to begin.
    """

    called_off_from = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    @property
    def is_called_off(self) -> bool:
        return self.called_off_from is not None

    @property
    def effective_from(self) -> datetime:
        return self.called_off_from or super().effective_from

    @property
    def effective_until(self) -> datetime | None:
        """Of what was called off, its beginning: it was in force at no time."""
        return self.called_off_from or super().effective_until


def called_off_or_not(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(effective__isempty=False, called_off_from=None)
        | Q(effective__isempty=True, called_off_from__isnull=False),
        name=name,
    )
