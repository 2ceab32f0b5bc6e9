"""What looks odd in a declaration, held against published bands: said, and keeping nobody from publishing.

Medians: e-FISCAL (EU FP7 283449), deliverable D2.3, European computing centres. A figure is odd here when it
is what no centre can have (no staff, a PUE of 1.00) or lies far from a median, the distance being said.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from pricing.domain.cost import Cost, Kind
from pricing.domain.cost.depreciation import years_later
from pricing.domain.declared import ONE, ZERO, Declared
from pricing.domain.specifications import DeviceSpecification, ModelledPower

E_FISCAL = "e-FISCAL (EU FP7 283449), D2.3: medians of European computing centres"
EUROSTAT = (
    "Eurostat nrg_pc_205, without recoverable taxes: lowest and highest country, July 2023 to June 2024"
)
CALCULCO = "CALCULCO, table of residual values: 70, 50, 35, 25, 15 and 0 % after 1 to 6 years"
FLAT_RATES = (
    "Flat rates of funders: 15 % of direct costs (2 CFR 200.414(f)),"
    " 25 % (Horizon Europe, Model Grant Agreement, 6.2.E)"
)
ENTSO_E = "ENTSO-E Transparency Platform: a day-ahead price for every hour of a zone"
# Reference rate of the European Central Bank, mean of 2024, for prices seen in dollars.
USD_PER_EUR = Decimal("1.0824")


@dataclass(frozen=True)
class Band:
    """From where to where a figure is usual, and who says so. None: no bound on that side."""

    source: str
    low: Decimal | None = None
    high: Decimal | None = None
    median: Decimal | None = None

    def holds(self, value: Decimal) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


@dataclass(frozen=True)
class Oddity:
    """One figure outside its band: a code for the sentence, the member it is about, and the numbers."""

    code: str
    field: str
    value: Decimal
    band: Band


STAFF = Band(E_FISCAL, median=Decimal("0.51"))
PUE = Band(E_FISCAL, low=Decimal("1.01"), high=Decimal(3), median=Decimal("1.5"))
LIFE = Band(E_FISCAL, low=Decimal(3), high=Decimal(8), median=Decimal(5))
USED = Band(E_FISCAL, low=Decimal("0.35"), high=Decimal("0.95"), median=Decimal("0.713"))
ELECTRICITY_SHARE = Band(E_FISCAL, low=Decimal("0.03"), high=Decimal("0.45"), median=Decimal("0.15"))
OVERHEAD = Band(FLAT_RATES, high=Decimal("0.25"))
# A mean of hours that are known may leave out one in fifty.
MISSING_HOURS = Band(ENTSO_E, high=Decimal("0.02"))
ELECTRICITY_PRICE = Band(EUROSTAT, low=Decimal("0.089"), high=Decimal("0.276"))
# After six years nothing is left by that table; before, something is.
WORTHLESS_AFTER = Decimal(6)
# A machine is more than its devices: processors, memory, network, the maker's own margin.
TIMES_RETAIL = Decimal(2)


def oddities(
    declared: Declared,
    cost: Cost,
    *,
    year_from: date,
    device: DeviceSpecification | None,
    power: ModelledPower | None,
) -> list[Oddity]:
    """Everything that lies outside its band, in the order in which it is asked for."""
    return [
        *_of_assets(declared),
        *_of_days(declared, year_from),
        *_of_purchase(declared, cost, device),
        *_of_power(declared, power),
        *_outside("pue", "pue", declared.pue, PUE),
        *_outside("electricity_price", "contract_price", declared.electricity_price, ELECTRICITY_PRICE),
        *_of_day_ahead(declared),
        *_outside("used_share", "used_share", declared.used_share, USED),
        *_of_shares(declared, cost),
        *_of_overhead(declared),
        *_of_related_parties(declared),
    ]


def _outside(code: str, field: str, value: Decimal, band: Band) -> list[Oddity]:
    return [] if band.holds(value) else [Oddity(code, field, value, band)]


def _of_assets(declared: Declared) -> list[Oddity]:
    found = []
    for at, asset in enumerate(declared.assets):
        found += _outside("life_years", f"assets.{at}.life_years", asset.life_years, LIFE)
        if asset.residual_value == ZERO and asset.life_years < WORTHLESS_AFTER and asset.price:
            band = Band(CALCULCO, low=ZERO)
            found.append(Oddity("no_residual", f"assets.{at}.residual_value", asset.life_years, band))
    return found


def _of_days(declared: Declared, year_from: date) -> list[Oddity]:
    """What is bought after the year costs nothing in it."""
    until = years_later(year_from, 1)
    found = []
    for at, asset in enumerate(declared.assets):
        later = (asset.purchased_on - until).days
        if later >= 0:
            band = Band(f"{year_from.isoformat()} – {until.isoformat()}")
            found.append(Oddity("bought_later", f"assets.{at}.purchased_on", Decimal(later), band))
    return found


def _of_day_ahead(declared: Declared) -> list[Oddity]:
    """A mean of a part of the hours, which may have been the cheap or the dear ones."""
    mean = declared.day_ahead
    if mean is None or mean.hours_known + mean.hours_missing < 1:
        return []
    share = Decimal(mean.hours_missing) / (mean.hours_known + mean.hours_missing)
    return _outside("day_ahead_coverage", "day_ahead", share, MISSING_HOURS)


def _of_overhead(declared: Declared) -> list[Oddity]:
    """Actual overhead above what funders take flat."""
    return _outside("overhead", "indirect_costs", declared.overhead_share, OVERHEAD)


def _of_purchase(declared: Declared, cost: Cost, device: DeviceSpecification | None) -> list[Oddity]:
    """The whole purchase for each device, against twice what such a device cost in a shop."""
    if device is None or device.retail is None or not cost.device_count:
        return []
    each = declared.purchase_price / cost.device_count
    highest = (device.retail.usd / USD_PER_EUR * TIMES_RETAIL).quantize(ONE)
    band = Band(f"{device.retail.source}: {device.model}, {device.retail.on.isoformat()}", high=highest)
    return _outside("purchase_price", "assets", each, band)


def _of_power(declared: Declared, power: ModelledPower | None) -> list[Oddity]:
    if power is None:
        return []
    band = Band("; ".join(power.sources), high=power.kilowatts)
    return _outside("active_kilowatts", "active_kilowatts", declared.active_kilowatts, band)


def _of_shares(declared: Declared, cost: Cost) -> list[Oddity]:
    """What staff and electricity are of the whole; nothing can be said of a cost of nothing."""
    whole = cost.full_year
    if not whole:
        return []
    by_kind = {component.kind: component.full_year for component in cost.components}
    found = []
    if not by_kind.get(Kind.STAFF):
        found.append(Oddity("no_staff", "staff_posts", ZERO, STAFF))
    share = by_kind.get(Kind.ELECTRICITY, ZERO) / whole
    return found + _outside("electricity_share", "contract_price", share, ELECTRICITY_SHARE)


def _of_related_parties(declared: Declared) -> list[Oddity]:
    if declared.related_parties is False:
        return []
    code = "related_parties" if declared.related_parties else "related_parties_not_said"
    return [Oddity(code, "related_parties", ZERO, Band("IAS 24, related party disclosures"))]
