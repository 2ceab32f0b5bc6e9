"""What an hour on one node costs, all of it: waterfall, formulas, changes, evidence, hours of the day."""

from __future__ import annotations

from pricing.selectors.costs.page import CostsPage, costs_page

__all__ = ["CostsPage", "costs_page"]
