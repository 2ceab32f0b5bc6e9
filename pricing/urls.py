"""The addresses of prices, nodes and funding."""

from __future__ import annotations

from django.urls import path

from pricing.api import funding as funding_api, hourly as hourly_api, nodes as nodes_api, prices as prices_api
from pricing.views import drafts, funding, hourly, prices, publishing

# /prices/ and /nodes/
pages = [
    path("prices/", prices.prices, name="prices"),
    path("nodes/<slug:slug>/", prices.node, name="node"),
    # an owner's own
    path("owner/", publishing.owner, name="owner"),
    path("nodes/<slug:slug>/statements/", publishing.node_statements, name="node_statements"),
    path("nodes/<slug:slug>/statements/draft/", drafts.draft, name="draft"),
    path("nodes/<slug:slug>/statements/draft/new/", drafts.draft_start, name="draft_start"),
    path("nodes/<slug:slug>/statements/draft/review/", publishing.draft_review, name="draft_review"),
    path("nodes/<slug:slug>/statements/draft/discard/", publishing.draft_discard, name="draft_discard"),
    path("nodes/<slug:slug>/statements/draft/<slug:step>/", drafts.draft_step, name="draft_step"),
    path("nodes/<slug:slug>/statements/draft/<slug:step>/effect/", drafts.draft_effect, name="draft_effect"),
    path(
        "nodes/<slug:slug>/statements/<int:number>/correct/",
        publishing.statement_correct,
        name="statement_correct",
    ),
    path(
        "nodes/<slug:slug>/statements/<int:number>/withdraw/",
        publishing.statement_withdraw,
        name="statement_withdraw",
    ),
    path("nodes/<slug:slug>/tariffs/new/", publishing.tariff_new, name="tariff_new"),
    # what funders give
    path("organisations/<slug:slug>/grants/", funding.funding, name="funding"),
    path("organisations/<slug:slug>/grants/new/", funding.grant_new, name="grant_new"),
    path("organisations/<slug:slug>/grants/projects/", funding.grant_projects, name="grant_projects"),
    path("organisations/<slug:slug>/grants/lines/new/", funding.line_new, name="line_new"),
    path("organisations/<slug:slug>/grants/lines/<uuid:uid>/close/", funding.line_close, name="line_close"),
    # /electricity/<zone>/
    path("electricity/", hourly.electricity_zones, name="electricity_zones"),
    path("electricity/<str:zone>/", hourly.electricity, name="electricity"),
    path("steward/electricity/", hourly.steward_electricity, name="steward_electricity"),
]
# Their data, and /api/v1/prices
endpoints = [
    path("prices.json", prices.prices_json, name="prices_json"),
    path("prices.csv", prices.prices_csv, name="prices_csv"),
    path("nodes/<slug:slug>.json", prices.node_json, name="node_json"),
    path("nodes/<slug:slug>.csv", prices.node_csv, name="node_csv"),
    path("electricity/<str:zone>.json", hourly.electricity_json, name="electricity_json"),
    path("electricity/<str:zone>.csv", hourly.electricity_csv, name="electricity_csv"),
    # /api/v1/
    path("api/v1/electricity/<str:zone>", hourly_api.ElectricityApi.as_view(), name="api_electricity"),
    path(
        "api/v1/electricity-imports",
        hourly_api.ElectricityImportsApi.as_view(),
        name="api_electricity_imports",
    ),
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
