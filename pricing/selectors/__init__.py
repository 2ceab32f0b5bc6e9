"""What pages, endpoints and the app above read of prices."""

from __future__ import annotations

from pricing.selectors.rates import Rate, WaterfallStep, rates, waterfalls

__all__ = ["Rate", "WaterfallStep", "rates", "waterfalls"]
