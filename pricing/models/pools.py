"""Costs that an owner's nodes share: what they come to, and by which published key they are split."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, User
from common.ids import uuid7
from common.ranges import PointRange
from ledger.models import Entry
from nodes.models import Node
from pricing.models.columns import Published, eur, published_once


class CostPool(models.Model):
    """A cost that several nodes of an owner share. What it is called and costs is in its statements."""

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="pools")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        triggers: ClassVar = [
            pgtrigger.Protect(name="pool_is_immutable", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def get_absolute_url(self) -> str:
        return f"/pools/{self.uid}/"


class PoolStatement(Published):
    """A dated declaration of a pool: EUR a year, and the key that gives each node its share."""

    class Kind(models.TextChoices):
        """The component of a node's cost that the pool is part of: pricing.domain.cost.Kind."""

        ELECTRICITY = "electricity", _("Electricity")
        HOSTING = "hosting", _("Hosting")
        MAINTENANCE = "maintenance", _("Maintenance")
        NETWORK = "network", _("Network")
        LICENCES = "licences", _("Licences")
        STAFF = "staff", _("Staff")
        INSURANCE = "insurance", _("Insurance")
        FINANCING = "financing", _("Financing")
        OVERHEAD = "overhead", _("Overhead")

    class Key(models.TextChoices):
        """What the shares are counted in."""

        NODES = "nodes", _("Nodes")
        DEVICES = "devices", _("Devices")
        RACK_UNITS = "rack_units", _("Rack units")
        ENERGY = "energy", _("Measured energy, kWh")
        STAFF_HOURS = "staff_hours", _("Hours of staff")
        TICKETS = "tickets", _("Tickets")
        TRAFFIC = "traffic", _("Traffic, TB")

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    pool = models.ForeignKey(CostPool, models.PROTECT, related_name="statements")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=20, choices=Kind)
    amount_year = eur()  # EUR a year, before VAT that is recovered
    worked_out = models.TextField(max_length=2000)  # where that comes from, in the owner's words
    key = models.CharField(max_length=20, choices=Key)
    whole = models.DecimalField(max_digits=18, decimal_places=4)  # of the key, all that the pool serves
    node_count = models.PositiveSmallIntegerField()
    unassigned_share = models.DecimalField(max_digits=13, decimal_places=12)
    unassigned_year = eur()
    corrects = models.ForeignKey("self", models.PROTECT, null=True, related_name="corrections")
    reason = models.CharField(max_length=500, blank=True)
    digest = models.CharField(max_length=64)
    entry = models.OneToOneField(Entry, models.PROTECT, related_name="+")
    published_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    published_at = models.DateTimeField()

    class Meta:
        ordering = ["pool_id", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["pool", "number"], name="pool_statement_number_is_unique"),
            models.CheckConstraint(condition=Q(amount_year__gt=0, whole__gt=0), name="a_pool_is_above_zero"),
            models.CheckConstraint(
                condition=Q(unassigned_share__gte=0, unassigned_share__lte=1, unassigned_year__gte=0),
                name="a_pool_gives_no_more_than_it_is",
            ),
            ExclusionConstraint(
                name="pool_statements_do_not_overlap",
                expressions=[
                    (PointRange("pool"), RangeOperators.OVERLAPS),
                    ("effective", RangeOperators.OVERLAPS),
                ],
            ),
        ]
        triggers: ClassVar = published_once("pool_statement")

    def __str__(self) -> str:
        return self.name


class PoolShare(models.Model):
    """A node's part of a pool: its base of the key, over the whole."""

    statement = models.ForeignKey(PoolStatement, models.PROTECT, related_name="shares")
    node = models.ForeignKey(Node, models.PROTECT, related_name="pool_shares")
    base = models.DecimalField(max_digits=18, decimal_places=4)
    share = models.DecimalField(max_digits=13, decimal_places=12)  # of 1
    amount_year = eur()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["statement", "node"], name="a_node_has_one_share_of_a_pool"),
            models.CheckConstraint(
                condition=Q(base__gt=0, share__gte=0, share__lte=1, amount_year__gte=0),
                name="a_share_is_between_none_and_all",
            ),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="pool_share_is_immutable", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="shares_of_a_pool_are_at_most_all",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                declare=[("given", "numeric"), ("many", "bigint"), ("room", "pricing_poolstatement%ROWTYPE")],
                # The statement's lock makes two who add at once wait for each other: each alone would fit.
                # As many shares as it was published with, and no later ones.
                func="""
                    SELECT * INTO room FROM pricing_poolstatement WHERE id = NEW.statement_id
                        FOR NO KEY UPDATE;
                    SELECT coalesce(sum(share), 0), count(*) INTO given, many
                        FROM pricing_poolshare WHERE statement_id = NEW.statement_id;
                    IF given + NEW.share + room.unassigned_share > 1 THEN
                        RAISE EXCEPTION 'the shares of a pool come to more than all of it';
                    END IF;
                    IF many >= room.node_count THEN
                        RAISE EXCEPTION 'the shares of a published pool are complete';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]
