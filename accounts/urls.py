"""Addresses of people: signing in and out is allauth's, under /accounts/."""

from __future__ import annotations

from django.urls import URLPattern, path

from accounts.views import me

# at /
pages: list[URLPattern] = [
    path("me/", me.me, name="me"),
    path("i18n/setlang/", me.set_language, name="set_language"),
]
endpoints: list[URLPattern] = []
