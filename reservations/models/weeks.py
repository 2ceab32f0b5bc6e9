"""What weeks came to, as /fairness/ publishes it."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


def _amount() -> models.DecimalField[Any, Any]:
    return models.DecimalField(max_digits=20, decimal_places=6, null=True)


def _count() -> models.PositiveIntegerField[Any, Any]:
    return models.PositiveIntegerField(null=True)


class WeekSum(models.Model):
    """One line of an ISO week (UTC): counted from events, decisions and the tree, and at any time again.

    What does not belong to a line's kind is empty. Only what everybody may read stands here: sums that would
    tell what one project did are added up in the line without a key (reservations.domain.fairness.pooled).
    """

    class Of(models.TextChoices):
        ALL = "all", _("Everything")
        ACCOUNT = "account", _("Account")
        CLASS = "class", _("Class")
        MODEL = "model", _("Device model")
        NODE = "node", _("Node")
        RULE = "rule", _("Rule")
        FIRST = "first", _("First slot")  # of the projects opened in the year before the week's end
        OWNER = "owner", _("Owner")
        COUNTRY = "country", _("Country")

    week = models.DateField()  # its Monday
    of = models.CharField(max_length=7, choices=Of)
    key = models.CharField(max_length=100, blank=True)
    name = models.CharField(max_length=200, blank=True)  # empty: the key has one in each language

    # Accounts and classes: promised is a part of everything, the rest cost-weighted hours, as of owners,
    # countries and everything. Models and nodes: device-hours, delivered to projects of public interest.
    promised = _amount()
    demanded = _amount()
    entitled = _amount()
    delivered = _amount()
    others = _amount()  # models and nodes: of all other projects
    bookable = _amount()
    jain = models.DecimalField(max_digits=7, decimal_places=6, null=True)  # everything: delivered / entitled
    projects = _count()  # with hours; first slots: that had one
    waiting = _count()  # first slots: that asked and had none
    median_hours = _amount()
    ninetieth_hours = _amount()
    asked = _count()
    granted = _count()
    refused = _count()
    entries = _count()  # everything: of use that touch the week, so that late ones are seen
    # Everything: the share tree (reservations.selectors.weeks.written_tree) when the week was first counted
    # after its end, so that shares given later change nothing about it.
    tree = models.JSONField(null=True)
    counted_at = models.DateTimeField()

    class Meta:
        ordering = ["week", "of", "key"]
        constraints = [
            models.UniqueConstraint(fields=["of", "week", "key"], name="one_line_of_a_kind_and_key_a_week"),
            models.CheckConstraint(condition=Q(week__iso_week_day=1), name="a_week_is_named_by_its_monday"),
            models.CheckConstraint(
                condition=Q(jain=None) | Q(jain__gt=0, jain__lte=1), name="jains_index_lies_above_0_up_to_1"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.week} {self.of} {self.key}"
