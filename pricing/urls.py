"""The addresses of prices, nodes, evidence, cost pools and funding."""

from __future__ import annotations

from django.urls import path

from pricing.api import (
    caps as caps_api,
    compare as compare_api,
    conformance as conformance_api,
    costs as costs_api,
    evidence as evidence_api,
    flags as flags_api,
    funding as funding_api,
    hourly as hourly_api,
    market as market_api,
    nodes as nodes_api,
    pools as pools_api,
    prices as prices_api,
    site_costs as site_costs_api,
    statements,
)
from pricing.views import (
    caps,
    compare,
    conformance,
    costs,
    drafts,
    evidence,
    flags,
    funding,
    hourly,
    market,
    pools,
    prices,
    publishing,
    site_costs,
    tariffs,
)

# /prices/ and /nodes/
pages = [
    path("prices/", prices.prices, name="prices"),
    path("nodes/<slug:slug>/", prices.node, name="node"),
    path("nodes/<slug:slug>/costs/", costs.node_costs, name="node_costs"),
    path("nodes/<slug:slug>/conformance/", conformance.node_conformance, name="node_conformance"),
    path("nodes/<slug:slug>/conformance/settle/", conformance.node_settle, name="node_settle"),
    path("nodes/<slug:slug>/conformance/check/", conformance.node_check, name="node_check"),
    path("how-costs-work/", costs.how_costs_work, name="how_costs_work"),
    # nodes side by side, and what others ask
    path("compare/", compare.compare, name="compare"),
    path("prices/market/", market.market, name="market"),
    path("prices/market/<slug:key>/", market.market_device, name="market_device"),
    path("steward/list-prices/", market.steward_market, name="steward_market"),
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
    path("nodes/<slug:slug>/tariffs/<int:number>/call-off/", tariffs.tariff_call_off, name="tariff_call_off"),
    # evidence and cost pools
    path("organisations/<slug:slug>/evidence/", evidence.evidence_files, name="evidence_files"),
    path("evidence/<uuid:uid>/", evidence.evidence, name="evidence"),
    path("evidence/<uuid:uid>/file", evidence.evidence_file, name="evidence_file"),
    path("evidence/<uuid:uid>/attach/", evidence.evidence_attach, name="evidence_attach"),
    path("evidence/<uuid:uid>/widen/", evidence.evidence_widen, name="evidence_widen"),
    path("evidence/<uuid:uid>/redact/", evidence.evidence_redact, name="evidence_redact"),
    path("evidence/<uuid:uid>/discard/", evidence.evidence_discard, name="evidence_discard"),
    path("pools/<uuid:uid>/", pools.pool, name="pool"),
    path("organisations/<slug:slug>/pools/", pools.pools, name="pools"),
    path("organisations/<slug:slug>/pools/new/", pools.pool_new, name="pool_new"),
    path("organisations/<slug:slug>/pools/<uuid:uid>/correct/", pools.pool_correct, name="pool_correct"),
    path("organisations/<slug:slug>/pools/drafts/<uuid:uid>/", pools.pool_draft, name="pool_draft"),
    path(
        "organisations/<slug:slug>/pools/drafts/<uuid:uid>/discard/",
        pools.pool_draft_discard,
        name="pool_draft_discard",
    ),
    # how far a price may lie above its cost
    path("prices/policy/", caps.pricing_policy, name="pricing_policy"),
    path("prices/flags/", flags.flags, name="flags"),
    path("steward/prices/", caps.steward_prices, name="steward_prices"),
    path("steward/prices/policy/", caps.steward_pricing_policy, name="steward_pricing_policy"),
    path(
        "steward/nodes/<slug:slug>/price-exceptions/",
        caps.steward_node_exceptions,
        name="steward_node_exceptions",
    ),
    path(
        "steward/price-exceptions/<uuid:uid>/",
        caps.steward_price_exception,
        name="steward_price_exception",
    ),
    # what the site itself costs
    path("site-costs/", site_costs.site_costs, name="site_costs"),
    path("steward/site-costs/", site_costs.steward_site_costs, name="steward_site_costs"),
    path("steward/site-costs/fee/", site_costs.steward_site_fee, name="steward_site_fee"),
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
    path("compare.json", compare.compare_json, name="compare_json"),
    path("compare.csv", compare.compare_csv, name="compare_csv"),
    path("prices/market.json", market.market_json, name="market_json"),
    path("prices/market.csv", market.market_csv, name="market_csv"),
    path("prices/market/<slug:key>.json", market.market_device_json, name="market_device_json"),
    path("prices/market/<slug:key>.csv", market.market_device_csv, name="market_device_csv"),
    path("api/v1/compare", compare_api.CompareApi.as_view(), name="api_compare"),
    path("api/v1/list-prices", market_api.ListPricesApi.as_view(), name="api_list_prices"),
    path(
        "api/v1/list-price-imports", market_api.ListPriceImportsApi.as_view(), name="api_list_price_imports"
    ),
    path("api/v1/exchange-rates", market_api.ExchangeRatesApi.as_view(), name="api_exchange_rates"),
    path("prices/flags.json", flags.flags_json, name="flags_json"),
    path("prices/flags.csv", flags.flags_csv, name="flags_csv"),
    path("prices/policy.json", caps.pricing_policy_json, name="pricing_policy_json"),
    path("prices/policy.csv", caps.pricing_policy_csv, name="pricing_policy_csv"),
    path("prices/exceptions.json", caps.price_exceptions_json, name="price_exceptions_json"),
    path("prices/exceptions.csv", caps.price_exceptions_csv, name="price_exceptions_csv"),
    path("site-costs.json", site_costs.site_costs_json, name="site_costs_json"),
    path("site-costs.csv", site_costs.site_costs_csv, name="site_costs_csv"),
    path("nodes/<slug:slug>.json", prices.node_json, name="node_json"),
    path("nodes/<slug:slug>.csv", prices.node_csv, name="node_csv"),
    path(
        "nodes/<slug:slug>/conformance.json", conformance.node_conformance_json, name="node_conformance_json"
    ),
    path("nodes/<slug:slug>/costs.json", costs.node_costs_json, name="node_costs_json"),
    path("nodes/<slug:slug>/costs.csv", costs.node_costs_csv, name="node_costs_csv"),
    path("electricity/<str:zone>.json", hourly.electricity_json, name="electricity_json"),
    path("electricity/<str:zone>.csv", hourly.electricity_csv, name="electricity_csv"),
    path("pools/<uuid:uid>.json", pools.pool_json, name="pool_json"),
    path("pools/<uuid:uid>.csv", pools.pool_csv, name="pool_csv"),
    # /api/v1/
    path("api/v1/pricing-policies", caps_api.PricingPoliciesApi.as_view(), name="api_pricing_policies"),
    path("api/v1/flags", flags_api.FlagsApi.as_view(), name="api_flags"),
    path("api/v1/site-costs", site_costs_api.SiteCostsApi.as_view(), name="api_site_costs"),
    path("api/v1/site-fees", site_costs_api.SiteFeesApi.as_view(), name="api_site_fees"),
    path("api/v1/price-exceptions", caps_api.PriceExceptionsApi.as_view(), name="api_price_exceptions"),
    path(
        "api/v1/price-exceptions/<uuid:uid>",
        caps_api.PriceExceptionApi.as_view(),
        name="api_price_exception",
    ),
    path(
        "api/v1/price-exceptions/<uuid:uid>/end",
        caps_api.PriceExceptionEndApi.as_view(),
        name="api_price_exception_end",
    ),
    path(
        "api/v1/organisations/<slug:slug>/evidence",
        evidence_api.EvidenceFilesApi.as_view(),
        name="api_evidence_files",
    ),
    path("api/v1/evidence/<uuid:uid>", evidence_api.EvidenceApi.as_view(), name="api_evidence"),
    path("api/v1/evidence/<uuid:uid>/file", evidence_api.EvidenceFileApi.as_view(), name="api_evidence_file"),
    path(
        "api/v1/evidence/<uuid:uid>/redact",
        evidence_api.EvidenceRedactApi.as_view(),
        name="api_evidence_redact",
    ),
    path(
        "api/v1/statements/<uuid:uid>/evidence",
        evidence_api.StatementEvidenceApi.as_view(),
        name="api_statement_evidence",
    ),
    path("api/v1/organisations/<slug:slug>/pools", pools_api.PoolsApi.as_view(), name="api_pools"),
    path("api/v1/pools/<uuid:uid>", pools_api.PoolApi.as_view(), name="api_pool"),
    path(
        "api/v1/pools/<uuid:uid>/evidence", evidence_api.PoolEvidenceApi.as_view(), name="api_pool_evidence"
    ),
    path(
        "api/v1/organisations/<slug:slug>/pool-drafts",
        pools_api.PoolDraftsApi.as_view(),
        name="api_pool_drafts",
    ),
    path("api/v1/pool-drafts/<uuid:uid>", pools_api.PoolDraftApi.as_view(), name="api_pool_draft"),
    path(
        "api/v1/pool-drafts/<uuid:uid>/publish",
        pools_api.PoolDraftPublishApi.as_view(),
        name="api_pool_draft_publish",
    ),
    path("api/v1/electricity/<str:zone>", hourly_api.ElectricityApi.as_view(), name="api_electricity"),
    path(
        "api/v1/electricity-imports",
        hourly_api.ElectricityImportsApi.as_view(),
        name="api_electricity_imports",
    ),
    path("api/v1/prices", prices_api.PricesApi.as_view(), name="api_prices"),
    path("api/v1/nodes", nodes_api.NodesApi.as_view(), name="api_nodes"),
    path("api/v1/nodes/<slug:slug>", nodes_api.NodeApi.as_view(), name="api_node"),
    path("api/v1/nodes/<slug:slug>/costs", costs_api.NodeCostsApi.as_view(), name="api_node_costs"),
    path(
        "api/v1/nodes/<slug:slug>/conformance",
        conformance_api.ConformanceApi.as_view(),
        name="api_node_conformance",
    ),
    path(
        "api/v1/nodes/<slug:slug>/conformance/settle",
        conformance_api.SettleApi.as_view(),
        name="api_node_settle",
    ),
    path("api/v1/nodes/<slug:slug>/statements", statements.StatementsApi.as_view(), name="api_statements"),
    path(
        "api/v1/nodes/<slug:slug>/statements/draft", statements.DraftApi.as_view(), name="api_statement_draft"
    ),
    path(
        "api/v1/nodes/<slug:slug>/statements/draft/publish",
        statements.PublishApi.as_view(),
        name="api_statement_publish",
    ),
    path(
        "api/v1/nodes/<slug:slug>/statements/preview",
        statements.PreviewApi.as_view(),
        name="api_statement_preview",
    ),
    path(
        "api/v1/nodes/<slug:slug>/statements/<int:number>/correct",
        statements.CorrectApi.as_view(),
        name="api_statement_correct",
    ),
    path(
        "api/v1/nodes/<slug:slug>/statements/<int:number>/withdraw",
        statements.WithdrawApi.as_view(),
        name="api_statement_withdraw",
    ),
    path("api/v1/nodes/<slug:slug>/tariffs", statements.TariffsApi.as_view(), name="api_tariffs"),
    path(
        "api/v1/nodes/<slug:slug>/tariffs/<int:number>/call-off",
        statements.CallOffApi.as_view(),
        name="api_tariff_call_off",
    ),
    path("api/v1/organisations/<slug:slug>/lines", funding_api.LinesApi.as_view(), name="api_lines"),
    path(
        "api/v1/organisations/<slug:slug>/lines/<uuid:uid>/close",
        funding_api.LineCloseApi.as_view(),
        name="api_line_close",
    ),
    path("api/v1/organisations/<slug:slug>/grants", funding_api.GrantsApi.as_view(), name="api_grants"),
]
