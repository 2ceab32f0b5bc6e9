"""The addresses of prices and nodes."""

from __future__ import annotations

from django.urls import path

from pricing import views
from pricing.api import nodes as nodes_api, prices as prices_api

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
    # /api/v1/
    path("api/v1/prices", prices_api.PricesApi.as_view(), name="api_prices"),
    path("api/v1/nodes", nodes_api.NodesApi.as_view(), name="api_nodes"),
    path("api/v1/nodes/<slug:slug>", nodes_api.NodeApi.as_view(), name="api_node"),
]
