"""What cannot be true of a declaration. Sentences for the codes are in pricing.wording.

A fault's field is the path of a member, as `used_share` or `assets.0.residual_value`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal

from pricing.domain.declared.shape import HOURS_A_YEAR, Asset, DayAheadMean, Declared, Kind, PoolPart, Support
from pricing.domain.exact import EXACT, ONE, ZERO, plain, total

# Columns hold 12 digits before the point; no machine costs as much.
LARGEST = Decimal(10) ** 9
MOST_ROWS = 50  # assets, sources of funding, parts of pools
LONGEST_TEXT = 500
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2100, 1, 1)
LONGEST_LIFE = Decimal(50)
SHORTEST_LIFE = Decimal("0.25")
SMALLEST_USED_SHARE = Decimal("0.001")
SMALLEST_BASE = ONE  # EUR of direct costs that indirect ones are spread over
FEWEST_HOURS = ONE  # available in a year
MOST_DECIMALS = 12  # of any figure: as many as the share of a pool has
LARGEST_PUE = Decimal(10)
DEAREST_KWH = Decimal(100)

SHARES = ("used_share", "insurance_share", "interest_rate")
_KWH_PRICES = ("contract_price", "energy_adder", "grid_fee", "electricity_tax")
_LISTS = ("assets", "pools", "support")
AMOUNTS = tuple(item.name for item in fields(Declared) if item.type in ("Decimal", "Decimal | None"))
_ASSET_AMOUNTS = tuple(item.name for item in fields(Asset) if item.type in ("Decimal", "Decimal | None"))
_DIGEST = re.compile(r"[0-9a-f]{64}")
# What stands behind a figure of these is told beside the components.
_OTHER_SOURCES = ("hours", "power", "embodied")
SOURCED = (*(str(kind) for kind in Kind), *_OTHER_SOURCES)


@dataclass(frozen=True)
class Fault:
    """One thing wrong with one field: a code for the sentence, and the numbers in it."""

    field: str
    rule: str
    limit: str = ""
    actual: str = ""


def faults(declared: Declared) -> list[Fault]:
    """Everything that cannot be true, in the order of the fields."""
    return [
        *_of_lists(declared),
        *(fault for at, asset in enumerate(declared.assets) for fault in _of_asset(asset, f"assets.{at}")),
        *_of_numbers(declared),
        *_of_electricity(declared),
        *_of_hours(declared),
        *_of_pools(declared.pools),
        *_of_support(declared.support),
        *_of_texts(declared),
    ]


def _of_lists(declared: Declared) -> Iterator[Fault]:
    if not declared.assets:
        yield Fault("assets", "missing")
    for name in _LISTS:
        if (count := len(getattr(declared, name))) > MOST_ROWS:
            yield Fault(name, "too_many", str(MOST_ROWS), str(count))


def _of_asset(asset: Asset, path: str) -> Iterator[Fault]:
    for name in _ASSET_AMOUNTS:
        limit = {"life_years": LONGEST_LIFE, "maintenance_share": ONE}.get(name, LARGEST)
        above_zero = name in ("price", "life_years")
        yield from _of_amount(f"{path}.{name}", getattr(asset, name), limit, above_zero=above_zero)
    if ZERO < asset.life_years < SHORTEST_LIFE:
        yield Fault(f"{path}.life_years", "at_least", plain(SHORTEST_LIFE), plain(asset.life_years))
    yield from _of_text(f"{path}.name", asset.name)
    yield from _of_day(f"{path}.purchased_on", asset.purchased_on)
    warranty = asset.warranty_until
    if warranty is not None:
        wrong = list(_of_day(f"{path}.warranty_until", warranty))
        yield from wrong
        if not wrong and warranty < asset.purchased_on:
            bought = asset.purchased_on.isoformat()
            yield Fault(f"{path}.warranty_until", "not_before", bought, warranty.isoformat())
    cost = plain(asset.cost)
    if asset.vat_not_recovered > asset.price:
        yield Fault(
            f"{path}.vat_not_recovered", "above_purchase", plain(asset.price), plain(asset.vat_not_recovered)
        )
    if asset.residual_value > asset.cost:
        yield Fault(f"{path}.residual_value", "above_purchase", cost, plain(asset.residual_value))
    yield from _of_funding(asset, path)
    yield from _of_embodied(asset, path)


def _of_funding(asset: Asset, path: str) -> Iterator[Fault]:
    if len(asset.funding) > MOST_ROWS:
        yield Fault(f"{path}.funding", "too_many", str(MOST_ROWS), str(len(asset.funding)))
    for at, part in enumerate(asset.funding):
        yield from _of_amount(f"{path}.funding.{at}.amount", part.amount, LARGEST, above_zero=True)
        yield from _of_text(f"{path}.funding.{at}.source", part.source)
    funded = total(part.amount for part in asset.funding)
    if funded > asset.cost:
        yield Fault(f"{path}.funding", "above_purchase", plain(asset.cost), plain(funded))


def _of_embodied(asset: Asset, path: str) -> Iterator[Fault]:
    known, lowest, highest = asset.embodied_kilograms, asset.embodied_lowest, asset.embodied_highest
    if known is None:
        if lowest is not None or highest is not None:
            yield Fault(f"{path}.embodied_kilograms", "missing")
        return
    if lowest is not None and lowest > known:
        yield Fault(f"{path}.embodied_lowest", "at_most", plain(known), plain(lowest))
    if highest is not None and highest < known:
        yield Fault(f"{path}.embodied_highest", "at_least", plain(known), plain(highest))


def _of_numbers(declared: Declared) -> Iterator[Fault]:
    for name in AMOUNTS:
        limit = ONE if name in SHARES else DEAREST_KWH if name in _KWH_PRICES else LARGEST
        limit = LARGEST_PUE if name == "pue" else limit
        above_zero = name in ("used_share", "rack_size")
        yield from _of_amount(name, getattr(declared, name), limit, above_zero=above_zero)
    if ZERO <= declared.pue < ONE:
        yield Fault("pue", "at_least", "1", plain(declared.pue))
    active, idle = declared.active_kilowatts, declared.idle_kilowatts
    if idle > active:
        yield Fault("idle_kilowatts", "idle_above_active", plain(active), plain(idle))
    if declared.rack_units > declared.rack_size:
        yield Fault("rack_units", "at_most", plain(declared.rack_size), plain(declared.rack_units))
    used, base = declared.used_share, declared.direct_costs
    if ZERO < used < SMALLEST_USED_SHARE:
        yield Fault("used_share", "at_least_part", plain(SMALLEST_USED_SHARE * 100), plain(used * 100))
    if declared.indirect_costs and not base:
        yield Fault("direct_costs", "above_zero", "0", "0")
    elif declared.indirect_costs and ZERO < base < SMALLEST_BASE:
        yield Fault("direct_costs", "at_least", plain(SMALLEST_BASE), plain(base))


def _of_electricity(declared: Declared) -> Iterator[Fault]:
    mean = declared.day_ahead
    if (declared.contract_price is None) == (mean is None):
        yield Fault("contract_price", "missing" if mean is None else "one_price")
    if mean is not None:
        yield from _of_mean(mean)


def _of_mean(mean: DayAheadMean) -> Iterator[Fault]:
    yield from _of_text("day_ahead.zone", mean.zone)
    yield from _of_amount("day_ahead.eur_per_mwh", abs(mean.eur_per_mwh), DEAREST_KWH * 1000)
    for name in ("since", "until"):
        yield from _of_day(f"day_ahead.{name}", getattr(mean, name))
    if mean.until <= mean.since:
        yield Fault("day_ahead.until", "after", mean.since.isoformat(), mean.until.isoformat())
    if mean.hours_known < 1:
        yield Fault("day_ahead.hours_known", "above_zero", "0", str(mean.hours_known))
    if mean.hours_missing < 0:
        yield Fault("day_ahead.hours_missing", "not_negative", "0", str(mean.hours_missing))


def _of_hours(declared: Declared) -> Iterator[Fault]:
    outage = total((declared.planned_outage_hours, declared.unplanned_outage_hours))
    if outage > HOURS_A_YEAR - FEWEST_HOURS:
        yield Fault("planned_outage_hours", "never_available", plain(HOURS_A_YEAR), plain(outage))


def _of_pools(pools: tuple[PoolPart, ...]) -> Iterator[Fault]:
    seen: set[str] = set()
    for at, part in enumerate(pools):
        path = f"pools.{at}"
        yield from _of_text(f"{path}.pool", part.pool)
        yield from _of_text(f"{path}.statement", part.statement)
        yield from _of_text(f"{path}.name", part.name)
        yield from _of_amount(f"{path}.amount_year", part.amount_year, LARGEST)
        yield from _of_amount(f"{path}.share", part.share, ONE, above_zero=True)
        if not _DIGEST.fullmatch(part.digest):
            yield Fault(f"{path}.digest", "not_a_digest", actual=part.digest[:70])
        if part.kind is Kind.PURCHASE:  # what is bought wears out, and has somebody who paid for it
            yield Fault(f"{path}.kind", "no_pool_of_purchases")
        if part.pool in seen:
            yield Fault(f"{path}.pool", "once", actual=part.pool)
        seen.add(part.pool)


def _of_support(support: tuple[Support, ...]) -> Iterator[Fault]:
    for at, part in enumerate(support):
        yield from _of_text(f"support.{at}.source", part.source)
        yield from _of_amount(f"support.{at}.amount_year", part.amount_year, LARGEST, above_zero=True)
        if part.kind in (Kind.PURCHASE, Kind.OVERHEAD):
            yield Fault(f"support.{at}.kind", "no_support_of_kind")


def _of_texts(declared: Declared) -> Iterator[Fault]:
    for component, source in declared.sources.items():
        if component not in SOURCED:
            yield Fault(f"sources.{component[:40]}", "unknown")
        if len(source) > LONGEST_TEXT:
            yield Fault(f"sources.{component[:40]}", "too_long", str(LONGEST_TEXT), str(len(source)))


def _of_text(path: str, text: str) -> Iterator[Fault]:
    if not text.strip():
        yield Fault(path, "missing")
    elif len(text) > LONGEST_TEXT:
        yield Fault(path, "too_long", str(LONGEST_TEXT), str(len(text)))


def _of_day(path: str, day: date) -> Iterator[Fault]:
    if not FIRST_DAY <= day < LAST_DAY:
        yield Fault(path, "not_in_our_time", f"{FIRST_DAY.year}–{LAST_DAY.year - 1}", day.isoformat())


def _of_amount(
    path: str, amount: Decimal | None, limit: Decimal, *, above_zero: bool = False
) -> Iterator[Fault]:
    if amount is None:
        return
    if not amount.is_finite() or abs(amount) > LARGEST:
        yield Fault(path, "at_most", plain(limit))
    elif amount < 0:
        yield Fault(path, "not_negative", "0", plain(amount))
    elif amount == 0 and above_zero:
        yield Fault(path, "above_zero", "0", "0")
    elif amount > limit:
        if limit == ONE:
            yield Fault(path, "at_most_all", "100", plain(amount * 100))
        else:
            yield Fault(path, "at_most", plain(limit), plain(amount))
    elif (places := _decimals(amount)) > MOST_DECIMALS:
        yield Fault(path, "too_fine", str(MOST_DECIMALS), str(places))


def _decimals(amount: Decimal) -> int:
    """Without the zeros at its end."""
    exponent = amount.normalize(EXACT).as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0
