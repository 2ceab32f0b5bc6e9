"""Event streams and long-polls; `bin/run` serves the pages from it too."""

from __future__ import annotations

import os
from importlib import import_module

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_asgi_application()
# Every view, before the first visitor comes, who would wait for it.
import_module("config.urls")
