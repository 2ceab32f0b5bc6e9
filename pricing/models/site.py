"""What the site itself costs, as it says it, and the fee that follows: published once, for good."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Q

from accounts.models import User
from common.ids import uuid7
from ledger.models import Entry
from pricing.domain import site_costs
from pricing.models.columns import Published, eur, published_once


class SiteCosts(Published):
    """The site's dated declaration of its own yearly costs, from which the highest fee follows."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    number = models.PositiveIntegerField(unique=True)
    costs = models.JSONField()  # as pricing.domain.site_costs writes it
    total_year = eur()
    subsidy_year = eur()
    device_hours = models.DecimalField(max_digits=14, decimal_places=4)  # expected in a year
    highest_fee = eur()  # per device-hour
    corrects = models.ForeignKey("self", models.PROTECT, null=True, related_name="corrections")
    reason = models.CharField(max_length=500, blank=True)
    digest = models.CharField(max_length=64)
    entry = models.OneToOneField(Entry, models.PROTECT, related_name="+")
    published_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    published_at = models.DateTimeField()

    class Meta:
        ordering = ["-number"]
        constraints = [
            ExclusionConstraint(
                name="site_costs_do_not_overlap", expressions=[("effective", RangeOperators.OVERLAPS)]
            ),
            models.CheckConstraint(
                condition=Q(
                    total_year__gt=0,
                    subsidy_year__gte=0,
                    subsidy_year__lte=F("total_year"),
                    device_hours__gt=0,
                    highest_fee__gte=0,
                ),
                name="site_costs_are_sound",
            ),
            models.CheckConstraint(
                condition=Q(highest_fee__lte=(F("total_year") - F("subsidy_year")) / F("device_hours")),
                name="the_highest_fee_covers_no_more_than_the_costs",
            ),
            models.CheckConstraint(
                condition=Q(corrects=None) | ~Q(reason=""), name="a_correction_of_site_costs_says_why"
            ),
        ]
        triggers: ClassVar = [
            *published_once("site_costs"),
            pgtrigger.Trigger(
                name="site_costs_end_no_earlier_than_their_fees",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                func="""
                    IF EXISTS (SELECT FROM pricing_sitefee
                                WHERE statement_id = OLD.id AND NOT effective <@ NEW.effective)
                    THEN RAISE EXCEPTION 'a fee would outlast the costs that it follows from';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return str(self.number)

    @property
    def declared(self) -> site_costs.Costs:
        return site_costs.from_json(self.costs)

    def get_absolute_url(self) -> str:
        return f"/site-costs/#s-{self.number}"


class SiteFee(Published):
    """What this site itself charges per device-hour: a line of its own in every price."""

    # What it follows from. None: nothing is charged, or it is older than the first such statement.
    statement = models.ForeignKey(SiteCosts, models.PROTECT, null=True, related_name="fees")
    amount = eur()
    reason = models.CharField(max_length=500)
    entry = models.OneToOneField(Entry, models.PROTECT, related_name="+")
    published_at = models.DateTimeField()

    class Meta:
        constraints = [
            ExclusionConstraint(
                name="site_fees_do_not_overlap", expressions=[("effective", RangeOperators.OVERLAPS)]
            )
        ]
        triggers: ClassVar = [
            *published_once("site_fee"),
            # The statement's lock makes one who ends it wait for one who sets a fee under it.
            pgtrigger.Trigger(
                name="a_fee_follows_from_the_costs_in_force",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                declare=[("stated", "pricing_sitecosts%ROWTYPE")],
                func="""
                    IF NEW.statement_id IS NULL THEN
                        IF NEW.amount > 0 THEN
                            RAISE EXCEPTION 'a fee follows from what the site says it costs';
                        END IF;
                        RETURN NEW;
                    END IF;
                    SELECT * INTO stated FROM pricing_sitecosts WHERE id = NEW.statement_id FOR SHARE;
                    IF NEW.amount > stated.highest_fee THEN
                        RAISE EXCEPTION 'a fee is at most what follows from the costs of the site';
                    END IF;
                    IF NOT NEW.effective <@ stated.effective THEN
                        RAISE EXCEPTION 'a fee holds while the costs that it follows from are in force';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]
