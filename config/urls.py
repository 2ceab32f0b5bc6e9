"""Every address of the site."""

from __future__ import annotations

from django.urls import include, path

from accounts import urls as accounts_urls
from config import views

handler500 = "config.views.server_error"

urlpatterns = [
    path("styleguide/", views.styleguide, name="styleguide"),
    path("accessibility/", views.accessibility, name="accessibility"),
    path("", include(accounts_urls.pages)),
    path("accounts/", include("allauth.urls")),
]
