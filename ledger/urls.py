"""The addresses of the log."""

from __future__ import annotations

from django.urls import path

from ledger import api, views

# /checkpoint and /ledger/
pages = [
    path("checkpoint", views.checkpoint, name="checkpoint"),
    path("ledger/", views.ledger, name="ledger"),
    path("ledger/entries/<int:index>/", views.ledger_entry, name="ledger_entry"),
]
# Their data
endpoints = [
    path("ledger.json", views.ledger_json, name="ledger_json"),
    path("ledger/consistency.json", views.ledger_consistency_json, name="ledger_consistency_json"),
    path("ledger/entries/<int:index>.json", views.ledger_entry_json, name="ledger_entry_json"),
    # /api/v1/
    path("api/v1/ledger/entries", api.EntriesApi.as_view(), name="api_ledger_entries"),
    path("api/v1/ledger/entries/<int:index>", api.EntryApi.as_view(), name="api_ledger_entry"),
]
