"""What Django must know of config/: that it has commands, and that the admin is a site of our own."""

from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin import apps
from django.db.backends.signals import connection_created

from common.timestamps import read_quickly


class AdminConfig(apps.AdminConfig):
    default_site = "config.admin.Site"


class SiteConfig(AppConfig):
    """No models: for config/management, and for how the database is read."""

    name = "config"
    default = False

    def ready(self) -> None:
        connection_created.connect(read_quickly, dispatch_uid="read_quickly")
