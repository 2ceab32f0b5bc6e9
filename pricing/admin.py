"""The steward's desk for prices: to read. What is published changes by publishing, not here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from pricing.models import (
    Charge,
    CostComponent,
    CostStatement,
    Encumbrance,
    Grant,
    HourlyImport,
    SiteFee,
    Tariff,
)


class ReadOnly:
    """Looks, and never touches."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ComponentInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = CostComponent
    fields = ("position", "kind", "full_year", "chargeable_year", "detail")


@admin.register(CostStatement)
class StatementAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("node", "number", "effective", "full_delivered", "chargeable_delivered", "published_at")
    list_select_related = ("node",)
    search_fields = ("node__slug", "node__name", "digest")
    inlines = (ComponentInline,)


@admin.register(Tariff)
class TariffAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("node", "number", "effective", "price", "published_at")
    list_select_related = ("node",)
    search_fields = ("node__slug", "node__name", "digest")


@admin.register(SiteFee)
class FeeAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("effective", "amount", "reason")


class EncumbranceInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = Encumbrance
    fields = ("reference", "amount", "settled_at")


@admin.register(Grant)
class GrantAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "project", "funder", "valid", "amount", "encumbered", "used", "left")
    list_select_related = ("project", "funder")
    search_fields = ("name", "project__slug", "funder__slug")
    inlines = (EncumbranceInline,)


@admin.register(Charge)
class ChargeAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("reference", "position", "project", "node", "category", "item", "amount", "posted_at")
    list_filter = ("category", "item")
    list_select_related = ("project", "node")
    search_fields = ("reference", "project__slug")


@admin.register(HourlyImport)
class HourlyImportAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("at", "content", "file_name", "source", "values", "missing", "added", "changed", "by")
    list_filter = ("content",)
    list_select_related = ("by",)
    search_fields = ("file_name", "source", "sha256")
