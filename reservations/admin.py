"""The steward’s desk for fair share: to read. A policy changes by publishing, the rest by its services."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from pricing.admin import ReadOnly
from reservations.models import (
    Decision,
    Policy,
    PolicyException,
    Reservation,
    ReservedDevice,
    Vertex,
)


@admin.register(Policy)
class PolicyAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("version", "effective", "reason", "published_at", "digest")
    search_fields = ("reason", "digest")


@admin.register(PolicyException)
class PolicyExceptionAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = (
        "granted_at", "project", "number", "policy_value", "value", "effective", "granted_by", "ended_at",
        "uid",
    )  # fmt: skip
    list_filter = ("number", ("ended_at", admin.EmptyFieldListFilter))
    list_select_related = ("project", "granted_by")
    search_fields = ("uid", "project__slug", "reason", "end_reason")


@admin.register(Vertex)
class VertexAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "parent", "shares", "project", "decayed_usage", "committed", "last_active_at")
    list_select_related = ("parent", "project")
    list_filter = (("project", admin.EmptyFieldListFilter),)
    ordering = ("path",)  # each account before those below it
    search_fields = ("name", "project__slug")


@admin.register(Decision)
class DecisionAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("decided_at", "outcome", "project", "refusing", "policy_version", "engine", "uid")
    list_filter = ("outcome", "engine", "policy__version")
    list_select_related = ("project", "policy")
    date_hierarchy = "decided_at"
    search_fields = ("uid", "project__slug", "digest")
    show_full_result_count = False  # one for every request there ever was

    @admin.display(description=_("Refused by"))
    def refusing(self, decision: Decision) -> str:
        return ", ".join(rule["code"] for rule in decision.rules if rule["verdict"] == "refuse")

    @admin.display(description=_("Policy version"), ordering="policy__version")
    def policy_version(self, decision: Decision) -> int:
        return decision.policy.version


class ReservedDeviceInline(ReadOnly, admin.TabularInline):  # type: ignore[type-arg]
    model = ReservedDevice
    fields = ("node", "device", "weight", "price", "fee", "tariff_number", "hold_uid")
    readonly_fields = ("node", "tariff_number")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReservedDevice]:
        return super().get_queryset(request).select_related("device__node", "tariff")

    @admin.display(description=_("Node"))
    def node(self, reserved: ReservedDevice) -> str:
        return reserved.device.node.name

    @admin.display(description=_("Tariff"))
    def tariff_number(self, reserved: ReservedDevice) -> int:
        return reserved.tariff.number


@admin.register(Reservation)
class ReservationAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = (
        "created_at", "state", "project", "booked_by", "during", "quoted_price", "cancelled_at", "settled_at",
        "uid",
    )  # fmt: skip
    list_filter = ("state", ("settled_at", admin.EmptyFieldListFilter))
    list_select_related = ("project", "booked_by")
    date_hierarchy = "created_at"
    search_fields = ("uid", "project__slug")
    show_full_result_count = False
    inlines = (ReservedDeviceInline,)
