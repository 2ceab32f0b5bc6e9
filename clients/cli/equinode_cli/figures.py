"""Money and sizes as people read them; the API has them as exact decimals."""

from __future__ import annotations

from decimal import Decimal

from equinode_cli.words import amount, decimal


def price(text: str | None) -> str:
    """An hour's price: four places, so that cheap hours can be told apart."""
    return "–" if text is None else amount(f"{Decimal(text):.4f}")


def money(value: str | Decimal | None) -> str:
    return "–" if value is None else amount(f"{Decimal(value):.2f}")


def ratio(text: str | None) -> str:
    """A fair-share level; none before anything was used."""
    return "–" if text is None else decimal(f"{Decimal(text):.2f}")


def hours(text: str) -> str:
    return decimal(f"{Decimal(text):.1f}")


def size(number: int) -> str:
    """`20.5 KB`: decimal, as disks and networks are counted."""
    value, units = Decimal(number), ["B", "KB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return amount(f"{value:.1f}" if value != number else f"{number}", units[0])
