"""The steward's desk for people, organisations and projects."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.access import person
from accounts.forms import ReadingForm
from accounts.models import Organisation, OrganisationMembership, Project, ProjectMembership, User
from accounts.services import organisations
from common import clock
from common.errors import DomainError


class PersonCreationForm(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email",)
        field_classes: ClassVar[dict[str, Any]] = {}


class PersonChangeForm(ReadingForm, UserChangeForm):  # type: ignore[type-arg]
    class Meta(UserChangeForm.Meta):
        model = User


@admin.register(User)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]
    form = PersonChangeForm
    add_form = PersonCreationForm
    ordering = ("email",)
    list_display = ("email", "name", "is_active", "is_steward", "is_staff")
    list_filter = ("is_active", "is_steward", "is_staff")
    search_fields = ("email", "name")
    readonly_fields = ("uid", "last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "password", "uid")}),
        (_("How they read the site"), {"fields": ("name", "language", "time_zone")}),
        (_("Rights"), {"fields": ("is_active", "is_steward", "is_staff", "is_superuser", "groups")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)


class OrganisationMembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = OrganisationMembership
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Organisation)
class OrganisationAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "kind", "country", "is_public_body", "verified_at")
    list_filter = ("kind", "is_public_body")
    search_fields = ("name", "slug")
    prepopulated_fields: ClassVar[dict[str, Any]] = {"slug": ("name",)}
    readonly_fields = ("uid", "verified_at")
    formfield_overrides: ClassVar[dict[Any, Any]] = {models.URLField: {"assume_scheme": "https"}}
    inlines = (OrganisationMembershipInline,)
    actions = ("verify",)

    @admin.action(description=_("Verify: their kind gives rights from now on"))
    def verify(self, request: HttpRequest, queryset: QuerySet[Organisation]) -> None:
        now, by = clock.now(), person(request)
        for organisation in Organisation.objects.waiting().filter(pk__in=queryset):
            try:
                organisations.verify(organisation=organisation, by=by, at=now)
            except DomainError as refusal:  # their own, or another steward was quicker
                self.message_user(request, refusal.message, messages.ERROR)


class ProjectMembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = ProjectMembership
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(Project)
class ProjectAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("name", "project_class", "organisation", "uses_public_money", "created_at")
    list_filter = ("project_class", "uses_public_money")
    search_fields = ("name", "slug")
    prepopulated_fields: ClassVar[dict[str, Any]] = {"slug": ("name",)}
    autocomplete_fields = ("organisation",)
    readonly_fields = ("uid", "created_at")
    inlines = (ProjectMembershipInline,)


# What opens an account is nobody else's to read: seeds of second factors, keys of sessions, others' tokens.
admin.site.unregister([Authenticator, UserSession, SocialAccount, SocialApp, SocialToken])
