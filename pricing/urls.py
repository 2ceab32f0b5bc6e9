"""The addresses of prices and nodes."""

from __future__ import annotations

from django.urls import path

from pricing import views
from pricing.api import PricesApi

# /prices/ and /nodes/
pages = [
    path("prices/", views.prices, name="prices"),
    path("nodes/<slug:slug>/", views.node, name="node"),
]
# Their data, and /api/v1/prices
endpoints = [
    path("prices.json", views.prices_json, name="prices_json"),
    path("prices.csv", views.prices_csv, name="prices_csv"),
    path("nodes/<slug:slug>.json", views.node_json, name="node_json"),
    path("nodes/<slug:slug>.csv", views.node_csv, name="node_csv"),
    path("api/v1/prices", PricesApi.as_view(), name="api_prices"),
]
