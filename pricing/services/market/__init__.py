"""Importing list prices, shop prices and exchange rates: all of a file or nothing of it."""

from __future__ import annotations

from pricing.services.market.storing import Imported, enter_rate, import_file

__all__ = ["Imported", "enter_rate", "import_file"]
