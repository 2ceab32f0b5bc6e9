"""The admin is a site of our own: config/admin.py."""

from __future__ import annotations

from django.contrib.admin import apps


class AdminConfig(apps.AdminConfig):
    default_site = "config.admin.Site"
