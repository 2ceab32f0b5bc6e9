"""What people write about prices and funding."""

from __future__ import annotations

from pricing.forms.prices import PriceFilterForm

__all__ = ["PriceFilterForm"]
