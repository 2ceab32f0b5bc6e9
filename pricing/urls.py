"""The addresses of prices, nodes and funding."""

from __future__ import annotations

from django.urls import path

from pricing.api import funding as funding_api, nodes as nodes_api, prices as prices_api
from pricing.views import funding, prices

# /prices/ and /nodes/
pages = [
    path("prices/", prices.prices, name="prices"),
    path("nodes/<slug:slug>/", prices.node, name="node"),
    # what funders give
    path("organisations/<slug:slug>/grants/", funding.funding, name="funding"),
    path("organisations/<slug:slug>/grants/new/", funding.grant_new, name="grant_new"),
    path("organisations/<slug:slug>/grants/projects/", funding.grant_projects, name="grant_projects"),
    path("organisations/<slug:slug>/grants/lines/new/", funding.line_new, name="line_new"),
    path("organisations/<slug:slug>/grants/lines/<uuid:uid>/close/", funding.line_close, name="line_close"),
]
# Their data, and /api/v1/prices
endpoints = [
    path("prices.json", prices.prices_json, name="prices_json"),
    path("prices.csv", prices.prices_csv, name="prices_csv"),
    path("nodes/<slug:slug>.json", prices.node_json, name="node_json"),
    path("nodes/<slug:slug>.csv", prices.node_csv, name="node_csv"),
    # /api/v1/
    path("api/v1/prices", prices_api.PricesApi.as_view(), name="api_prices"),
    path("api/v1/nodes", nodes_api.NodesApi.as_view(), name="api_nodes"),
    path("api/v1/nodes/<slug:slug>", nodes_api.NodeApi.as_view(), name="api_node"),
    path("api/v1/organisations/<slug:slug>/lines", funding_api.LinesApi.as_view(), name="api_lines"),
    path(
        "api/v1/organisations/<slug:slug>/lines/<uuid:uid>/close",
        funding_api.LineCloseApi.as_view(),
        name="api_line_close",
    ),
    path("api/v1/organisations/<slug:slug>/grants", funding_api.GrantsApi.as_view(), name="api_grants"),
]
