"""Hourly inputs: what files said of each zone and hour, who imported them, and what a correction replaced."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from common.ids import uuid7
from ledger.models import Entry


class HourlyImport(models.Model):
    """A file that was read to its end and changed something: who, when, which bytes, from where."""

    class Content(models.TextChoices):
        PRICES = "prices", _("Day-ahead prices")
        CARBON = "carbon", _("Carbon intensity")
        COUNTRIES = "countries", _("Carbon intensity of countries by year")

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    content = models.CharField(max_length=10, choices=Content)
    format = models.CharField(max_length=10)  # as pricing.domain.hourly names it
    file_name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)  # of the bytes that were given, packed or not
    source = models.CharField(max_length=200)
    licence = models.CharField(max_length=200, blank=True)
    values = models.PositiveIntegerField()  # that the file holds
    missing = models.PositiveIntegerField()  # hours between its first and its last that it has no value for
    added = models.PositiveIntegerField()
    changed = models.PositiveIntegerField()
    doubtful = models.PositiveIntegerField(
        default=0
    )  # beyond what the market's rules allow; kept as they are
    first_hour = models.DateTimeField(null=True)
    last_hour = models.DateTimeField(null=True)
    by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+"
    )  # null: on the server's own shell
    at = models.DateTimeField()
    entry = models.OneToOneField(Entry, models.PROTECT, null=True, related_name="+")  # null: from before

    class Meta:
        ordering = ["-at", "-id"]
        triggers: ClassVar = [
            pgtrigger.Protect(
                name="hourly_import_is_immutable", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]


class HourlySeries(models.Model):
    """One quantity of one zone. Whoever imports locks its row: two files take turns."""

    class Quantity(models.TextChoices):
        PRICE = "day_ahead", _("Day-ahead price")
        LIFECYCLE = "lifecycle", _("Carbon intensity, lifecycle")
        DIRECT = "direct", _("Carbon intensity, direct")

    zone = models.CharField(max_length=20)
    quantity = models.CharField(max_length=10, choices=Quantity)

    class Meta:
        ordering = ["zone", "quantity"]
        constraints = [
            models.UniqueConstraint(fields=["zone", "quantity"], name="one_series_per_zone_and_quantity")
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(
                name="hourly_series_is_immutable", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]


class HourlyValue(models.Model):
    """The value of one hour as it is known now. Its unit is the series' (pricing.domain.hourly.UNITS).

    350,000 rows a year for 40 zones: two narrow keys, one index. A changed value leaves what it was in
    ReplacedValue, by trigger, and no value changes without an import that says so. Foreign keys are checked
    by a trigger too, once for all rows of a statement: one by one they take as long as the import itself.
    """

    pk = models.CompositePrimaryKey("series_id", "hour")
    series = models.ForeignKey(
        HourlySeries, models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    hour = models.DateTimeField()  # its beginning, UTC
    value = models.DecimalField(max_digits=11, decimal_places=4)
    is_estimate = models.BooleanField(default=False)  # says its source
    came_with = models.ForeignKey(
        HourlyImport, models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(hour__minute=0, hour__second=0), name="hourly_value_begins_on_the_hour"
            )
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="hourly_value_cannot_be_deleted", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="hourly_value_has_series_and_import",
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                level=pgtrigger.Statement,
                referencing=pgtrigger.Referencing(new="fresh"),  # type: ignore[no-untyped-call]
                func="""
                    IF EXISTS (SELECT FROM (SELECT DISTINCT series_id FROM fresh) AS one
                               WHERE series_id NOT IN (SELECT id FROM pricing_hourlyseries))
                       OR EXISTS (SELECT FROM (SELECT DISTINCT came_with_id FROM fresh) AS one
                                  WHERE came_with_id NOT IN (SELECT id FROM pricing_hourlyimport))
                    THEN RAISE EXCEPTION 'a value of an hour belongs to a series and came with an import';
                    END IF;
                    RETURN NULL;
                """,
            ),
            pgtrigger.Trigger(
                name="hourly_value_keeps_what_it_was",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                func="""
                    IF NEW.series_id <> OLD.series_id OR NEW.hour <> OLD.hour
                       OR NEW.came_with_id = OLD.came_with_id
                    THEN RAISE EXCEPTION 'a value of an hour changes with an import';
                    END IF;
                    INSERT INTO pricing_replacedvalue
                        (series_id, hour, value, is_estimate, came_with_id, replaced_with_id)
                    VALUES (OLD.series_id, OLD.hour, OLD.value, OLD.is_estimate, OLD.came_with_id,
                            NEW.came_with_id);
                    RETURN NEW;
                """,
            ),
        ]


class ReplacedValue(models.Model):
    """What stood for an hour from one import to another: how a figure stood then can be answered."""

    series = models.ForeignKey(HourlySeries, models.PROTECT, related_name="+", db_index=False)
    hour = models.DateTimeField()
    value = models.DecimalField(max_digits=11, decimal_places=4)
    is_estimate = models.BooleanField()
    came_with = models.ForeignKey(HourlyImport, models.PROTECT, related_name="+", db_index=False)
    replaced_with = models.ForeignKey(HourlyImport, models.PROTECT, related_name="+", db_index=False)

    class Meta:
        indexes = [models.Index(fields=["series", "hour"], name="replaced_by_series_and_hour")]
        triggers: ClassVar = [
            pgtrigger.Protect(
                name="replaced_value_is_immutable", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]


class YearlyIntensity(models.Model):
    """The carbon intensity (lifecycle) of a country in a year: stands in where no hour is known.

    The row of the last import holds; the ones before it stay.
    """

    country = models.CharField(max_length=2)  # ISO 3166-1 alpha-2
    year = models.PositiveSmallIntegerField()
    g_per_kwh = models.DecimalField(max_digits=11, decimal_places=4)
    came_with = models.ForeignKey(HourlyImport, models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["country", "year", "came_with"], name="one_intensity_per_country_year_and_import"
            )
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(
                name="yearly_intensity_is_immutable", operation=pgtrigger.Update | pgtrigger.Delete
            )
        ]
