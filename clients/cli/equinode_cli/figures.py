"""Money and sizes as people read them; the API has them as exact decimals."""

from __future__ import annotations

from decimal import Decimal

from equinode_cli.words import amount


def price(text: str | None, places: int = 4) -> str:
    """An hour's price: two places, or up to `places` where it needs them."""
    if text is None:
        return "–"
    whole, _point, fraction = f"{Decimal(text):.{places}f}".partition(".")
    return amount(f"{whole}.{fraction[:2]}{fraction[2:].rstrip('0')}")


def money(value: str | Decimal | None) -> str:
    return "–" if value is None else amount(f"{Decimal(value):.2f}")


def size(number: int) -> str:
    """`20.5 KB`: decimal, as disks and networks are counted."""
    value, units = Decimal(number), ["B", "KB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return amount(f"{value:.1f}" if value != number else f"{number}", units[0])
