"""Addresses of people: signing in and out is allauth's, under /accounts/."""

from __future__ import annotations

from django.urls import URLPattern, path

from accounts import views

# at /
pages: list[URLPattern] = [
    path("me/", views.me, name="me"),
    path("i18n/setlang/", views.set_language, name="set_language"),
]
endpoints: list[URLPattern] = []
