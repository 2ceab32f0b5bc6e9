"""The addresses of list prices and of nodes side by side."""

from __future__ import annotations

from django.urls import path

from pricing.api import compare as compare_api, market as market_api
from pricing.views import compare, market

pages = [
    path("compare/", compare.compare, name="compare"),
    path("prices/market/", market.market, name="market"),
    path("prices/market/<slug:key>/", market.market_device, name="market_device"),
    path("steward/list-prices/", market.steward_market, name="steward_market"),
]
endpoints = [
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
]
