"""What others ask: list prices of clouds, prices in shops and exchange rates, as imported, each dated."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from common.ids import uuid7
from ledger.models import Entry


def _kept(name: str) -> list[pgtrigger.Trigger]:
    return [pgtrigger.Protect(name=f"{name}_is_immutable", operation=pgtrigger.Update | pgtrigger.Delete)]


class MarketImport(models.Model):
    """A file, or what a steward typed, that was read to its end and brought something new."""

    class Content(models.TextChoices):
        PRICES = "prices", _("List prices of clouds")
        SHOPS = "shops", _("Prices of devices in shops")
        RATES = "rates", _("Exchange rates")

    uid = models.UUIDField(default=uuid7, unique=True, editable=False)
    content = models.CharField(max_length=10, choices=Content)
    format = models.CharField(max_length=10)  # as pricing.domain.market names it
    file_name = models.CharField(max_length=200, blank=True)  # blank: typed
    sha256 = models.CharField(max_length=64)  # of the bytes that were given, packed or not
    source = models.CharField(max_length=200)
    licence = models.CharField(max_length=200, blank=True)
    address = models.URLField(max_length=500, blank=True)  # where the source publishes it
    rows = models.PositiveIntegerField()  # that the file holds
    unmatched = models.PositiveIntegerField()  # of a device that the published table does not know
    added = models.PositiveIntegerField()
    changed = models.PositiveIntegerField()  # that say something else than what was known
    by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+"
    )  # null: on the server's own shell
    at = models.DateTimeField()
    entry = models.OneToOneField(Entry, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-at", "-id"]
        triggers: ClassVar = _kept("market_import")


class ListPrice(models.Model):
    """What a provider asked for an offer on a day. Of two rows about the same the later import's holds."""

    class Kind(models.TextChoices):
        ON_DEMAND = "on_demand", _("On demand")
        RESERVED = "reserved_1y", _("Reserved for a year")
        SPOT = "spot", _("Spot, may be taken away")
        CHEAPEST = "cheapest", _("Cheapest listing")

    came_with = models.ForeignKey(MarketImport, models.PROTECT, related_name="list_prices", db_index=False)
    provider = models.CharField(max_length=40)
    offer = models.CharField(max_length=120, blank=True)
    region = models.CharField(max_length=120, blank=True)
    device = models.CharField(max_length=120)  # as the source names it
    model_key = models.CharField(max_length=90, blank=True)  # blank: not matched
    memory_gib = models.DecimalField(max_digits=10, decimal_places=4, null=True)  # of one device
    devices = models.DecimalField(max_digits=8, decimal_places=4)
    currency = models.CharField(max_length=3)
    price_hour = models.DecimalField(max_digits=14, decimal_places=6)  # of the whole offer
    per_device_hour = models.DecimalField(max_digits=14, decimal_places=6)
    kind = models.CharField(max_length=12, choices=Kind)
    observed_on = models.DateField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "offer", "region", "device", "kind", "observed_on", "came_with"],
                name="one_list_price_per_offer_day_and_import",
            ),
            models.CheckConstraint(
                condition=Q(price_hour__gt=0, per_device_hour__gt=0, devices__gt=0),
                name="list_price_is_positive",
            ),
        ]
        indexes = [models.Index(fields=["model_key", "kind"], name="list_price_by_device")]
        triggers: ClassVar = _kept("list_price")


class RetailPrice(models.Model):
    """What a device alone was sold for in shops on a day. The later import's row holds."""

    came_with = models.ForeignKey(MarketImport, models.PROTECT, related_name="retail_prices", db_index=False)
    device = models.CharField(max_length=120)  # as the source names it
    model_key = models.CharField(max_length=90, blank=True)  # blank: not matched
    currency = models.CharField(max_length=3)
    price = models.DecimalField(max_digits=14, decimal_places=2)
    on = models.DateField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["device", "currency", "on", "came_with"],
                name="one_retail_price_per_device_day_and_import",
            ),
            models.CheckConstraint(condition=Q(price__gt=0), name="retail_price_is_positive"),
        ]
        indexes = [models.Index(fields=["model_key", "on"], name="retail_price_by_device")]
        triggers: ClassVar = _kept("retail_price")


class ExchangeRate(models.Model):
    """How much of a currency one euro was worth on a day, as its source has it. The later row holds."""

    came_with = models.ForeignKey(MarketImport, models.PROTECT, related_name="rates", db_index=False)
    currency = models.CharField(max_length=3)
    per_eur = models.DecimalField(max_digits=18, decimal_places=10)
    on = models.DateField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["currency", "on", "came_with"], name="one_rate_per_currency_day_and_import"
            ),
            models.CheckConstraint(condition=Q(per_eur__gt=0), name="rate_is_positive"),
        ]
        triggers: ClassVar = _kept("exchange_rate")
