"""What stewards see of nodes. Facts that other facts rest on are read here, not changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from nodes.models import Agent, Closure, Device, EnrolmentToken, Hold, HoldEvent, Lease, Node, Site

M = TypeVar("M", bound=Model)
if TYPE_CHECKING:
    Base = admin.ModelAdmin[M]
    Inline = admin.TabularInline[Device, Node]
else:  # at run time these are not generic

    class Base(admin.ModelAdmin):
        def __class_getitem__(cls, item):
            return cls

    Inline = admin.TabularInline


class ReadOnly(Base[M]):
    """Looked at, never touched: services and agents write these rows."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False


@admin.register(Site)
class SiteAdmin(Base[Site]):
    list_display = ("name", "country", "electricity_zone", "pue")

    def has_delete_permission(self, request: HttpRequest, obj: Site | None = None) -> bool:
        return False


class DeviceInline(Inline):
    model = Device
    fields = readonly_fields = ("index", "kind", "model", "memory_bytes", "model_key")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Node)
class NodeAdmin(Base[Node]):
    list_display = ("name", "owner", "site", "state", "cpu_cores", "last_fence")
    list_select_related = ("owner", "site")
    list_filter = ("state", "site")
    search_fields = ("name", "slug")
    readonly_fields = (
        "uid", "slug", "owner", "cpu_model", "cpu_cores", "memory_bytes", "last_fence", "listed_at",
    )  # fmt: skip
    inlines = (DeviceInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Node | None = None) -> bool:
        return False


@admin.register(Agent)
class AgentAdmin(ReadOnly[Agent]):
    list_display = ("node", "version", "enrolled_at", "last_seen_at", "revoked_at")
    list_select_related = ("node",)


@admin.register(Lease)
class LeaseAdmin(ReadOnly[Lease]):
    list_display = ("reference", "node", "fence", "state", "not_before", "ends_at", "end_reason")
    list_select_related = ("node",)
    list_filter = ("state", "end_reason")
    search_fields = ("reference",)
    # What people run is theirs: a steward who must see it asks its project.
    exclude = ("specification",)


@admin.register(Hold)
class HoldAdmin(ReadOnly[Hold]):
    list_display = ("device", "during", "kind", "reference")
    list_select_related = ("device",)
    list_filter = ("kind",)
    search_fields = ("reference",)


@admin.register(HoldEvent)
class HoldEventAdmin(ReadOnly[HoldEvent]):
    list_display = ("at", "event", "device", "during", "reference", "weight", "price")
    list_select_related = ("device",)
    list_filter = ("event",)
    search_fields = ("reference",)


@admin.register(Closure)
class ClosureAdmin(ReadOnly[Closure]):
    list_display = ("created_at", "kind", "reason")


@admin.register(EnrolmentToken)
class EnrolmentTokenAdmin(ReadOnly[EnrolmentToken]):
    list_display = ("node", "created_by", "created_at", "expires_at", "used_at")
    list_select_related = ("node", "created_by")
    exclude = ("digest",)
