"""The admin, open only to staff whose account two things open."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from accounts.selectors.security import has_second_factor


class Site(AdminSite):
    site_header = site_title = "Equinode"

    def has_permission(self, request: HttpRequest) -> bool:
        """Asked before every page of the admin: without a second factor none of them shows anything."""
        user = request.user
        return super().has_permission(request) and user.is_authenticated and has_second_factor(user)

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Where who lacks the permission is sent: to everybody's sign-in, or to where the lack is mended."""
        if not request.user.is_authenticated:
            return redirect_to_login(request.GET.get("next", request.get_full_path()))
        if not (request.user.is_active and request.user.is_staff):
            raise PermissionDenied
        if has_second_factor(request.user):
            return redirect("admin:index")
        messages.warning(
            request, _("The admin needs a second factor: add a passkey or an authenticator app.")
        )
        return redirect("security")
