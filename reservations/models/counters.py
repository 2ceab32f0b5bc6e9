"""What all projects' bookings are counted in together, and how much each of them counts in it."""

from __future__ import annotations

from typing import Any, ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q

from reservations.domain.counted import COMMERCE, FLOOR, MODEL, NODE


def _device_seconds(**fields: Any) -> models.DecimalField[Any, Any]:
    """A slot's hours end with a microsecond, so seconds say them without a rounding."""
    return models.DecimalField(max_digits=20, decimal_places=6, **fields)


class SharedCell(models.Model):
    """One counter: reservations.domain.counted.Cell. Its row is the lock that all who raise it take.

    `most` is the limit that the last of them saw; it follows closures, nodes and policies up and down, so
    a cell may be above it. Only a rise to above it is refused; without one, nothing.
    """

    rule = models.CharField(max_length=8)
    kind = models.CharField(max_length=5)
    key = models.CharField(max_length=90)  # of the model, or the node's slug
    period = models.CharField(max_length=8)  # 2026-W48, 2026-Q4 or 2026
    band = models.CharField(max_length=8, blank=True)  # peak or off_peak
    held_seconds = _device_seconds()
    most_seconds = _device_seconds(null=True, blank=True)  # null: nothing is kept in it

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "kind", "key", "period", "band"], name="one_counter_for_each_cell"
            ),
            models.CheckConstraint(
                condition=Q(held_seconds__gte=0), name="a_cell_holds_no_less_than_nothing"
            ),
            models.CheckConstraint(
                condition=Q(rule=FLOOR, kind__in=[MODEL, NODE], band__in=["peak", "off_peak"])
                | Q(rule=COMMERCE, kind=NODE, band=""),
                name="a_cell_is_of_the_floor_or_of_commerce",
            ),
        ]
        triggers: ClassVar = [
            # The last word on both rules. Services only explain it.
            pgtrigger.Trigger(
                name="cell_is_not_overfilled",
                operation=pgtrigger.Insert | pgtrigger.Update,
                when=pgtrigger.Before,
                func="""
                    IF NEW.held_seconds > NEW.most_seconds
                       AND (TG_OP = 'INSERT' OR NEW.held_seconds > OLD.held_seconds)
                    THEN
                        RAISE EXCEPTION 'the cell % % % % % would hold more than its most',
                            NEW.rule, NEW.kind, NEW.key, NEW.period, NEW.band
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            )
        ]

    def __str__(self) -> str:
        return " ".join(filter(None, (self.rule, self.kind, self.key, self.period, self.band)))


class CountedHours(models.Model):
    """What a slot counts in a cell: positive when it is granted, negative as it is given back. Append-only.

    The sum of a cell's rows is what it holds.
    """

    cell = models.ForeignKey(SharedCell, models.PROTECT, related_name="counted")
    reference = models.CharField(max_length=60, db_index=True)  # as the slot's holds have it
    seconds = _device_seconds()
    # As it was decided on: another class afterwards changes nothing about what is booked.
    project_class = models.CharField(max_length=11)
    at = models.DateTimeField()

    class Meta:
        triggers: ClassVar = [
            pgtrigger.Protect(
                name="counted_hours_are_append_only", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]

    def __str__(self) -> str:
        return f"{self.reference}: {self.seconds}"
