"""What Django must know of config/: that it has commands, and that the admin is a site of our own."""

from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin import apps


class AdminConfig(apps.AdminConfig):
    default_site = "config.admin.Site"


class SiteConfig(AppConfig):
    """No models: for config/management."""

    name = "config"
    default = False
