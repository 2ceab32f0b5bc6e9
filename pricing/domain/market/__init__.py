"""What others ask for the same device: list prices, shop prices and exchange rates, read and compared.

Formats, the matching of names and the rule of conversion: docs/list-prices.md.
"""

from __future__ import annotations
