"""Every address of the site."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path

from accounts import urls as accounts_urls
from config import api, views
from config.permissions import guard_others
from ledger import urls as ledger_urls
from nodes import urls as nodes_urls
from pricing import urls as pricing_urls
from reservations import urls as reservations_urls

handler500 = "config.views.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("styleguide/", views.styleguide, name="styleguide"),
    path("accessibility/", views.accessibility, name="accessibility"),
    path("", include(accounts_urls.pages)),
    path("", include(accounts_urls.endpoints)),
    path("", include(ledger_urls.pages)),
    path("", include(ledger_urls.endpoints)),
    path("", include(nodes_urls.endpoints)),
    path("", include(pricing_urls.pages)),
    path("", include(pricing_urls.endpoints)),
    path("", include(reservations_urls.pages)),
    path("", include(reservations_urls.endpoints)),
    # after all that is under /api/v1/
    path("api/v1/", api.FrontDoorApi.as_view(), name="api"),
    path("api/docs/", api.api_docs, name="api_docs"),
    path("api/schema", api.api_schema, name="api_schema"),
    # not `path:`, which a line break would get past
    re_path(r"^api/(?P<rest>[\s\S]*)$", api.NothingApi.as_view(), name="api_nothing"),
    path("accounts/", include(accounts_urls.entrance)),
    path("admin/", admin.site.urls),
]
# Every address stands behind a rule: docs/permissions.md.
guard_others(urlpatterns)
