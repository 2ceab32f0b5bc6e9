"""What flags look at in one declaration: a few numbers, and who declares them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from pricing.domain.declared import Declared
from pricing.domain.exact import EXACT, MICRO, ONE, ZERO


class Code(StrEnum):
    """In the order in which they are told."""

    SHORT_LIFE = "short_life"
    NO_RESIDUAL = "no_residual"
    ABOVE_RETAIL = "above_retail"
    RELATED_PARTIES = "related_parties"


@dataclass(frozen=True)
class Shop:
    """The last price of such a device in shops before the purchase."""

    day: date
    usd: Decimal
    eur: Decimal
    rate: str  # the named rate that made euros of it
    source: str


class Bought(NamedTuple):
    """What flags look at in an asset."""

    price: Decimal
    vat: Decimal  # not recovered
    life_years: Decimal
    residual_value: Decimal
    on: date


@dataclass(frozen=True)
class Figures:
    """What flags look at in one declaration. `owner` and `node` tell peers from oneself."""

    node: int
    owner: int
    model: str
    kind: str
    life_years: Decimal  # of all that was bought, each by its price
    residual_share: Decimal  # of what was paid
    price_each: Decimal  # EUR for each device
    bought_on: date  # the dearest of what was bought
    related: bool | None  # None: not said
    shop: Shop | None = None

    @cached_property
    def times_retail(self) -> Decimal | None:
        if self.shop is None:
            return None
        with localcontext(EXACT):
            return (self.price_each / self.shop.eur).quantize(MICRO)

    def measure(self, code: Code) -> Decimal | None:
        """The number that is compared; None: there is none."""
        if code is Code.SHORT_LIFE:
            return self.life_years
        if code is Code.NO_RESIDUAL:
            return self.residual_share
        if code is Code.ABOVE_RETAIL:
            return self.times_retail
        return None if self.related is None else ONE if self.related else ZERO


def figures_of(
    declared: Declared, *, node: int, owner: int, model: str, kind: str, device_count: int
) -> Figures:
    """Of one declaration; without a price in shops. Needs at least one asset."""
    bought = [
        Bought(one.price, one.vat_not_recovered, one.life_years, one.residual_value, one.purchased_on)
        for one in declared.assets
    ]
    return figures_from(
        bought,
        node=node,
        owner=owner,
        model=model,
        kind=kind,
        device_count=device_count,
        related=declared.related_parties,
    )


def figures_from(
    bought: Sequence[Bought],
    *,
    node: int,
    owner: int,
    model: str,
    kind: str,
    device_count: int,
    related: bool | None,
) -> Figures:
    """A life is that of all assets, each counting by its price; a residual is a share of what was paid."""
    with localcontext(EXACT):
        price = sum((one.price for one in bought), ZERO)
        paid = price + sum((one.vat for one in bought), ZERO)
        weights = [one.price if price else ONE for one in bought]
        lives = sum((one.life_years * weight for one, weight in zip(bought, weights, strict=True)), ZERO)
        residual = sum((one.residual_value for one in bought), ZERO)
        return Figures(
            node=node,
            owner=owner,
            model=model,
            kind=kind,
            life_years=(lives / sum(weights, ZERO)).quantize(MICRO),
            residual_share=(residual / paid).quantize(MICRO) if paid else ZERO,
            price_each=(price / device_count).quantize(MICRO),
            bought_on=max(bought, key=lambda one: one.price).on,
            related=related,
        )
